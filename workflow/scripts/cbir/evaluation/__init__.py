"""How good the answers are: metrics, chance levels, intervals and comparisons."""
