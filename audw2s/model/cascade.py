"""Model with an early exit that depends on the signal."""

from collections.abc import Sequence

import audobject
import audonnx
import numpy as np
from audonnx.core.node import OutputNode

from audw2s.model.device import Device
from audw2s.model.early_exit import margins
from audw2s.model.ensemble import MultiFileModel
from audw2s.model.ensemble import MultiFileSession
from audw2s.model.find import exits_of
from audw2s.model.find import verified

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

        index = exits_of(name, exit)
        assert index is not None  # as an exit is given
        parts = index.chain()
        models = [
            audonnx.Model(
                verified(part.path, part.sha256, "export the model again"),
                device=device,
                num_workers=num_workers,
            )
            for part in parts
        ]
        self.sess = CascadeSession(
            [part.depth for part in parts],
            [model.sess for model in models],
            index.margin_of(exit),
        )
        self.inputs = models[0].inputs
        depth = OutputNode([1, 1], "tensor(int64)", ["exit"])
        logits = OutputNode([1, len(index.labels)], "tensor(float)", list(index.labels))
        values = (models[0].outputs["hidden_states"], logits, depth)
        self.outputs = dict(zip(OUTPUTS, values, strict=True))


class CascadeSession(MultiFileSession):
    """ONNX sessions, each of which continues with the states of the previous one.

    Args:
        depths: layer of the exit of each session
        sessions: sessions of the layers from one exit to the next
        margin: smallest margin to stop at an exit

    """

    def __init__(self, depths: list[int], sessions: list, margin: float):
        super().__init__(sessions)
        self.depths = depths
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
        values = dict(zip(OUTPUTS, (hidden, logits, depth), strict=True))
        return [values[name] for name in outputs or OUTPUTS]
