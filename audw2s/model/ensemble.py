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
    """The mean of what several models say of a signal, unclipped.

    Each model hears the same samples, with its own normalisation. ``logits`` are
    their mean, ``hidden_states`` those of all models one after the other.

    Args:
        name: ``"teacher"``, or names of models as in ``"mean(dawn, odyssey)"``
        device: see :func:`audw2s.load`
        num_workers: see :func:`audw2s.load`

    Raises:
        MissingModelError: if there is no such mean, or one of its models isn't here
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
        """Its models, by their names."""

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
    """Several ONNX sessions that answer as one.

    Args:
        name: of the mean
        sessions: of its models
        orders: of each, numbers of arousal, dominance and valence among its logits

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
        """Run all models; the mean of logits, and hidden states one after another."""
        names = list(outputs or ["hidden_states", "logits"])
        results = [session.run(names, inputs, options) for session in self.sessions]
        found = []
        for name, values in zip(names, zip(*results, strict=True), strict=True):
            if name == "logits":
                pairs = zip(values, self.orders, strict=True)
                found.append(np.mean([own[:, order] for own, order in pairs], axis=0))
            else:
                found.append(np.hstack(values))
        return found

    def get_modelmeta(self) -> SimpleNamespace:
        """Give the mean's name, and what all of its models can take."""
        properties = [s.get_modelmeta().custom_metadata_map for s in self.sessions]
        shortest = min(float(p["max_dur"]) for p in properties)
        found = {"name": self.name, "max_dur": f"{shortest:g}"}
        return SimpleNamespace(custom_metadata_map=found)

    def get_providers(self) -> list[str]:
        """Give the providers of the first model; all run on the same device."""
        return self.sessions[0].get_providers()
