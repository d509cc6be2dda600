"""Reusable Keras layers and losses of label-to-photo synthesis.

They don't depend on the rest of the package and fit into any Keras model.
"""

from hdgan.layers.adversarial_losses import (
    AdversarialLoss,
    hinge_discriminator_loss,
    hinge_generator_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    non_saturating_discriminator_loss,
    non_saturating_generator_loss,
)
from hdgan.layers.average_pooling import AveragePooling2DExcludingPadding
from hdgan.layers.boundary_map import BoundaryMap
from hdgan.layers.convolution import CroppedConv2DTranspose, PaddedConv2D
from hdgan.layers.convolution_block import ConvolutionBlock
from hdgan.layers.downsample_block import DownsampleBlock
from hdgan.layers.edge_padding import EdgePadding
from hdgan.layers.feature_matching_loss import (
    FeatureMatchingLoss,
    feature_matching_loss,
)
from hdgan.layers.gaussian_sampling import GaussianSampling
from hdgan.layers.gradient_checkpointing import gradient_checkpointing
from hdgan.layers.instance_average_pooling import InstanceAveragePooling
from hdgan.layers.instance_normalization import InstanceNormalization
from hdgan.layers.kernels import join_channels, plain_kernels
from hdgan.layers.multiscale import Multiscale
from hdgan.layers.nearest_resizing import (
    NearestDoubling,
    NearestDownsampling,
    resize_nearest,
)
from hdgan.layers.noise_dropout import NoiseDropout, dropout_noise
from hdgan.layers.one_hot_labels import OneHotLabels
from hdgan.layers.parameter_free_normalization import (
    ParameterFreeBatchNormalization,
)
from hdgan.layers.patch_discriminator import PatchDiscriminator
from hdgan.layers.perceptual_loss import PerceptualLoss
from hdgan.layers.residual_block import ResidualBlock
from hdgan.layers.semantic_channels import SemanticChannels
from hdgan.layers.spade_normalization import SpadeNormalization
from hdgan.layers.spade_residual_block import SpadeResidualBlock
from hdgan.layers.spectral_normalization import (
    SpectralNormalization,
    one_power_iteration,
)
from hdgan.layers.upsample_block import UpsampleBlock

__all__ = [
    "AdversarialLoss",
    "AveragePooling2DExcludingPadding",
    "BoundaryMap",
    "ConvolutionBlock",
    "CroppedConv2DTranspose",
    "DownsampleBlock",
    "EdgePadding",
    "FeatureMatchingLoss",
    "GaussianSampling",
    "InstanceAveragePooling",
    "InstanceNormalization",
    "Multiscale",
    "NearestDoubling",
    "NearestDownsampling",
    "NoiseDropout",
    "OneHotLabels",
    "PaddedConv2D",
    "ParameterFreeBatchNormalization",
    "PatchDiscriminator",
    "PerceptualLoss",
    "ResidualBlock",
    "SemanticChannels",
    "SpadeNormalization",
    "SpadeResidualBlock",
    "SpectralNormalization",
    "UpsampleBlock",
    "dropout_noise",
    "feature_matching_loss",
    "gradient_checkpointing",
    "hinge_discriminator_loss",
    "hinge_generator_loss",
    "join_channels",
    "least_squares_discriminator_loss",
    "least_squares_generator_loss",
    "non_saturating_discriminator_loss",
    "non_saturating_generator_loss",
    "one_power_iteration",
    "plain_kernels",
    "resize_nearest",
]
