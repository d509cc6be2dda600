"""Records: the scenes of a split in a few large files, read by index."""
