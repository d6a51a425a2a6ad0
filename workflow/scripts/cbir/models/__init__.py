"""The encoders: the catalogue that describes them, their weights, and how each is built from both."""
