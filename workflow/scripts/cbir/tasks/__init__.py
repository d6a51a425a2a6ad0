"""What an encoder is asked to do besides retrieval; each task leaves a file of predictions."""
