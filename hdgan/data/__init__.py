"""Data sets: label maps, instance maps and the photographs they show."""
