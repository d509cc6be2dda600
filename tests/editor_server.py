"""A small model of the drawn streets, and an editor's server in a thread."""

import socket
import threading
import time

import numpy as np
import uvicorn
from tiny_models import make_model, sharpen

import hdgan
from hdgan.data.street.scenes import CLASS_COLORS, CLASS_NAMES, THING_CLASSES
from hdgan.editor import LocalBackend, Studio, make_app

LABELS = hdgan.LabelSet(CLASS_NAMES, CLASS_COLORS, things=THING_CLASSES)
CAR = CLASS_NAMES.index("car")
WIDTH = 128


def make_studio(**options):
    """Returns a `Studio` of a model with an encoder and clusters of cars.

    Args:
        **options: arguments of `Studio`.
    """
    model = sharpen(make_model(labels=LABELS, styles="instances"))
    draw = np.random.default_rng(0)
    model.style_clusters = hdgan.StyleClusters(
        {CAR: draw.uniform(-1, 1, (3, 3)), 1: draw.uniform(-1, 1, (2, 3))}
    )
    model.scene_width = WIDTH
    return Studio(LocalBackend(model, "tiny", "ab" * 32), **options)


class EditorServer:
    """Serves an editor on a free port of this machine.

    Args:
        studio: `Studio`.
    """

    def __init__(self, studio):
        self._studio = studio
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        """Starts the server, also again after `stop`."""
        config = uvicorn.Config(
            make_app(self._studio),
            port=self.port,
            log_level="error",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self):
        """Stops the server, and drops the connections that are open."""
        self._server.should_exit = True
        self._thread.join()
