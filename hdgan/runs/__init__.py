"""A training run, callable from Python."""
