"""Fixtures that the tests of serving share."""

import pytest
import shared_exports


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    """Exports of small models by name; `shared_exports.MODELS` lists them."""
    return shared_exports.Exports(tmp_path_factory)
