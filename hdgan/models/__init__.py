"""The model families and the code that they share."""
