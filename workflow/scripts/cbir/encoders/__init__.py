"""Encoders: from a catalogue entry to a network that turns images or texts into vectors."""
