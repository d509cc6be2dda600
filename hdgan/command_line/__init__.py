"""How the recipes and tools parse flags, start and fail."""
