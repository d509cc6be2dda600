"""Training programs, one per published recipe: `hdgan train X`."""
