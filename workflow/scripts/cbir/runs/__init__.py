"""What surrounds a script: its log, the console and the record of a run, the lock on the results."""
