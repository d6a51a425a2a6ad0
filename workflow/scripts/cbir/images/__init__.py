"""Pixels: one image file as a radiologist's viewer shows it."""
