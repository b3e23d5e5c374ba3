"""Find models by name, and verify their files."""

import functools
import hashlib
import json
import os

import audeer

from audw2s.model import early_exit as exits
from audw2s.model import folder as folders
from audw2s.model.folder import CorruptModelError
from audw2s.model.names import MissingModelError
from audw2s.model.names import entry_of
from audw2s.model.names import exact
from audw2s.model.registry import CATALOGUE
from audw2s.model.registry import FOLDER
from audw2s.model.registry import Entry

PROVENANCE = "source.json"
"""Name of the file beside an installed model that tells what it was converted from."""


def cache_root() -> str:
    """Folder of everything that is downloaded.

    It is the environment variable ``AUDW2S_CACHE_ROOT``, or ``~/.cache/audw2s``.

    Examples:
        >>> os.path.isabs(cache_root())
        True

    """
    return audeer.path(os.environ.get("AUDW2S_CACHE_ROOT") or "~/.cache/audw2s")


def model_folder(name: str) -> str:
    """Folder of an installed model.

    Args:
        name: name in the catalogue

    """
    return os.path.join(cache_root(), "models", name)


def read_provenance(entry: Entry) -> dict:
    """Read what an installed model was converted from.

    Args:
        entry: entry of the catalogue

    Raises:
        CorruptModelError: if it is missing or damaged

    """
    folder = model_folder(entry.name)
    try:
        with open(os.path.join(folder, PROVENANCE), encoding="utf-8") as file:
            provenance = json.load(file)
        if not isinstance(provenance["sha256"], str):
            raise ValueError("it has no sha256")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptModelError(
            f"The provenance of the model in {folder} can't be read ({error}): "
            f"{remedy(entry)}."
        ) from error
    return provenance


def warn_unverified(name: str) -> None:
    """Warn once if no sha256 is known for the file of a model folder."""
    for member in members(name):
        warn_unverified(member)
    if not members(name) and known_sha256(name) is None:
        path = model_path(name)
        folders.warn_unverified(path, sha256(path))


def verified(path: str, expected: str | None, remedy: str) -> str:
    """Verify a file by its sha256 and return its path.

    Args:
        path: path of the file
        expected: expected sha256, ``None`` if unknown
        remedy: advice for the user if it differs

    Raises:
        CorruptModelError: if the sha256 differs
        FileNotFoundError: if the file doesn't exist

    """
    actual = sha256(path)
    if expected not in (None, actual):
        raise CorruptModelError(
            f"{path} has sha256 {actual}, expected {expected}. It was changed or "
            f"damaged: {remedy}."
        )
    return path


def exits_of(name: str, exit: exits.Choice = None) -> exits.Exits | None:
    """Exits of a model; ``None`` if it has none.

    Args:
        name: name or folder of the model
        exit: requested exit

    Raises:
        CorruptModelError: if the folder is damaged
        ValueError: if an exit is requested, and the model has none

    """
    index: exits.Exits | None = None
    if entry_of(name) is None and not members(name):
        try:
            index = exits.read(name)
        except ValueError as error:
            raise CorruptModelError(str(error)) from error
    if exit is not None and index is None:
        raise ValueError(f"The model '{name}' has no exits: leave 'exit' out.")
    return index


def members(name: str) -> tuple[str, ...]:
    """Names of the models of an ensemble; empty for other models.

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
        name: name in the catalogue, or a model folder; not an ensemble
        exit: layer of an exit, for a model with exits; the deepest by default

    Raises:
        MissingModelError: if there is no such model, or it isn't installed
        ValueError: if there is no such exit

    """
    entry = entry_of(name)
    if entry is None:
        if index := exits_of(name, exit):
            return index.file(exit).path
        path = os.path.join(name, "model.onnx")
        if os.path.isfile(path):
            return path
        known = ", ".join(f"'{known}'" for known in CATALOGUE)
        raise MissingModelError(
            f"There is no model '{name}'. Known are {known}, any folder with a "
            "model.onnx, and means such as 'mean(dawn, whisper-tiny-adv)'."
        )
    if entry.packaged:
        return os.path.join(FOLDER, entry.name, "model.onnx")
    path = os.path.join(model_folder(entry.name), "model.onnx")
    if not os.path.isfile(path):
        raise MissingModelError(
            f"'{name}' isn't installed. Its licence is {entry.licence}. "
            f"{f'It was {entry.remark}. ' if entry.remark else ''}"
            f"To download it from {entry.source}, run: {_command(entry)}"
        )
    return path


def num_hidden_states(name: str) -> int:
    """Size of a model's hidden states as stored in its file, 0 if it has none.

    No session is opened.

    Examples:
        >>> num_hidden_states("wav2small")
        169
        >>> num_hidden_states("mean(wav2small, whisper-tiny-adv)")
        2473

    """
    if names := members(name):
        counts = [*map(num_hidden_states, names)]
        return sum(counts) if all(counts) else 0
    import onnx

    path = model_path(name)
    with folders.explained(path):
        model = onnx.load(path, load_external_data=False)
    for output in model.graph.output:
        if output.name == "hidden_states":
            return output.type.tensor_type.shape.dim[-1].dim_value
    return 0


def is_installed(name: str) -> bool:
    """Whether a model can be loaded without a download."""
    if members(name):
        return all(map(is_installed, members(name)))
    try:
        return os.path.isfile(model_path(name))
    except MissingModelError:
        return False


def location(entry: Entry) -> str:
    """Location of a model of the catalogue, or how to download it, as text.

    Examples:
        >>> location(CATALOGUE["wav2small"])
        'in the package'

    """
    if entry.packaged:
        return "in the package"
    name = exact(entry.name)
    if is_installed(name):
        return "here" if entry.members else f"in {model_folder(entry.name)}"
    parts = [CATALOGUE[part] for part in entry.members or [entry.name]]
    size = sum(part.size for part in parts if not is_installed(exact(part.name)))
    amount = f"{size / 1e6:,.0f} MB" if size > 1e6 else f"{size / 1e3:,.0f} KB"
    return f"not here yet ({amount}): {_command(entry)}"


def model_sha256(name: str, exit: exits.Choice = None) -> str:
    """Hash of a model, which identifies its results.

    It is the sha256 of the ONNX file. For an ensemble it is the sha256 of the hashes of
    its models, for ``exit="auto"`` the sha256 of the hashes of all parts and the
    margin.
    """
    if index := exits_of(name, exit):
        return index.identity(exits.normalised(exit))
    if names := members(name):
        hashes = "\n".join(model_sha256(member) for member in names)
        return hashlib.sha256(hashes.encode()).hexdigest()
    return sha256(model_path(name))


def known_sha256(name: str, exit: int | None = None) -> str | None:
    """Expected sha256 of a model's ONNX file.

    It is unknown for a folder without exits.

    Raises:
        CorruptModelError: if the provenance of an installed model is missing or damaged

    """
    entry = entry_of(name)
    if entry is None:
        index = exits_of(name, exit)
        return index.file(exit).sha256 if index else None
    if entry.packaged:
        return entry.sha256
    return read_provenance(entry)["sha256"]


def sha256(path: str) -> str:
    """Hash of a file's content, as hexadecimal digits."""
    stat = os.stat(path)
    return _sha256(os.path.realpath(path), stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=1 << 17)
def _sha256(path: str, size: int, changed: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _command(entry: Entry) -> str:
    option = " --accept-licence" if entry.non_commercial else ""
    return f"audw2s get {entry.name}{option}"


def remedy(entry: Entry | None) -> str:
    """Advice for the user if a model file differs from the expected one.

    Args:
        entry: entry of the catalogue, ``None`` for a folder

    """
    if entry is None:
        return "export the model again"
    if entry.packaged:
        return "install the package again"
    return f"delete its folder and run: {_command(entry)}"
