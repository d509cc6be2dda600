"""The one place where a layer leaves `keras.ops` for TensorFlow, for speed.

Each function has a portable twin written in `keras.ops`, used on every other
backend. Both give the same numbers; tests hold them to each other.
"""

import keras
from keras import ops

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
else:
    tf = None


def instance_normalize(x, epsilon):
    """Normalizes each channel of each example over height and width.

    Statistics are taken in float32 and the variance is the biased one.

    In half precision a batch of one goes through TensorFlow's fused batch
    norm, where training-mode batch norm *is* instance norm: the kernel reads
    and writes half precision and keeps its statistics in float32, which saves
    two casts of the whole map. In float32 the plain formula is faster, with its
    gradient written out: what is derived from it reads and writes the map some
    ten times more.

    Args:
        x: floating tensor, `(batch, height, width, channels)`.
        epsilon: float, added to the variance.

    Returns:
        Tensor of the same shape and dtype.
    """
    half = keras.backend.standardize_dtype(x.dtype) in ("bfloat16", "float16")
    if tf is not None and half and x.shape[0] == 1:
        channels = tf.shape(x)[-1:]
        return tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=tf.ones(channels),
            offset=tf.zeros(channels),
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=epsilon,
            is_training=True,
        )[0]
    wide = ops.cast(x, "float32")
    if tf is not None:
        return tf.cast(_normalize_with_gradient(wide, epsilon), x.dtype)
    return ops.cast(_normalize(wide, epsilon)[0], x.dtype)


def _normalize(x, epsilon):
    """Returns the normalized map, and what it was multiplied by."""
    mean = ops.mean(x, axis=(1, 2), keepdims=True)
    centred = x - mean
    variance = ops.mean(ops.square(centred), axis=(1, 2), keepdims=True)
    factor = ops.rsqrt(variance + epsilon)
    return centred * factor, factor


def _normalize_with_gradient(x, epsilon):
    @tf.custom_gradient
    def normalize(x):
        y, factor = _normalize(x, epsilon)

        def backward(gradient):
            def mean(values):
                return tf.reduce_mean(values, (1, 2), keepdims=True)

            # Ioffe and Szegedy, 2015, section 3, with its sums put together.
            slope = mean(gradient * y)
            return factor * (gradient - mean(gradient) - y * slope)

        return y, backward

    return normalize(x)


def convolve(x, kernel, bias, strides, zero_padding):
    """Convolves images, padded with zeros as PyTorch counts them.

    On a processor TensorFlow's own convolution stays far from the peak where
    the kernel is large: it takes it as it lies in memory, rows of 4 kB apart
    from one another. There the convolution is a sum of matrix products, one
    for each row of the kernel, over shifted images; so is the gradient of the
    kernel. What is large is measured: BUILD.md, performance.

    Args:
        x: floating tensor, `(batch, height, width, inputs)`.
        kernel: `(rows, columns, inputs, outputs)`, of the same dtype.
        bias: `(outputs,)`, of the same dtype.
        strides: int, of height and width.
        zero_padding: int, pixels added on each of the four sides.

    Returns:
        `(batch, new_height, new_width, outputs)`, where a side becomes `(side +
        2 * zero_padding - kernel's side) // strides + 1`.
    """
    if zero_padding:
        sides = (zero_padding, zero_padding)
        x = ops.pad(x, ((0, 0), sides, sides, (0, 0)))
    if tf is None:
        x = ops.conv(x, kernel, strides, "valid", "channels_last")
        return ops.add(x, bias)
    if strides == 1 and _is_large(kernel) and _is_on_processor():
        return _convolve_by_products(x, kernel, bias)
    # Padded already: with explicit padding the gradients would be computed by
    # far slower kernels.
    return tf.nn.bias_add(tf.nn.conv2d(x, kernel, strides, "VALID"), bias)


def _is_on_processor():
    return not tf.config.list_logical_devices("GPU")


def _is_large(kernel):
    rows, _, inputs, outputs = kernel.shape
    return rows > 1 and inputs * outputs >= 256 * 512


def _convolve_by_products(x, kernel, bias):
    """Convolves at stride 1 without padding."""
    rows, columns, inputs, outputs = kernel.shape
    batch, height, width = (
        tf.shape(x)[axis] if size is None else size
        for axis, size in enumerate(x.shape[:3])
    )
    new_size = batch, height - rows + 1, width - columns + 1

    def shifted(image, row, column):
        return image[:, row : row + new_size[1], column : column + new_size[2]]

    def forward(x, kernel, bias):
        # In half precision TensorFlow's own is the faster one.
        if x.dtype != tf.float32:
            return tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "VALID"), bias)
        result = bias
        for row in range(rows):
            shifts = [shifted(x, row, column) for column in range(columns)]
            result += tf.matmul(
                tf.reshape(tf.concat(shifts, -1), (-1, columns * inputs)),
                tf.reshape(kernel[row], (columns * inputs, outputs)),
            )
        return tf.reshape(result, (*new_size, outputs))

    def kernel_gradient(x, gradient):
        if inputs * outputs < 1024 * 1024:
            return tf.raw_ops.Conv2DBackpropFilter(
                input=x,
                filter_sizes=kernel.shape,
                out_backprop=gradient,
                strides=[1, 1, 1, 1],
                padding="VALID",
            )
        gradient = tf.reshape(gradient, (-1, outputs))
        products = [
            tf.matmul(
                tf.reshape(shifted(x, row, column), (-1, inputs)),
                gradient,
                transpose_a=True,
            )
            for row in range(rows)
            for column in range(columns)
        ]
        return tf.reshape(tf.stack(products), kernel.shape)

    @tf.custom_gradient
    def convolve_with_gradient(x, kernel, bias):
        def backward(gradient):
            to_x = tf.raw_ops.Conv2DBackpropInput(
                input_sizes=tf.shape(x),
                filter=kernel,
                out_backprop=gradient,
                strides=[1, 1, 1, 1],
                padding="VALID",
            )
            # The kernel for it adds up half precision in half precision.
            to_bias = tf.reduce_sum(tf.cast(gradient, tf.float32), (0, 1, 2))
            return (
                to_x,
                kernel_gradient(x, gradient),
                tf.cast(to_bias, gradient.dtype),
            )

        return forward(x, kernel, bias), backward

    return convolve_with_gradient(x, kernel, bias)


def mean_per_instance(features, instance_map):
    """Replaces every pixel's features by their mean over its instance.

    Args:
        features: float32 tensor, `(batch, height, width, channels)`.
        instance_map: integer tensor, `(batch, height, width)`, any ids. The
            same id in two examples means two instances.

    Returns:
        Float32 tensor of the shape of `features`.
    """
    shape = ops.shape(features)
    num_pixels = shape[0] * shape[1] * shape[2]
    flat_features = ops.reshape(features, (num_pixels, shape[3]))
    if tf is not None:
        # The id and the example together name an instance, in 64 bits.
        example = tf.range(tf.cast(shape[0], tf.int64))[:, None, None]
        keys = example * 2**32 + tf.cast(instance_map, tf.int64)
        names, segments = tf.unique(tf.reshape(keys, [-1]))
        means = tf.math.unsorted_segment_mean(
            flat_features, segments, tf.size(names)
        )
        return tf.reshape(tf.gather(means, segments), tf.shape(features))
    # Without a hash table: sort by id within each example, number the runs.
    ids = ops.reshape(instance_map, (shape[0], shape[1] * shape[2]))
    order = ops.argsort(ids, axis=1)
    ordered = ops.take_along_axis(ids, order, axis=1)
    starts = ops.concatenate(
        [
            ops.ones((shape[0], 1), dtype="int32"),
            ops.cast(ordered[:, 1:] != ordered[:, :-1], "int32"),
        ],
        axis=1,
    )
    numbers = ops.cumsum(ops.reshape(starts, (-1,))) - 1
    rank = ops.argsort(order, axis=1)
    segments = ops.reshape(
        ops.take_along_axis(
            ops.reshape(numbers, (shape[0], shape[1] * shape[2])), rank, axis=1
        ),
        (-1,),
    )
    sums = ops.segment_sum(flat_features, segments, num_segments=num_pixels)
    counts = ops.segment_sum(
        ops.ones((num_pixels, 1)), segments, num_segments=num_pixels
    )
    means = sums / ops.maximum(counts, 1.0)
    return ops.reshape(ops.take(means, segments, axis=0), shape)
