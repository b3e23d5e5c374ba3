"""Open a model that has a single ONNX file."""

import audonnx

from audw2s.model import folder as folders
from audw2s.model.device import Device
from audw2s.model.device import check_session
from audw2s.model.find import exits_of
from audw2s.model.find import known_sha256
from audw2s.model.find import model_path
from audw2s.model.find import remedy
from audw2s.model.find import verified
from audw2s.model.find import warn_unverified
from audw2s.model.registry import DIMENSIONS


def open_single(
    name: str,
    exit: int | None = None,
    *,
    device: Device = "cpu",
    num_workers: int | None = 1,
) -> audonnx.Model:
    """Open a model of the registry, or a model folder; see :func:`audw2s.load`.

    Args:
        name: name in the registry, or a folder; not an ensemble
        exit: layer of an exit, the deepest by default
        device: device of the model, see :func:`audw2s.load`
        num_workers: number of threads, see :func:`audw2s.load`

    Raises:
        MissingModelError: if there is no such model, or it isn't installed
        CorruptModelError: if its file isn't the expected one, or is damaged

    """
    path, expected = model_path(name, exit), known_sha256(name, exit)
    verified(path, expected, remedy(name))
    found = exits_of(name, exit)
    labels = list(found.labels) if found else list(DIMENSIONS)
    if expected is None:
        labels = folders.labels(name)
        folders.check(path)
        warn_unverified(name)
    with folders.explained(path):
        # Labels are set here, as loading model.yaml would run code that it names
        model = audonnx.Model(
            path,
            labels={"logits": labels},
            device=device,
            num_workers=num_workers,
        )
    check_session(model, device)
    return model
