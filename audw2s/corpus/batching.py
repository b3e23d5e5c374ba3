"""Run a model on windows of several files at once, those of one length together.

Nothing is appended to any window: values are those of each alone, but for rounding.
"""

import dataclasses
import itertools
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Protocol

import numpy as np

from audw2s.audio.samples import SAMPLING_RATE
from audw2s.inference.network import Network
from audw2s.model.ensemble import Sessions
from audw2s.model.find import members

TOLERANCE = 1e-3
"""Largest difference between values in batches and alone, as GPUs round differently."""


class Session(Protocol):
    """What runs a graph."""

    def run(
        self, outputs: list[str], inputs: dict[str, np.ndarray], /
    ) -> list[np.ndarray]:
        """Outputs for several signals at once."""


@dataclasses.dataclass(eq=False)
class Item:
    """A window that waits, and its values."""

    signal: np.ndarray
    values: Future[np.ndarray] = dataclasses.field(default_factory=Future)


class Batcher:
    """Gives values of windows that any number of threads want at the same time.

    Whichever thread comes first runs the model for its own windows, and for those of
    others that have the same length. What comes in meanwhile is the next batch.

    Args:
        network: the model
        most: windows in a batch

    Raises:
        ValueError: if the model can't process several windows at once

    Examples:
        >>> batcher = Batcher(Network("whisper-tiny-adv"), 2)
        >>> silence = np.zeros(16000, np.float32)
        >>> [values.shape for values in batcher([silence, silence[:8000]])]
        [(4,), (4,)]

    """

    def __init__(self, network: Network, most: int):
        session = open_batches(network)
        if session is None:
            raise ValueError(f"'{network.name}' processes one window at a time.")
        self.network = network
        self.session = session
        self.most = most
        (self.input,) = network.open().inputs
        self.waiting: list[Item] = []
        self.lock = threading.Lock()
        self.running = threading.Lock()

    def __call__(self, signals: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Run the model on windows, which may be in batches with those of others.

        Args:
            signals: windows, each ``(num_samples,)``, float32, mono at 16 kHz

        Returns:
            values of each window ``(num_values,)``, see
            :class:`audw2s.inference.network.Network`

        """
        items = [Item(signal) for signal in signals]
        with self.lock:
            self.waiting += items
        for item in items:
            with self.running:
                while not item.values.done():
                    self._run(self._next(len(item.signal)))
        return [item.values.result() for item in items]

    def _next(self, num_samples: int) -> list[Item]:
        with self.lock:
            same = (item for item in self.waiting if len(item.signal) == num_samples)
            batch = list(itertools.islice(same, self.most))
            self.waiting = [item for item in self.waiting if item not in batch]
        return batch

    def _run(self, batch: list[Item]) -> None:
        try:
            signals = np.stack([item.signal for item in batch])
            found = self.session.run(self.network.outputs, {self.input: signals})
            values = self.network.values(found, len(batch))
        except Exception as error:  # noqa: BLE001
            if len(batch) == 1:
                batch[0].values.set_exception(error)
            else:
                # Too large for the memory, or one of them is to blame
                for item in batch:
                    self._run([item])
            return
        for item, values_of_item in zip(batch, values, strict=True):
            item.values.set_result(values_of_item)


def open_batches(network: Network) -> Session | None:
    """Open a session of a model that takes several signals, if it can be.

    Files say that they take one signal, as audonnx wants it. Whether the graph takes
    more is seen when it does.

    Returns:
        ``None`` if it takes one only

    """
    session = _freed(network)
    return session if session is not None and _agrees(session, network) else None


def _freed(network: Network) -> Session | None:
    """Open a session whose first axis is free."""
    import audonnx
    import onnx
    import onnxruntime

    if own := members(str(network.model)):
        networks = [Network(member, network.device) for member in own]
        sessions = [_freed(member) for member in networks]
        orders = [member.order for member in networks]
        name = str(network.name)
        return None if None in sessions else Sessions(name, sessions, orders)
    model = network.open()
    nodes = list(model.inputs.values())
    if model.path is None or len(nodes) != 1 or nodes[0].transform is not None:
        return None
    graph = onnx.load(model.path)
    del graph.graph.value_info[:]
    for value in [*graph.graph.input, *graph.graph.output]:
        for axis in value.type.tensor_type.shape.dim[:1]:
            axis.dim_param = "batch"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # That it can't is no news
    options.log_severity_level = 4
    try:
        model = audonnx.Model(graph, device=network.device, session_options=options)
    except Exception:  # noqa: BLE001
        return None
    return model.sess


def _agrees(session: Session, network: Network) -> bool:
    """Whether signals in a batch have the values they have alone."""
    noise = np.random.default_rng(0).standard_normal((3, SAMPLING_RATE))
    noise *= np.geomspace(0.001, 0.5, SAMPLING_RATE) ** np.arange(3)[:, None]
    signals = noise.astype(np.float32)
    (name,) = network.open().inputs
    try:
        found = session.run(network.outputs, {name: signals})
        one_pass = network.values(found, len(signals))
    except Exception:  # noqa: BLE001
        return False
    exact = np.stack([network(signal) for signal in signals])
    size = len(network.names)
    return bool(np.allclose(one_pass[:, :size], exact[:, :size], atol=TOLERANCE))
