"""From maps and photos to what the networks see, and back."""
