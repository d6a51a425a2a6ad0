"""What an encoder is asked to do besides retrieval. Each task leaves a file of predictions."""
