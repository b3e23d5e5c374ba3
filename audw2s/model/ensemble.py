"""The mean of several models, as one model."""

from collections.abc import Sequence
from types import SimpleNamespace

import audobject
import numpy as np
from audonnx.core.node import OutputNode

from audw2s.model.composed import MultiFileModel
from audw2s.model.device import Device
from audw2s.model.find import exits_of
from audw2s.model.find import members
from audw2s.model.names import PREFIX
from audw2s.model.names import MissingModelError
from audw2s.model.registry import DIMENSIONS
from audw2s.model.single import open_single


class Ensemble(MultiFileModel):
    """Mean of several models, not clipped.

    All models process the same samples, each with its own normalisation. ``logits`` are
    the mean of their logits, ``hidden_states`` the concatenation of theirs.

    Args:
        name: ``"teacher"``, or names of models as in ``"mean(dawn, odyssey)"``
        device: device of the models, see :func:`audw2s.load`
        num_workers: number of threads, see :func:`audw2s.load`

    Raises:
        MissingModelError: if it is no mean, or one of its models isn't installed
        ValueError: if a model predicts classes

    Examples:
        >>> model = Ensemble("mean(wav2small, whisper-tiny-adv)")
        >>> signal = np.zeros((1, 16000), dtype="float32")
        >>> {name: values.shape for name, values in model(signal, 16000).items()}
        {'hidden_states': (1, 2473), 'logits': (1, 3)}

    """

    @audobject.init_decorator(hide=["device", "num_workers"])
    def __init__(
        self,
        name: str,
        *,
        device: Device = "cpu",
        num_workers: int | None = 1,
    ):
        if not members(name):
            raise MissingModelError(f"'{name}' is no mean of models.")
        self.name = name
        """Names of its models, as given by the user."""

        self.path = None
        for member in members(name):
            if (found := exits_of(member)) and found.of_classes:
                raise ValueError(f"'{member}' predicts classes, which have no mean.")
        models = [
            (Ensemble if members(member) else open_single)(
                member, device=device, num_workers=num_workers
            )
            for member in members(name)
        ]
        orders = [[m.labels("logits").index(d) for d in DIMENSIONS] for m in models]
        sessions = [model.sess for model in models]
        self.sess = Sessions(name.removeprefix(PREFIX), sessions, orders)
        self.inputs = models[0].inputs
        sizes = [model.outputs["hidden_states"].shape[-1] for model in models]
        self.outputs = {
            "hidden_states": _output("hidden_states", sum(sizes)),
            "logits": OutputNode([1, 3], "tensor(float)", list(DIMENSIONS)),
        }


def _output(name: str, size: int) -> OutputNode:
    labels = [f"{name}-{number}" for number in range(size)]
    return OutputNode([1, size], "tensor(float)", labels)


class Sessions:
    """Several ONNX sessions with the interface of one.

    Args:
        name: name of the ensemble
        sessions: sessions of its models
        orders: positions of arousal, dominance and valence among the logits of each
            model

    """

    def __init__(self, name: str, sessions: list, orders: list[list[int]]):
        self.name = name
        self.sessions = sessions
        self.orders = orders

    def run(
        self,
        outputs: Sequence[str] | None,
        inputs: dict[str, np.ndarray],
        options: object = None,
    ) -> list[np.ndarray]:
        """Run all models; average logits and concatenate hidden states."""
        names = list(outputs or ["hidden_states", "logits"])
        results = [session.run(names, inputs, options) for session in self.sessions]
        found = []
        for name, values in zip(names, zip(*results, strict=True), strict=True):
            if name == "logits":
                pairs = zip(values, self.orders, strict=True)
                logits = [value[:, order] for value, order in pairs]
                found.append(np.mean(logits, axis=0))
            else:
                found.append(np.hstack(values))
        return found

    def get_modelmeta(self) -> SimpleNamespace:
        """Return the name of the ensemble, and the shortest ``max_dur``."""
        properties = [s.get_modelmeta().custom_metadata_map for s in self.sessions]
        shortest = min(float(p["max_dur"]) for p in properties)
        found = {"name": self.name, "max_dur": f"{shortest:g}"}
        return SimpleNamespace(custom_metadata_map=found)

    def get_providers(self) -> list[str]:
        """Return the providers of the first model; all run on the same device."""
        return self.sessions[0].get_providers()
