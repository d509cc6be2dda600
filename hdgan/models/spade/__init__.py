"""SPADE: semantics that modulate every layer of the generator."""
