"""Load models by name, and list them."""

import dataclasses
import os
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from audw2s.model import early_exit as exits
from audw2s.model.cascade import Cascade
from audw2s.model.device import Device
from audw2s.model.device import check_device
from audw2s.model.ensemble import Ensemble
from audw2s.model.find import exits_of
from audw2s.model.find import is_installed
from audw2s.model.find import members
from audw2s.model.find import model_sha256
from audw2s.model.folder import CorruptModelError
from audw2s.model.model import Model
from audw2s.model.names import entry_of
from audw2s.model.names import exact
from audw2s.model.registry import CATALOGUE
from audw2s.model.registry import Entry
from audw2s.model.store import open_single

if TYPE_CHECKING:
    import audonnx
    import pandas as pd


def load(
    name: str = "wav2small",
    *,
    exit: exits.Choice = None,
    device: Device = "cpu",
    num_workers: int | None = 1,
) -> "audonnx.Model":
    """Load a model.

    The model takes ``signal`` of shape ``(1, num_samples)``, mono, 16 kHz, float32. It
    gives ``hidden_states`` and ``logits``: arousal, dominance and valence, roughly in
    0…1, not clipped, or the logits of classes. Nothing is downloaded, see
    :func:`audw2s.get`.

    Args:
        name: name in the catalogue (see :func:`audw2s.models`), or folder with a
            ``model.onnx``, such as exported by ``audw2s distill``, or the mean of
            several, as ``"mean(dawn, whisper-tiny-adv)"``. A folder is read as data, no
            code in it is run; labels in its ``model.yaml`` may have any order. If a
            folder has the same name as a model of the catalogue, write ``"./dawn"`` for
            the folder, and ``"catalogue:dawn"`` for the model
        exit: layer of an exit, for a folder with early exits, the deepest by default;
            only the layers up to it are loaded. ``"auto"`` stops at the first exit
            whose margin is large enough, see :class:`audw2s.model.cascade.Cascade`
        device: ``"cpu"``, ``"cuda"``, ``"cuda:2"``, or providers of onnxruntime, see
            :class:`audonnx.Model`
        num_workers: number of threads of the session, ``None`` for the default of
            onnxruntime

    Returns:
        model, whose file was verified by its sha256; if that is unknown, a warning is
        shown once. It refuses what :class:`audonnx.Model` would misread: other rates,
        several channels, integers. Copies and pickles of it hold its name and sha256,
        and open it again

    Raises:
        MissingModelError: if there is no model of this name, or it isn't installed
        CorruptModelError: if the sha256 of a file isn't the expected one, or the file
            is damaged or incomplete
        ValueError: if the model has no such exit, or onnxruntime doesn't support the
            device

    Examples:
        >>> import numpy as np
        >>> model = load("wav2small")
        >>> model.labels("logits")
        ['arousal', 'dominance', 'valence']
        >>> signal = np.zeros((1, 16000), dtype="float32")
        >>> model(signal, 16000)["logits"].shape
        (1, 3)

    """
    check_device(device)
    exits_of(name, exit)
    model: Model
    options: dict[str, Any] = {"device": device, "num_workers": num_workers}
    if members(name):
        model = Ensemble(name, **options)
    elif isinstance(layer := exits.normalised(exit), str):
        model = Cascade(name, layer, **options)
    else:
        model = open_single(name, layer, **options)
    if entry_of(name) is None and os.path.isdir(name):
        name = os.path.abspath(name)
    model.reopen = partial(_open_again, model_sha256(name, exit), name, exit, options)
    return model


def _open_again(
    sha256: str, name: str, exit: exits.Choice, options: dict[str, Any]
) -> "audonnx.Model":
    """Open a model that was copied or pickled.

    Raises:
        CorruptModelError: if it isn't the same any more

    """
    if (actual := model_sha256(name, exit)) != sha256:
        raise CorruptModelError(
            f"'{name}' has sha256 {actual}, and had {sha256} when it was pickled: it "
            "was replaced since, load it by its name."
        )
    return load(name, exit=exit, **options)


def models() -> "pd.DataFrame":
    """Return the catalogue as a table, a row per model.

    Column ``installed`` is true if a model can be loaded; if not, :func:`audw2s.get`
    downloads it.

    Examples:
        >>> models().loc["wav2small", "installed"]
        np.True_

    """
    import pandas as pd

    fields = [field.name for field in dataclasses.fields(Entry)]
    rows = [[getattr(entry, field) for field in fields] for entry in CATALOGUE.values()]
    table = pd.DataFrame(rows, columns=fields).set_index("name")
    table["installed"] = [is_installed(exact(name)) for name in table.index]
    return table.drop(columns="weights")
