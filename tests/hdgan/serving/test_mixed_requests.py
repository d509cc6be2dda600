"""Many simultaneous clients, half of whose requests are invalid."""

import mixed_requests
import pytest
from tiny_models import make_model, sharpen

from hdgan.serving import Client, ServingOptions


@pytest.mark.journey
def test_200_requests_from_8_clients(tmp_path):
    model = sharpen(make_model(num_downsamplings=1))
    options = ServingOptions(max_pixels=mixed_requests.MAX_PIXELS)
    model.export(tmp_path / "1", options)
    with mixed_requests.serve(tmp_path / "1") as (process, urls):
        answers = mixed_requests.ask_mixed(model, urls)
        assert "num_labels" in Client(urls[0]).describe()
    assert process.returncode == 0
    assert not [answer for answer in answers if answer.problem]
    kinds = [answer.kind for answer in answers]
    assert len(kinds) == 200
    assert set(kinds) == {"good", *mixed_requests.BAD}
    assert kinds.count("good") > 90
