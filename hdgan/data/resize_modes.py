"""Names of the resize modes, importable without TensorFlow."""

# In the order of `ResizePolicy`'s docstring, which says what each does.
MODES = (
    "scale_width",
    "scale_width_and_crop",
    "resize_and_crop",
    "crop",
    "none",
)
