"""What surrounds a script: its log, the lock on the results, the record of a run."""
