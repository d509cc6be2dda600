"""Converts maps and photos to network inputs and crops the outputs."""
