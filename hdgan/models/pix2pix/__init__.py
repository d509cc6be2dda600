"""pix2pix, the baseline: U-Net, PatchGAN and L1."""
