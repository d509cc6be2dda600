"""How good generated photographs are: metrics, segmenter, report."""

from hdgan.lazy_exports import lazy_exports

_EXPORTS = {
    "FrechetDistance": "hdgan.evaluation.distribution_distances",
    "KernelDistance": "hdgan.evaluation.distribution_distances",
    "Segmenter": "hdgan.evaluation.segmenter",
    "SegmentationScores": "hdgan.evaluation.segmentation_scores",
    "evaluate": "hdgan.evaluation.evaluation",
    "load_segmenter": "hdgan.evaluation.segmenter",
    "make_feature_network": "hdgan.evaluation.feature_networks",
    "train_segmenter": "hdgan.evaluation.segmenter_training",
}
__all__ = [*_EXPORTS]
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
