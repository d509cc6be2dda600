"""pix2pixHD: model, presets, coarse-to-fine, PyTorch checkpoints."""
