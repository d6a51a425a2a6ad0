"""Vectors as files: images and texts through an encoder, released vectors, unions."""
