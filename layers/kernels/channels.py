"""Concatenation of channels."""

from keras import ops

from hdgan.layers.kernels.recompute import recompute_from


def join_channels(tensors):
    """Concatenates tensors along their channels, in the dtype of the first.

    A gradient recomputes the result from the tensors instead of keeping it. A
    discriminator's input of 39 channels, for example, is recomputed from the
    label map, the instance map and the image.

    Args:
        tensors: list of tensors `(batch, height, width, channels)`, which
            differ in channels and dtype only. Each is kept for another reason,
            or was itself returned by a function of `hdgan.layers.kernels`.

    Returns:
        Tensor `(batch, height, width, sum of channels)`.

    Example:
        >>> pair = hdgan.layers.join_channels([condition, photo])
    """
    dtype = tensors[0].dtype

    def join(*parts):
        return ops.concatenate([ops.cast(part, dtype) for part in parts], -1)

    return recompute_from(join, *tensors)
