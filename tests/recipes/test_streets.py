"""The recipe of the street model, with a narrow network and few scenes."""

import numpy as np
import programs

import hdgan
from hdgan.data.street.drawn_streets import DrawnStreets


def test_a_small_model_with_styles_is_written_and_gone_on_with(tmp_path):
    flags = (
        f"--workdir={tmp_path}",
        "--num_scenes=4",
        "--num_clustered=3",
        "--load_size=64",
        "--max_steps=3",
        "--checkpoint_steps=2",
        "--encoder_width=4",
        "--ema_decay=0.9",
        *programs.NARROW,
    )
    result = programs.run_inside("recipes.streets", *flags)
    assert result.code == 0, result.err
    assert "4 scenes; 4 steps per epoch" in result.out
    path = tmp_path / "streets.keras"
    whole = tmp_path / "full_size" / "model.keras"
    # Half of the weights' bytes, without optimizers and a second generator.
    assert path.stat().st_size < whole.stat().st_size / 3
    small, model = hdgan.load_model(path), hdgan.load_model(whole)
    clusters = small.style_clusters
    assert {"sky", "road"} & {small.labels.names[k] for k in clusters.centers}
    assert clusters.thumbnails.keys() == clusters.centers.keys()
    scene = DrawnStreets(1, 32, 64, start=9).read(0)
    photos = [
        m.synthesize(
            scene["label_map"],
            scene["instance_map"],
            style_photo=scene["photo"],
        ).astype(int)
        for m in (small, model)
    ]
    assert np.abs(photos[0] - photos[1]).max() <= 2
    result = programs.run_inside("recipes.streets", *flags)
    assert result.code == 0, result.err
    assert "Drawing" not in result.out
