"""Fetch published weights: when asked to, verified, and whole or not at all."""

import contextlib
import dataclasses
import errno
import hashlib
import os
import shutil
import sys
import zipfile
import zlib
from collections.abc import Iterator
from collections.abc import Mapping

import filelock
import httpx2
from huggingface_hub.errors import OfflineModeIsEnabled
from tqdm import tqdm

from audw2s.model.hub.download import CHANGED
from audw2s.model.hub.download import FetchError
from audw2s.model.hub.download import Remote
from audw2s.model.hub.download import download
from audw2s.model.hub.download import explain
from audw2s.model.hub.download import megabytes
from audw2s.model.hub.download import on_hub
from audw2s.model.hub.download import on_zenodo
from audw2s.model.hub.download import size
from audw2s.model.registry import HubSource
from audw2s.model.registry import Source

LARGEST = 2**31
"""Bytes of a file in an archive at most; no ONNX file in one piece is larger."""


@dataclasses.dataclass(frozen=True)
class _Job:
    """What one call is about."""

    source: Source
    folder: str
    known: Mapping[str, str]
    verbose: bool

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def part(self, name: str) -> str:
        return self.path(f"{name}.part")

    def missing(self) -> list[str]:
        return [f for f in self.source.files if not os.path.isfile(self.path(f))]


def fetch(
    source: Source,
    folder: str,
    *,
    sha256: Mapping[str, str] | None = None,
    verbose: bool = False,
) -> dict[str, str]:
    """Get the files of a source into a folder.

    Files that are there already, from an earlier call or put there by hand, are not
    asked for again; if all are, no network is needed. The same goes for the archive
    of a :class:`audw2s.model.registry.ZenodoSource`. After an interruption the same
    call goes on where it ended. Several processes may fetch the same at once.

    Args:
        source: what to fetch
        folder: where to; afterwards it holds ``source.files``
        sha256: hashes that are known beforehand, of any of the files, or of the archive
        verbose: show progress

    Returns:
        sha256 of every file of the source. Downloaded files have the hash that the
        server announced, and all have the one in ``sha256``

    Raises:
        FetchError: if a file can't be had, or isn't the one that was expected

    """
    job = _Job(source, os.path.abspath(folder), sha256 or {}, verbose)
    if job.missing():
        os.makedirs(job.folder, exist_ok=True)
        with _explained(job), _alone(job):
            # Another process may have been faster
            if missing := job.missing():
                get = _get_files if isinstance(source, HubSource) else _get_archive
                get(job, missing)
    return {name: _present(job, name) for name in source.files}


def _get_files(job: _Job, names: list[str]) -> None:
    remotes = {name: on_hub(job.source, name) for name in names}
    for name, remote in remotes.items():
        _check_announced(job, name, remote)
    wanted = sum(remote.size for remote in remotes.values())
    _check_space(job, wanted - sum(size(job.part(name)) for name in names))
    for name, remote in remotes.items():
        download(remote, job.part(name), verbose=job.verbose)
        _verify(job, name, remote)
        _finish(job, name)


def _get_archive(job: _Job, names: list[str]) -> None:
    archive = job.source.archive
    if os.path.isfile(job.path(archive)):  # put there by hand, and left there
        _present(job, archive)
        _unpack(job, job.path(archive), names)
        return
    remote = on_zenodo(job.source)
    # What is in it takes at least as much again
    _check_space(job, 2 * remote.size - size(job.part(archive)))
    download(remote, job.part(archive), verbose=job.verbose)
    _verify(job, archive, remote)
    try:
        _unpack(job, job.part(archive), names)
    except FetchError:
        os.remove(job.part(archive))
        raise
    os.remove(job.part(archive))


def _unpack(job: _Job, archive: str, names: list[str]) -> None:
    """Unpack the named files and nothing else: all of them or none."""
    try:
        _unpack_parts(job, archive, names)
        for name in names:
            _verify(job, name)
        for name in names:
            _finish(job, name)
    finally:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.remove(job.part(name))


def _unpack_parts(job: _Job, archive: str, names: list[str]) -> None:
    try:
        with zipfile.ZipFile(archive) as opened:
            members = {name: _member(job, opened, name) for name in names}
            _check_space(job, sum(member.file_size for member in members.values()))
            for name, member in members.items():
                with opened.open(member) as packed, open(job.part(name), "wb") as file:
                    shutil.copyfileobj(packed, file)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise FetchError(
            f"{job.source} is no zip archive that can be read ({error}). If it was put "
            f"into {job.folder} by hand, delete it there; then run the command again."
        ) from error


def _member(job: _Job, opened: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    if name not in opened.namelist():
        found = ", ".join(opened.namelist()[:9]) or "nothing"
        raise FetchError(
            f"{job.source} has no {name} in it (found: {found}). {CHANGED}"
        )
    member = opened.getinfo(name)
    if member.file_size > LARGEST:
        raise FetchError(
            f"{name} in {job.source} claims {megabytes(member.file_size)}, expected at "
            f"most {megabytes(LARGEST)}. It is not unpacked. {CHANGED}"
        )
    usual = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if not usual or member.flag_bits & 1:
        raise zipfile.BadZipFile(f"{name} is encrypted or packed in an unusual way")
    return member


def _check_announced(job: _Job, name: str, remote: Remote) -> None:
    """Don't download what can't be right."""
    expected = job.known.get(name, remote.checksum)
    if remote.algorithm == "sha256" and remote.checksum != expected:
        raise FetchError(
            f"{remote.url} has sha256 {remote.checksum}, expected {expected}: it is "
            f"not the file that was meant, and isn't downloaded. {CHANGED}"
        )


def _verify(job: _Job, name: str, remote: Remote | None = None) -> None:
    """Compare a new file with what was announced and with what is known."""
    if remote is not None:
        found = _digest(job.part(name), remote.algorithm)
        if found != remote.checksum:
            os.remove(job.part(name))
            raise FetchError(
                f"{name} came with {remote.algorithm} checksum {found}, expected "
                f"{remote.checksum}: it was damaged on its way and is deleted. "
                "Run the command again."
            )
    if name in job.known:
        found = _digest(job.part(name), "sha256")
        if found != job.known[name]:
            os.remove(job.part(name))
            raise FetchError(
                f"{name} of {job.source} has sha256 {found}, expected "
                f"{job.known[name]}: it is not the file that was meant, and is "
                f"deleted. {CHANGED}"
            )


def _finish(job: _Job, name: str) -> None:
    """Give a file its name once its bytes are on the disk."""
    with open(job.part(name), "rb+") as file:
        os.fsync(file.fileno())
    os.replace(job.part(name), job.path(name))


def _present(job: _Job, name: str) -> str:
    """Sha256 of a file that is there, compared with what is known."""
    found = _digest(job.path(name), "sha256")
    if found != job.known.get(name, found):
        raise FetchError(
            f"{job.path(name)} has sha256 {found}, expected {job.known[name]}: it is "
            "another version, or damaged. Delete or replace it, and run the command "
            "again."
        )
    return found


def _digest(path: str, algorithm: str) -> str:
    """Hash of a file; ``git`` is the one that git has for it."""
    start = f"blob {size(path)}\0".encode() if algorithm == "git" else b""
    name = "sha1" if algorithm == "git" else algorithm
    with open(path, "rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(name, start, usedforsecurity=False)
        ).hexdigest()


def _check_space(job: _Job, wanted: int) -> None:
    free = shutil.disk_usage(job.folder).free
    if free < wanted:
        reason = f"{megabytes(wanted)} are needed, {megabytes(free)} are free"
        raise OSError(errno.ENOSPC, reason)


@contextlib.contextmanager
def _alone(job: _Job) -> Iterator[None]:
    """Let one process at a time write to the folder."""
    lock = filelock.FileLock(f"{job.folder}.lock")
    try:
        lock.acquire(timeout=1)
    except filelock.Timeout:
        if job.verbose:
            message = f"Waiting, for another process fetches {job.source}."
            tqdm.write(message, file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _explained(job: _Job) -> Iterator[None]:
    """Turn errors of networks, servers and disks into sentences."""
    by_hand = f"put {job.source.by_hand} into {job.folder} and run the command again."
    try:
        yield
    except httpx2.HTTPError as error:
        raise FetchError(explain(error, job.source, by_hand)) from error
    except OfflineModeIsEnabled as error:
        raise FetchError(
            f"HF_HUB_OFFLINE is set, so {job.source} isn't downloaded. "
            f"Unset it, or {by_hand}"
        ) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise FetchError(
            f"There is no room in {job.folder} ({error.strerror}). Make room there, or "
            "let AUDW2S_CACHE_ROOT name a folder on a larger disk, and run the command "
            "again."
        ) from error
