"""Drawn street scenes."""
