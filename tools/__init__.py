"""Programs around a data set or a model: `hdgan X`."""
