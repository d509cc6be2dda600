"""Programs around a data set or a model: `python -m hdgan.tools.X`."""
