"""Get a published model: its weights once, then one verified ONNX file."""

import dataclasses
import os
import shutil
from collections.abc import Sequence
from importlib.metadata import entry_points

import filelock
import onnx

from audw2s.files import write_json
from audw2s.model.find import PROVENANCE
from audw2s.model.find import cache_root
from audw2s.model.find import is_installed
from audw2s.model.find import members
from audw2s.model.find import model_folder
from audw2s.model.find import sha256
from audw2s.model.folder import CorruptModelError
from audw2s.model.hub.fetch import fetch
from audw2s.model.hub.graph import read_published
from audw2s.model.hub.verify import check_outputs
from audw2s.model.hub.verify import verify
from audw2s.model.names import entry_of
from audw2s.model.names import exact
from audw2s.model.registry import Entry
from audw2s.model.registry import Source
from audw2s.model.store import save
from audw2s.version import __version__


class LicenceError(ValueError):
    """Raised if a licence has to be accepted first."""


def get(
    name: str,
    *,
    source: str | None = None,
    accept_licence: bool = False,
    verbose: bool = True,
) -> str:
    """Get a model whose weights aren't in the package.

    Weights are downloaded from their publishers, verified, and converted to one ONNX
    file in :func:`audw2s.model.find.cache_root`; then :func:`audw2s.load`,
    :class:`audw2s.Feature` and all others know the model by its name. After an
    interruption the same call resumes. An installed model isn't changed.

    At the end, values are compared with outputs that were published of the model, see
    :func:`audw2s.model.hub.verify.verify`. A model with other values isn't installed.

    Weights from the Hugging Face hub are converted with torch, which the extra
    ``distill`` installs.

    Args:
        name: name in the catalogue; for an ensemble, all of its models are downloaded
        source: ``"hub"`` or ``"zenodo"`` where a model is on both, or a folder with
            the published files; by default the first of the catalogue. The model is
            converted again if a source is given
        accept_licence: accept the licence of a model for non-commercial use only
        verbose: show progress

    Returns:
        what was compared, a line for each model

    Raises:
        CorruptModelError: if the model gives other values than those published
        LicenceError: if a licence has to be accepted
        MissingModelError: if there is no such model
        FetchError: if a file can't be downloaded, or is damaged
        ValueError: if the files don't hold the weights of the model, or it has no such
            source

    Examples:
        >>> get("wav2small")  # in the package, nothing is downloaded
        'wav2small: no outputs of it are published for comparison.'
        >>> get("dawn")
        Traceback (most recent call last):
        audw2s.model.hub.get.LicenceError: ...

    """
    # A folder on this machine is never meant
    name = exact(name)
    if members(name):
        if source is not None:
            raise ValueError(f"'{name}' is made of several: get each from its source.")
        _check_licences(members(name), accept_licence)
        return "\n".join(
            get(member, accept_licence=accept_licence, verbose=verbose)
            for member in members(name)
        )
    entry = entry_of(name)
    if entry is None or entry.packaged or (source is None and is_installed(name)):
        return verify(name)
    _check_licences([name], accept_licence)
    origin, folder = _choose(entry, source)
    if folder is None:
        folder = download_folder(origin)
        files = fetch(origin, folder, verbose=verbose)
    else:
        files = {file: sha256(os.path.join(folder, file)) for file in origin.files}
    return _install(entry, origin, os.path.abspath(folder), files)


def _check_licences(names: Sequence[str], accepted: bool) -> None:
    for entry in map(entry_of, names):
        if entry is not None and entry.non_commercial and not accepted:
            raise LicenceError(
                f"'{entry.name}' is {entry.licence} ({entry.source}). To use it under "
                "these terms, accept them: --accept-licence, or accept_licence=True."
            )


def _choose(entry: Entry, source: str | None) -> tuple[Source, str | None]:
    """Source of a model, and the folder that a user named."""
    if source is None:
        return entry.weights[0], None
    for origin in entry.weights:
        if source == origin.kind:
            return origin, None
    for origin in entry.weights:
        if all(os.path.isfile(os.path.join(source, file)) for file in origin.files):
            return origin, source
    kinds = ", ".join(origin.kind for origin in entry.weights)
    files = " or ".join(" and ".join(origin.files) for origin in entry.weights)
    raise ValueError(
        f"'{entry.name}' can be had from {kinds}, or from a folder with {files}; "
        f"'{source}' is neither."
    )


def download_folder(origin: Source) -> str:
    """Folder of published files; users can put them there by hand.

    Each revision has its own, so that no other one is taken for it.
    """
    name, version = origin.version
    return os.path.join(cache_root(), "downloads", name.replace("/", "--"), version)


def _convert(entry: Entry, origin: Source, folder: str) -> onnx.ModelProto:
    if origin.archive:
        return read_published(folder)
    (converter,) = entry_points(group="audw2s.converters")
    return converter.load()(entry.name, folder)


def _install(entry: Entry, origin: Source, folder: str, files: dict[str, str]) -> str:
    """Write a model beside its final place, and move it there when it is verified."""
    model = _convert(entry, origin, folder)
    properties = {
        "name": entry.name,
        "sampling_rate": str(entry.sampling_rate),
        "max_dur": f"{entry.max_dur:g}",
        "version": __version__,
    }
    final = model_folder(entry.name)
    unfinished = f"{final}.unfinished"
    os.makedirs(os.path.dirname(final), exist_ok=True)
    with filelock.FileLock(f"{final}.lock"):
        shutil.rmtree(unfinished, ignore_errors=True)
        provenance = {
            "name": entry.name,
            "sha256": save(model, unfinished, properties),
            "source": dataclasses.asdict(origin),
            "folder": folder,
            "files": files,
            "licence": entry.licence,
            "version": __version__,
        }
        write_json(provenance, os.path.join(unfinished, PROVENANCE))
        try:
            compared = check_outputs(entry.name, os.path.join(unfinished, "model.onnx"))
        except CorruptModelError as error:
            shutil.rmtree(unfinished)
            raise CorruptModelError(
                f"{error} It was removed. Its files are in {folder}: delete them, and "
                "get them again from its publishers."
            ) from None
        shutil.rmtree(final, ignore_errors=True)
        os.rename(unfinished, final)
    return compared
