"""pix2pixHD for Keras 3 and TensorFlow."""
