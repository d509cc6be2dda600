"""Exports that the tests of the tools share."""

import types

import pytest
from shared_folders import make_once
from tiny_models import make_model, sharpen

from hdgan import LabelSet
from hdgan.data.street.data_set import draw_scenes


@pytest.fixture(scope="session")
def street_dir(tmp_path_factory):
    """A data set of four drawn street scenes; tests must not change it."""
    directory = tmp_path_factory.mktemp("streets")
    draw_scenes(directory, "test", 4, 24, 40)
    return directory


def _export(tmp_path_factory, name, **options):
    model = sharpen(make_model(num_downsamplings=1, **options))
    folder = make_once(
        tmp_path_factory, name, lambda folder: model.export(folder / "1")
    )
    return types.SimpleNamespace(model=model, directory=folder / "1")


@pytest.fixture(scope="session")
def street_export(street_dir, tmp_path_factory):
    """A `model` of street scenes, and the `directory` of its export."""
    labels = LabelSet.load(street_dir / "labels.json")
    return _export(tmp_path_factory, "street_export", labels=labels)


@pytest.fixture(scope="session")
def encoder_export(street_dir, tmp_path_factory):
    """The same of a model with an encoder."""
    labels = LabelSet.load(street_dir / "labels.json")
    return _export(
        tmp_path_factory, "encoder_export", labels=labels, styles="instances"
    )


@pytest.fixture(scope="session")
def rgb_export(tmp_path_factory):
    """The same of a model without labels and instances."""
    return _export(
        tmp_path_factory, "rgb_export", labels=None, use_instances=False
    )
