"""Model with an early exit that depends on the signal."""

from collections.abc import Sequence

import audobject
import audonnx
import numpy as np
from audonnx.core.node import OutputNode

from audw2s.model.composed import MultiFileModel
from audw2s.model.device import Device
from audw2s.model.find import exits_of
from audw2s.model.find import verified
from audw2s.model.scores import margins

OUTPUTS = ("hidden_states", "logits", "exit")


class Cascade(MultiFileModel):
    """Model that stops at the first exit whose margin is large enough.

    The margin is the score of the most likely class minus that of the second. Layers
    behind the exit don't run.

    Outputs are ``hidden_states`` and ``logits`` of the exit where it stopped, and
    ``exit``, the layer of that exit.

    Args:
        name: folder of a model of classes with early exits
        exit: ``"auto"`` for the model's default margin, or ``"auto(0.5)"`` for another
        device: device of the model, see :func:`audw2s.load`
        num_workers: number of threads, see :func:`audw2s.load`

    Raises:
        CorruptModelError: if the sha256 of a file isn't the expected one
        ValueError: if the model has no exits, or predicts no classes

    """

    @audobject.init_decorator(hide=["device", "num_workers"])
    def __init__(
        self,
        name: str,
        exit: str = "auto",
        *,
        device: Device = "cpu",
        num_workers: int | None = 1,
    ):
        self.name = name
        """Folder of the model."""

        self.exit = exit
        """Exit as given by the user."""

        self.path = None
        found = exits_of(name, exit)
        chain = found.chain()
        models = [
            audonnx.Model(
                verified(path, sha256, "export the model again"),
                device=device,
                num_workers=num_workers,
            )
            for _, path, sha256 in chain
        ]
        self.sess = CascadeSession(
            [depth for depth, _, _ in chain],
            [model.sess for model in models],
            found.margin_of(exit),
        )
        self.inputs = models[0].inputs
        first = models[0].outputs
        number = OutputNode([1, 1], "tensor(int64)", ["exit"])
        logits = OutputNode([1, len(found.labels)], "tensor(float)", list(found.labels))
        values = (first["hidden_states"], logits, number)
        self.outputs = dict(zip(OUTPUTS, values, strict=True))


class CascadeSession:
    """ONNX sessions, each of which continues with the states of the previous one.

    Args:
        depths: layer of the exit of each session
        sessions: sessions of the layers from one exit to the next
        margin: smallest margin to stop at an exit

    """

    def __init__(self, depths: list[int], sessions: list, margin: float):
        self.depths = depths
        self.sessions = sessions
        self.margin = margin

    def run(
        self,
        outputs: Sequence[str] | None,
        inputs: dict[str, np.ndarray],
        options: object = None,
    ) -> list[np.ndarray]:
        """Run one session after the other, until the margin is large enough."""
        states = inputs["signal"]
        last = len(self.sessions) - 1
        for number, session in enumerate(self.sessions):
            given = {session.get_inputs()[0].name: states}
            names = ["hidden_states", "logits", *(["states"] if number < last else [])]
            hidden, logits, *further = session.run(names, given, options)
            if number == last or margins(logits)[0] >= self.margin:
                break
            (states,) = further
        depth = np.array([[self.depths[number]]])
        found = dict(zip(OUTPUTS, (hidden, logits, depth), strict=True))
        return [found[name] for name in outputs or OUTPUTS]

    def get_modelmeta(self) -> object:
        """Return the metadata of the first session, which is that of the model."""
        return self.sessions[0].get_modelmeta()

    def get_providers(self) -> list[str]:
        """Return the providers of the first session; all run on the same device."""
        return self.sessions[0].get_providers()
