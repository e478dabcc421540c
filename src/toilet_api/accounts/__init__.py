"""People and systems: who may do what and where, training, passwords and tokens."""
