"""VGG19 as the fixed network of the perceptual loss."""

import pathlib

import keras
from keras import ops

from hdgan.data.hdf5_arrays import measure_arrays
from hdgan.data.printable import printable
from hdgan.data.torch_file import read_torch_file

TAPS = (
    "block1_conv1",
    "block2_conv1",
    "block3_conv1",
    "block4_conv1",
    "block5_conv1",
)
INPUTS = ("raw", "caffe")
# The BGR means of ImageNet, 0..255, which Keras' VGG19 was trained with.
_BGR_MEANS = (103.939, 116.779, 123.68)
_HALF_RANGE = 127.5
# Indices of the convolutions up to relu5_1 in torchvision's `features`.
_TORCHVISION_INDICES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)


@keras.saving.register_keras_serializable(package="hdgan")
class VGG19Features:
    """Maps an image to VGG19's activations relu1_1, relu2_1, .., relu5_1.

    Simonyan and Zisserman, 2015; the taps of Wang et al., 2018, section 3.3,
    and the original PyTorch code. The network is frozen, and computes in
    float32 whatever the dtype policy. `build()` loads it, once; neither it nor
    its weights are saved with a model that holds this.

    Args:
        weights: `"imagenet"`, which Keras downloads, or the path of a file:
            Keras' weights of VGG19 without its top (`.h5`), or torchvision's
            state dict of VGG19 (`.pth`), which is read without PyTorch.
            Defaults to `"imagenet"`.
        inputs: how the image is fed to the network. `"raw"`: RGB in [-1, 1], as
            the original PyTorch code feeds torchvision's weights. `"caffe"`:
            BGR, 0..255 minus the ImageNet means, as Keras' weights expect;
            the activations are divided by 127.5, so that they have the
            magnitude of those of `"raw"`. Defaults to `None`, which means
            `"raw"` for a file of torchvision's and `"caffe"` otherwise.

    Call arguments:
        image: `(batch, height, width, 3)` in [-1, 1]; both sides >= 16 pixels.

    Returns:
        A list of five tensors with 64, 128, 256, 512 and 512 channels, whose
        height and width are divided by 1, 2, 4, 8 and 16, rounded down.

    Raises:
        ValueError: if `inputs` is unknown; from `build`, naming the file, if
            it does not exist or does not hold weights of VGG19.

    Example:
        >>> features = hdgan.VGG19Features("vgg19-dcbb9e9d.pth")
        >>> activations = features(photo)
    """

    def __init__(self, weights="imagenet", inputs=None):
        if inputs is None:
            inputs = "raw" if is_torchvision(weights) else "caffe"
        if inputs not in INPUTS:
            raise ValueError(
                f"`inputs` must be one of {INPUTS}, or None to choose by the "
                f"format of the weights. Received: {inputs!r}"
            )
        self.weights = weights
        self.inputs = inputs
        self._network = None

    def build(self):
        """Builds the network and loads its weights, once."""
        if self._network is None:
            network = _load_network(self.weights)
            if self.inputs == "caffe":
                _divide_activations(network, _HALF_RANGE)
            # In a closure, where nothing that saves or tracks the layers in
            # attributes finds it: VGG19 would be part of each checkpoint.
            self._network = lambda image: network(image, training=False)

    def __call__(self, image):
        self.build()
        return self._network(self._convert(image))

    def get_config(self):
        return {"weights": self.weights, "inputs": self.inputs}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def _convert(self, image):
        """Converts RGB in [-1, 1] to what the network is fed.

        For `"caffe"` that is BGR minus the means, divided by 127.5: the
        division of the activations starts here.
        """
        if self.inputs == "raw":
            return image
        offsets = [1.0 - mean / _HALF_RANGE for mean in _BGR_MEANS]
        bgr = image[..., ::-1]
        return bgr + ops.convert_to_tensor(offsets, dtype=bgr.dtype)


def is_torchvision(weights):
    """Returns whether the weights are a PyTorch file, by its suffix."""
    return pathlib.Path(weights).suffix in (".pth", ".pt")


def _load_network(weights):
    """Returns VGG19 up to relu5_1, frozen, with its taps as outputs."""
    is_imagenet = weights == "imagenet"
    if not is_imagenet and not pathlib.Path(weights).is_file():
        raise ValueError(
            f"There is no file of VGG19 weights {weights!r}. Expected "
            "'imagenet', or the path of Keras' weights without top (.h5) or "
            "of torchvision's (.pth)."
        )
    backbone = _make_backbone("imagenet" if is_imagenet else None)
    network = keras.Model(
        backbone.input,
        [backbone.get_layer(tap).output for tap in TAPS],
        name="vgg19_features",
    )
    if is_torchvision(weights):
        _assign_torchvision(network, weights)
    elif not is_imagenet:
        _load_keras_weights(backbone, weights)
    network.trainable = False
    return network


def _make_backbone(weights):
    """Returns Keras' VGG19 in float32, whatever the global settings are."""
    # VGG19 has no arguments for them.
    data_format, floatx, policy = (
        keras.config.image_data_format(),
        keras.config.floatx(),
        keras.config.dtype_policy(),
    )
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    try:
        return keras.applications.VGG19(include_top=False, weights=weights)
    finally:
        keras.config.set_image_data_format(data_format)
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


def _divide_activations(network, divisor):
    """Makes every activation smaller by a factor, given a smaller image.

    `relu(W x + b) / c = relu(W (x / c) + b / c)`: dividing image and biases
    costs no pass over the activations.
    """
    for layer in _convolutions(network):
        layer.bias.assign(layer.bias / divisor)


def _convolutions(network):
    return [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]


def _load_keras_weights(backbone, path):
    try:
        with open(path, "rb") as file:
            measure_arrays(file)
        backbone.load_weights(path)
    except Exception as error:  # A damaged file can raise any.
        raise ValueError(
            f"{path} does not hold Keras weights of VGG19 without top: "
            f"{printable(error)}"
        ) from error


def _assign_torchvision(network, path):
    state = read_torch_file(path)
    for index, layer in zip(
        _TORCHVISION_INDICES, _convolutions(network), strict=True
    ):
        arrays = []
        for kind, variable in zip(
            ("weight", "bias"), layer.weights, strict=True
        ):
            name = f"features.{index}.{kind}"
            array = state.get(name) if isinstance(state, dict) else None
            if getattr(array, "ndim", 0) == 4:
                array = array.transpose(2, 3, 1, 0)
            if getattr(array, "shape", None) != variable.shape:
                raise ValueError(
                    f"{path} does not hold torchvision weights of VGG19: "
                    f"{name} is missing or has another shape than "
                    f"{tuple(variable.shape)}."
                )
            arrays.append(array)
        layer.set_weights(arrays)
