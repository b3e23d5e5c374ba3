"""Fetch published weights: on request only, verified, and complete or not at all."""

import contextlib
import errno
import os
import shutil
import sys
import zipfile
import zlib
from collections.abc import Iterator
from collections.abc import Sequence

import filelock
import httpx2
from huggingface_hub.errors import OfflineModeIsEnabled
from tqdm import tqdm

from audw2s.files import replacing
from audw2s.model.hub.download import CHANGED
from audw2s.model.hub.download import FetchError
from audw2s.model.hub.download import announced
from audw2s.model.hub.download import digest
from audw2s.model.hub.download import download
from audw2s.model.hub.download import explain
from audw2s.model.hub.download import megabytes
from audw2s.model.registry import Source

LARGEST = 2**31
"""Largest size of a file in an archive in bytes, which is that of an ONNX file."""


def fetch(source: Source, folder: str, *, verbose: bool = False) -> dict[str, str]:
    """Get the files of a source into a folder.

    Files that exist, from an earlier call or put there by hand, aren't requested again;
    if all exist, no network is needed. The same holds for the archive of a
    :class:`audw2s.model.registry.ZenodoSource`. After an interruption the same call
    resumes. Several processes may fetch the same files at once.

    Args:
        source: source of the files
        folder: folder of the files
        verbose: show progress

    Returns:
        sha256 of each file; downloaded files have the checksum that the server
        announced

    Raises:
        FetchError: if a file can't be downloaded, or is damaged

    """
    folder = os.path.abspath(folder)
    if _missing(source, folder):
        with _explained(source, folder):
            os.makedirs(folder, exist_ok=True)
            with _lock(source, folder, verbose):
                # Another process may have been faster
                if missing := _missing(source, folder):
                    _fetch(source, folder, missing, verbose)
    return {name: digest(os.path.join(folder, name), "sha256") for name in source.files}


def _missing(source: Source, folder: str) -> list[str]:
    paths = {name: os.path.join(folder, name) for name in source.files}
    return [name for name, path in paths.items() if not os.path.isfile(path)]


def _fetch(source: Source, folder: str, missing: list[str], verbose: bool) -> None:
    if source.archive:
        archive = os.path.join(folder, source.archive)
        if os.path.isfile(archive):  # put there by hand, and left there
            return _unpack(source, archive, folder, missing)
    names = [source.archive] if source.archive else missing
    remotes = {os.path.join(folder, name): announced(source, name) for name in names}
    size = sum(remote.size for remote in remotes.values())
    parts = [f"{path}.part" for path in remotes if os.path.isfile(f"{path}.part")]
    # The content of an archive takes at least as much again
    needed = (2 if source.archive else 1) * size
    _check_space(folder, needed - sum(map(os.path.getsize, parts)))
    for path, remote in remotes.items():
        download(remote, f"{path}.part", verbose=verbose)
        if not source.archive:
            os.replace(f"{path}.part", path)
            continue
        try:
            _unpack(source, f"{path}.part", folder, missing)
        except FetchError:
            os.remove(f"{path}.part")
            raise
        os.remove(f"{path}.part")


def _unpack(source: Source, archive: str, folder: str, names: Sequence[str]) -> None:
    """Unpack the named files and nothing else."""
    try:
        with zipfile.ZipFile(archive) as opened:
            sizes = {member.filename: member.file_size for member in opened.infolist()}
            _check_members(source, sizes, names)
            _check_space(folder, sum(sizes[name] for name in names))
            for name in names:
                with (
                    opened.open(name) as packed,
                    replacing(os.path.join(folder, name), durable=True) as temporary,
                    open(temporary, "wb") as file,
                ):
                    shutil.copyfileobj(packed, file)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise FetchError(
            f"{source} is no zip archive that can be read ({error}). If it was put "
            f"into {folder} by hand, delete it there; then run the command again."
        ) from error


def _check_members(source: Source, sizes: dict[str, int], names: Sequence[str]) -> None:
    for name in names:
        if name not in sizes:
            others = ", ".join([*sizes][:9]) or "nothing"
            raise FetchError(
                f"{source} has no {name} in it (found: {others}). {CHANGED}"
            )
        if sizes[name] > LARGEST:
            raise FetchError(
                f"{name} in {source} has {megabytes(sizes[name])}, expected at most "
                f"{megabytes(LARGEST)}. It is not unpacked. {CHANGED}"
            )


def _check_space(folder: str, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        reason = f"{megabytes(needed)} are needed, {megabytes(free)} are free"
        raise OSError(errno.ENOSPC, reason)


def _lock(
    source: Source, folder: str, verbose: bool
) -> contextlib.AbstractContextManager:
    """Lock that lets one process at a time write to the folder."""
    lock = filelock.FileLock(f"{folder}.lock")
    try:
        return lock.acquire(timeout=1)
    except filelock.Timeout:
        if verbose:
            message = f"Waiting for another process, which fetches {source}."
            tqdm.write(message, file=sys.stderr)
        return lock.acquire()


@contextlib.contextmanager
def _explained(source: Source, folder: str) -> Iterator[None]:
    """Explain errors of networks, servers and disks."""
    by_hand = f"put {source.by_hand} into {folder} and run the command again."
    try:
        yield
    except httpx2.HTTPError as error:
        raise FetchError(explain(error, source, by_hand)) from error
    except OfflineModeIsEnabled as error:
        raise FetchError(
            f"HF_HUB_OFFLINE is set, so {source} isn't downloaded. Unset it, or "
            f"{by_hand}"
        ) from error
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise FetchError(
                f"{folder} can't be written to ({error.strerror}). Let "
                "AUDW2S_CACHE_ROOT name a folder that can, and run the command again."
            ) from error
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise FetchError(
            f"There is no room in {folder} ({error.strerror}). Make room there, or "
            "let AUDW2S_CACHE_ROOT name a folder on a larger disk, and run the command "
            "again."
        ) from error
