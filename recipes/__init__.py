"""Training programs, one per published recipe: `python -m hdgan.recipes.X`."""
