"""Semantic edits of scenes."""

from hdgan.editing.replace_class import replace_class

__all__ = ["replace_class"]
