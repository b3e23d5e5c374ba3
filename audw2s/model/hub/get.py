"""Get a published model: its weights once, then one verified ONNX file."""

import dataclasses
import os
import shutil
from importlib.metadata import entry_points

import filelock
import onnx

from audw2s.model.find import is_installed
from audw2s.model.find import members
from audw2s.model.find import model_path
from audw2s.model.find import sha256
from audw2s.model.hub import provenance as provenance
from audw2s.model.hub.cache import download_folder
from audw2s.model.hub.cache import model_folder
from audw2s.model.hub.fetch import fetch
from audw2s.model.names import entry_of
from audw2s.model.names import exact
from audw2s.model.registry import Entry
from audw2s.model.registry import Source
from audw2s.model.registry import ZenodoSource
from audw2s.version import __version__


class LicenceError(ValueError):
    """Raised if a licence has to be accepted first."""


def get(
    name: str,
    *,
    source: str | None = None,
    accept_licence: bool = False,
    verbose: bool = True,
) -> None:
    """Get a model whose weights aren't in the package.

    Weights are downloaded from their publishers, verified, and made into one ONNX
    file in :func:`audw2s.model.hub.cache.cache_root`; then :func:`audw2s.load`,
    :class:`audw2s.Feature` and all others know the model by its name. After an
    interruption the same call goes on. What is here already is left as it is.

    Weights from the Hugging Face hub are converted with torch, which the extra
    ``distill`` brings.

    Args:
        name: in the catalogue; of a mean, all of its models are got
        source: ``"hub"`` or ``"zenodo"`` where a model is on both, or a folder with
            the files as they were published; by default the catalogue's first. The
            model is made anew if a source is given
        accept_licence: a model for non-commercial use only is not got without
        verbose: show progress

    Raises:
        LicenceError: if a licence has to be accepted
        MissingModelError: if there is no such model
        FetchError: if files can't be had, or aren't the ones that were published
        ValueError: if the files hold something else than the model's weights, or
            the model is from another source

    """
    # What is got is never a folder that is here
    name = exact(name)
    if members(name):
        if source is not None:
            raise ValueError(f"'{name}' is made of several: get each from its source.")
        _check_licences(members(name), accept_licence)
        for member in members(name):
            get(member, accept_licence=accept_licence, verbose=verbose)
        return
    entry = entry_of(name)
    if entry is None or entry.packaged or (source is None and is_installed(name)):
        model_path(name)
        return
    _check_licences([name], accept_licence)
    origin, folder = _find(entry, source)
    if folder is None:
        folder = download_place(origin)
        files = fetch(origin, folder, verbose=verbose)
    else:
        files = {file: sha256(os.path.join(folder, file)) for file in origin.files}
    _install(entry, origin, os.path.abspath(folder), files)


def _check_licences(names: tuple[str, ...] | list[str], accepted: bool) -> None:
    for entry in map(entry_of, names):
        if entry is not None and entry.non_commercial and not accepted:
            raise LicenceError(
                f"'{entry.name}' is {entry.licence} ({entry.source}). To use it under "
                "these terms, accept them: --accept-licence, or accept_licence=True."
            )


def _find(entry: Entry, source: str | None) -> tuple[Source, str | None]:
    """Which of a model's sources is meant, and the folder that a user named."""
    if source is None:
        return entry.weights[0], None
    kinds = {kind_of(origin): origin for origin in entry.weights}
    if source in kinds:
        return kinds[source], None
    for origin in entry.weights:
        if all(os.path.isfile(os.path.join(source, file)) for file in origin.files):
            return origin, source
    files = " or ".join(" and ".join(origin.files) for origin in entry.weights)
    raise ValueError(
        f"'{entry.name}' can be had from {', '.join(kinds)}, or from a folder with "
        f"{files}; '{source}' is neither."
    )


def kind_of(source: Source) -> str:
    """What a source is called in arguments."""
    return "zenodo" if isinstance(source, ZenodoSource) else "hub"


def download_place(origin: Source) -> str:
    """Folder into which files of a source are downloaded."""
    if isinstance(origin, ZenodoSource):
        return download_folder(f"zenodo/{origin.record}", origin.archive)
    return download_folder(origin.repository, origin.revision)


def _network(entry: Entry, origin: Source, folder: str) -> onnx.ModelProto:
    if isinstance(origin, ZenodoSource):
        from audw2s.model.hub.graph import read_published

        return read_published(folder)
    (converter,) = entry_points(group="audw2s.converters")
    return converter.load()(entry.name, folder)


def _install(
    entry: Entry,
    origin: Source,
    folder: str,
    files: dict[str, str],
) -> None:
    """Write a model beside its final place, and move it there when it is complete."""
    from audw2s.model.store import save

    model = _network(entry, origin, folder)
    final = model_folder(entry.name)
    os.makedirs(os.path.dirname(final), exist_ok=True)
    properties = {
        "name": entry.name,
        "sampling_rate": str(entry.sampling_rate),
        "max_dur": f"{entry.max_dur:g}",
        "version": __version__,
    }
    with filelock.FileLock(f"{final}.lock"):
        unfinished = f"{final}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        facts = {
            "name": entry.name,
            "sha256": save(model, unfinished, properties),
            "source": dataclasses.asdict(origin),
            "folder": folder,
            "files": files,
            "licence": entry.licence,
            "version": __version__,
        }
        provenance.write(unfinished, facts)
        shutil.rmtree(final, ignore_errors=True)
        os.rename(unfinished, final)
