"""Networks larger than a layer: generators, discriminators, encoder, VGG19."""
