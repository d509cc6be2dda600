"""The lines that a run prints before it trains."""

import types

import pytest
from absl import logging

from hdgan.runs import TrainingOptions, summary


class _Policy:
    def final_size(self, height, width):
        return height, width


@pytest.mark.parametrize("failing", [{}, {"remat": True}], ids=str)
def test_an_estimate_that_fails_does_not_stop_the_run(monkeypatch, failing):
    def fail(*arguments, **options):
        if options == failing:
            raise RuntimeError("no such layer")

    warnings = []
    monkeypatch.setattr(summary, "estimate_memory", fail)
    monkeypatch.setattr(
        logging, "warning", lambda text, *values: warnings.append(text % values)
    )
    run = types.SimpleNamespace(
        options=TrainingOptions(preset="tiny"),
        strategy=types.SimpleNamespace(num_replicas_in_sync=1),
        sizes={(32, 64)},
    )
    summary.print_memory(run, model=None, policy=_Policy())
    assert warnings == [
        "The memory of a step can't be estimated: no such layer"
    ]
