"""Train steps without a graph, for tests of what happens around the steps."""

import contextlib
import functools

import pytest

import hdgan


@contextlib.contextmanager
def eager_steps():
    """Within it, models run their steps eagerly.

    A few eager steps of a narrow network take less time than tracing a graph.
    """
    model = hdgan.LabelToPhotoModel
    compile_eagerly = functools.partialmethod(model.compile, run_eagerly=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "compile", compile_eagerly)
        yield
