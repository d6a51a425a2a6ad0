"""Pixels of one image file, as a radiologist's viewer shows them."""
