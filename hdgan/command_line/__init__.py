"""The command `hdgan`, and how recipes and tools parse flags and fail."""
