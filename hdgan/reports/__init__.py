"""HTML pages of pictures."""
