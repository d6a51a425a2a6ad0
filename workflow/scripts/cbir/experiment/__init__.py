"""What is to be made: the configuration, the model catalogue and the plan that follows from both."""
