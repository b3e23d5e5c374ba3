"""Models by name: verified, then opened."""

import functools
import hashlib
import os
from typing import TYPE_CHECKING

from audw2s import exits
from audw2s import model_folder as folders
from audw2s.catalogue import CATALOGUE
from audw2s.catalogue import DIMENSIONS
from audw2s.catalogue import FOLDER
from audw2s.device import Device
from audw2s.device import check_device
from audw2s.device import check_session
from audw2s.model_folder import CorruptModelError
from audw2s.names import MissingModelError
from audw2s.names import entry_of
from audw2s.names import exact
from audw2s.weights import receipt
from audw2s.weights.cache import model_folder

if TYPE_CHECKING:
    import audonnx


def load(
    name: str = "wav2small",
    *,
    exit: exits.Choice = None,
    device: Device = "cpu",
    num_workers: int | None = 1,
) -> "audonnx.Model":
    """Load a model.

    The network takes ``signal`` of shape ``(1, num_samples)``, 16 kHz, mono,
    float32, and gives ``hidden_states`` and ``logits``: arousal, dominance and
    valence, roughly in 0…1, unclipped, or logits of the classes that a model was
    trained on. Nothing is downloaded: see :func:`audw2s.get`.

    Args:
        name: name in the catalogue, or a folder with a ``model.onnx`` such as
            ``audw2s distill`` writes (its content is data, no code is run; the labels
            in its ``model.yaml`` are honoured, whatever their order), or the mean of
            such, as in ``"mean(dawn, whisper-tiny-adv)"``. A folder that is called as a
            model of the catalogue is written ``"./dawn"``, and that model
            ``"catalogue:dawn"`` beside it
        exit: of a folder with exits, the layer of one; only the layers up to it are
            loaded, and run. ``"auto"`` stops where classes are told surely enough, see
            :class:`audw2s.adaptive.Adaptive`. By default the deepest
        device: ``"cpu"``, ``"cuda"``, ``"cuda:2"``, or providers of onnxruntime, see
            :class:`audonnx.Model`
        num_workers: threads of the session, ``None`` for its own choice

    Returns:
        the model, its file verified by its sha256; a warning says so once where none
        is known

    Raises:
        MissingModelError: if there is no model of this name, or it isn't here
        CorruptModelError: if a file's sha256 isn't the one that is known, or the file
            is damaged, or doesn't hold all of the model
        ValueError: if the model has no such exit, or onnxruntime can't use the device

    Examples:
        >>> import numpy as np
        >>> model = load("wav2small")
        >>> model.labels("logits")
        ['arousal', 'dominance', 'valence']
        >>> signal = np.zeros((1, 16000), dtype="float32")
        >>> model(signal, 16000)["logits"].shape
        (1, 3)

    """
    import audonnx

    check_device(device)
    found = exits_of(name, exit)
    if members(name):
        from audw2s.mean import Mean

        return Mean(name, device=device, num_workers=num_workers)
    if exits.is_adaptive(exit := exits.normalised(exit)):
        from audw2s.adaptive import Adaptive

        return Adaptive(name, exit, device=device, num_workers=num_workers)
    path = verified(model_path(name, exit), known_sha256(name, exit), _remedy(name))
    labels = list(found.labels) if found else list(DIMENSIONS)
    if known_sha256(name, exit) is None:
        labels = folders.labels(name)
        folders.check(path)
        warn_unverified(name)
    with folders.explained(path):
        # The labels of model.yaml are set here: loading it would run what it names
        model = audonnx.Model(
            path,
            labels={"logits": labels},
            device=device,
            num_workers=num_workers,
        )
    check_session(model, device)
    return model


def warn_unverified(name: str) -> None:
    """Say once of a model folder that nobody knows what its file should be."""
    for member in members(name):
        warn_unverified(member)
    if not members(name) and known_sha256(name) is None:
        path = model_path(name)
        folders.warn_unverified(path, sha256(path))


def verified(path: str, expected: str | None, remedy: str) -> str:
    """Path of a file that is the one that is known.

    Args:
        path: of the file
        expected: its sha256, ``None`` if nobody knows it
        remedy: what to do if it is another

    Raises:
        CorruptModelError: if its sha256 is another
        FileNotFoundError: if it isn't there

    """
    found = sha256(path)
    if expected not in (None, found):
        raise CorruptModelError(
            f"{path} has sha256 {found}, expected {expected}. It was changed or "
            f"damaged: {remedy}."
        )
    return path


def exits_of(name: str, exit: exits.Choice = None) -> exits.Exits | None:
    """What exits a model has; ``None`` if it has none.

    Args:
        name: of the model
        exit: that is wanted

    Raises:
        CorruptModelError: if the folder is damaged
        ValueError: if an exit is wanted, and the model has none

    """
    found = None
    if entry_of(name) is None and not members(name):
        try:
            found = exits.read(name)
        except ValueError as error:
            raise CorruptModelError(str(error)) from error
    if exit is not None and found is None:
        raise ValueError(f"The model '{name}' has no exits: leave 'exit' out.")
    return found


def members(name: str) -> tuple[str, ...]:
    """Names of the models that a model is the mean of; none if it isn't one.

    Examples:
        >>> members("teacher")
        ('dawn', 'odyssey')
        >>> members("mean(dawn, whisper-tiny-adv)")
        ('dawn', 'whisper-tiny-adv')
        >>> members("dawn")
        ()

    """
    if (entry := entry_of(name)) is not None:
        return tuple(map(exact, entry.members))
    if not (name.startswith("mean(") and name.endswith(")")):
        return ()
    return tuple(part.strip() for part in name[5:-1].split(","))


def model_path(name: str, exit: int | None = None) -> str:
    """Path of a model's ONNX file.

    Args:
        name: name in the catalogue, or a model folder; not of a mean
        exit: of a model with exits, the deepest by default

    Raises:
        MissingModelError: if there is no such model, or its weights aren't here
        ValueError: if there is no such exit

    """
    entry = entry_of(name)
    if entry is None:
        if found := exits_of(name, exit):
            return found.file(exit)[0]
        path = os.path.join(name, "model.onnx")
        if os.path.isfile(path):
            return path
        known = ", ".join(f"'{known}'" for known in CATALOGUE)
        raise MissingModelError(
            f"There is no model '{name}'. Known are {known}, any folder with a "
            "model.onnx, and means such as 'mean(dawn, whisper-tiny-adv)'."
        )
    path = os.path.join(_folder(name), "model.onnx")
    if not entry.packaged and not os.path.isfile(path):
        raise MissingModelError(
            f"The weights of '{name}' aren't here. They are {entry.licence}. "
            f"To get them from {entry.source}: {_command(name)}"
        )
    return path


def num_hidden_states(name: str) -> int:
    """Size of a model's hidden states as its file tells it, 0 if it doesn't.

    No session is opened for it.

    Examples:
        >>> num_hidden_states("wav2small")
        169
        >>> num_hidden_states("mean(wav2small, whisper-tiny-adv)")
        2473

    """
    if names := members(name):
        return sum(map(num_hidden_states, names))
    import onnx

    path = model_path(name)
    with folders.explained(path):
        model = onnx.load(path, load_external_data=False)
    for output in model.graph.output:
        if output.name == "hidden_states":
            return output.type.tensor_type.shape.dim[-1].dim_value
    return 0


def is_installed(name: str) -> bool:
    """Whether a model can be loaded without getting anything."""
    if members(name):
        return all(map(is_installed, members(name)))
    try:
        return os.path.isfile(model_path(name))
    except MissingModelError:
        return False


def whereabouts(name: str) -> str:
    """Where a model of the catalogue is, or how it gets here, in words.

    Examples:
        >>> whereabouts("wav2small")
        'in the package'

    """
    entry = entry_of(name)
    if entry.packaged:
        return "in the package"
    if is_installed(name):
        return "here" if members(name) else f"in {model_folder(entry.name)}"
    missing = [part for part in members(name) or [name] if not is_installed(part)]
    size = sum(entry_of(part).size for part in missing)
    amount = f"{size / 1e6:,.0f} MB" if size > 1e6 else f"{size / 1e3:,.0f} KB"
    return f"not here yet ({amount}): {_command(name)}"


def model_sha256(name: str, exit: exits.Choice = None) -> str:
    """Hash of a model, which identifies its results.

    That of its ONNX file; of a mean, that of the hashes of its members; of exits that
    are chosen by a margin, that of the hashes of all parts and of the margin.
    """
    if found := exits_of(name, exit):
        return found.identity(exits.normalised(exit))
    if names := members(name):
        hashes = "\n".join(model_sha256(member) for member in names)
        return hashlib.sha256(hashes.encode()).hexdigest()
    return sha256(model_path(name))


def known_sha256(name: str, exit: int | None = None) -> str | None:
    """What the hash of a model's ONNX file has to be.

    Of a folder nobody knows, unless it has exits.

    Raises:
        CorruptModelError: if it was noted when the model was made, and isn't there

    """
    entry = entry_of(name)
    if entry is None:
        found = exits_of(name, exit)
        return found.file(exit)[1] if found else None
    if entry.packaged:
        return entry.sha256
    try:
        return receipt.read(_folder(name))["sha256"]
    except (OSError, ValueError, KeyError) as error:
        raise CorruptModelError(
            f"{_folder(name)} doesn't say what its model was made of ({error}): "
            f"{_remedy(name)}."
        ) from error


def sha256(path: str) -> str:
    """Hash of a file's content, as hexadecimal digits."""
    stat = os.stat(path)
    return _sha256(os.path.realpath(path), stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=1 << 17)
def _sha256(path: str, size: int, changed: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder(name: str) -> str:
    entry = entry_of(name)
    if entry.packaged:
        return os.path.join(FOLDER, entry.name)
    return model_folder(entry.name)


def _command(name: str) -> str:
    entry = entry_of(name)
    option = " --accept-licence" if entry.non_commercial else ""
    return f"audw2s get {entry.name}{option}"


def _remedy(name: str) -> str:
    entry = entry_of(name)
    if entry is None:
        return "export the model again"
    if entry.packaged:
        return "install the package again"
    return f"delete its folder and run: {_command(name)}"
