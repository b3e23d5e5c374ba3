"""Models that consist of several files, such as the mean of models."""

from collections.abc import Sequence
from types import SimpleNamespace

import audeer
import audobject
import numpy as np
from audonnx.core.node import OutputNode

from audw2s.files import write_text
from audw2s.model.device import Device
from audw2s.model.find import exits_of
from audw2s.model.find import members
from audw2s.model.model import DEFAULT_MAX_DUR
from audw2s.model.model import Model
from audw2s.model.names import PREFIX
from audw2s.model.names import MissingModelError
from audw2s.model.registry import DIMENSIONS
from audw2s.model.store import open_single


class MultiFileModel(Model):
    """Model without an ONNX file of its own, defined by its arguments."""

    path = None

    def to_yaml(self, path: str, *, include_version: bool = True) -> None:
        """Write the arguments, which define the model.

        :func:`audonnx.load` opens it, if audw2s is installed.

        Args:
            path: path that ends on ``.yaml``
            include_version: add the version to the name of the class

        Raises:
            ValueError: if the path doesn't end on ``.yaml``

        """
        if audeer.file_extension(path) != "yaml":
            raise ValueError(f"The path of a model has to end on .yaml, not '{path}'.")
        text = self.to_yaml_s(include_version=include_version)
        audeer.mkdir(audeer.path(path, ".."))
        # audonnx.load treats a file as ONNX unless it begins like this; audobject takes
        # it for the package of the class
        write_text(text.replace("$", "$audonnx:", 1), path)


class MultiFileSession:
    """Several ONNX sessions with the interface of one.

    Args:
        sessions: sessions, all on the same device

    """

    def __init__(self, sessions: list):
        self.sessions = sessions

    def get_modelmeta(self) -> object:
        """Return the metadata of the first session."""
        return self.sessions[0].get_modelmeta()

    def get_providers(self) -> list[str]:
        """Return the providers of the first session."""
        return self.sessions[0].get_providers()


class Ensemble(MultiFileModel):
    """Mean of several models, not clipped.

    All models process the same samples, each with its own normalisation. ``logits`` are
    the mean of their logits, ``hidden_states`` the concatenation of theirs, if all have
    some.

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

        for member in members(name):
            if (index := exits_of(member)) and index.of_classes:
                raise ValueError(f"'{member}' predicts classes, which have no mean.")
        models = [
            (Ensemble if members(member) else open_single)(
                member, device=device, num_workers=num_workers
            )
            for member in members(name)
        ]
        orders = [[m.labels("logits").index(d) for d in DIMENSIONS] for m in models]
        sessions = [model.sess for model in models]
        self.inputs = models[0].inputs
        self.outputs = {}
        if all("hidden_states" in model.outputs for model in models):
            size = sum(model.outputs["hidden_states"].shape[-1] for model in models)
            states = [f"hidden_states-{number}" for number in range(size)]
            node = OutputNode([1, size], "tensor(float)", states)
            self.outputs["hidden_states"] = node
        logits = OutputNode([1, 3], "tensor(float)", list(DIMENSIONS))
        self.outputs["logits"] = logits
        own = name.removeprefix(PREFIX)
        self.sess = Sessions(own, sessions, orders, tuple(self.outputs))


class Sessions(MultiFileSession):
    """Sessions of an ensemble.

    Args:
        name: name of the ensemble
        sessions: sessions of its models
        orders: positions of arousal, dominance and valence among the logits of each
            model
        outputs: names of its outputs

    """

    def __init__(
        self,
        name: str,
        sessions: list,
        orders: list[list[int]],
        outputs: Sequence[str] = ("hidden_states", "logits"),
    ):
        super().__init__(sessions)
        self.name = name
        self.outputs = outputs
        self.orders = orders

    def run(
        self,
        outputs: Sequence[str] | None,
        inputs: dict[str, np.ndarray],
        options: object = None,
    ) -> list[np.ndarray]:
        """Run all models; average logits and concatenate hidden states."""
        names = list(outputs or self.outputs)
        results = [session.run(names, inputs, options) for session in self.sessions]
        values = dict(zip(names, zip(*results, strict=True), strict=True))
        if "logits" in values:
            pairs = zip(values["logits"], self.orders, strict=True)
            logits = np.mean([value[:, order] for value, order in pairs], axis=0)
        return [
            logits if name == "logits" else np.hstack(values[name]) for name in names
        ]

    def get_modelmeta(self) -> SimpleNamespace:
        """Return the name of the ensemble, and the shortest ``max_dur``."""
        properties = [s.get_modelmeta().custom_metadata_map for s in self.sessions]
        shortest = min(float(p.get("max_dur", DEFAULT_MAX_DUR)) for p in properties)
        metadata = {"name": self.name, "max_dur": f"{shortest:g}"}
        return SimpleNamespace(custom_metadata_map=metadata)
