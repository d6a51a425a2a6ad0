"""What the answers are worth: metrics, chance levels, intervals and comparisons."""
