"""Download files: what a server announces, and the bytes."""

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from typing import BinaryIO

import httpx2
import huggingface_hub
from huggingface_hub.errors import GatedRepoError
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.errors import RemoteEntryNotFoundError
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.errors import RevisionNotFoundError
from huggingface_hub.utils import build_hf_headers
from huggingface_hub.utils import hf_raise_for_status
from huggingface_hub.utils import http_backoff
from huggingface_hub.utils import http_stream_backoff
from tqdm import tqdm

from audw2s.model.registry import HubSource
from audw2s.model.registry import Source
from audw2s.model.registry import ZenodoSource
from audw2s.progress import progress_bar
from audw2s.version import __version__

CHUNK = 2**20
"""Number of bytes that are written at once, and lost at most if the process dies."""

TIMEOUT = 30.0
"""Seconds without an answer after which a connection counts as lost."""

LOCAL = ("127.0.0.1", "::1", "localhost")
"""Names of this machine, to which nothing needs to be encrypted."""

STORES = (".hf.co", ".huggingface.co")
"""Ends of the names of hosts that keep the files of the hub."""

CHANGED = "What was published has changed: update audw2s, or report it to its authors."


class FetchError(OSError):
    """Raised if files can't be fetched; says why, and what to do."""


@dataclasses.dataclass(frozen=True)
class Remote:
    """File as its server announces it."""

    source: Source
    url: str
    headers: Mapping[str, str]
    size: int
    algorithm: str
    """Algorithm of the checksum: as in ``hashlib``, or ``git``."""

    checksum: str


def announced(source: Source, name: str) -> Remote:
    """Ask a server for address, size and checksum of a file.

    Args:
        source: source of the file
        name: name of the file, or of the archive

    Raises:
        FetchError: if the answer isn't that of such a server, or the file isn't there,
            or the server isn't to be trusted
        httpx2.HTTPError: if nobody answers, or with an error

    """
    check_address(source, httpx2.URL(source.endpoint))
    if isinstance(source, ZenodoSource):
        return _on_zenodo(source, name)
    return _on_hub(source, name)


def _on_hub(source: HubSource, name: str) -> Remote:
    headers = build_hf_headers(library_name="audw2s", library_version=__version__)
    headers["Accept-Encoding"] = "identity"
    url = huggingface_hub.hf_hub_url(
        source.repository, name, revision=source.revision, endpoint=source.endpoint
    )
    metadata = _metadata(url, headers=headers, endpoint=source.endpoint)
    check_address(source, httpx2.URL(metadata.location))
    # For small files the hub announces the hash that git has for them
    checksum = metadata.etag or ""
    algorithm = {40: "git", 64: "sha256"}.get(len(checksum))
    if algorithm is None or metadata.size is None:
        raise FetchError(_unexpected(url))
    return Remote(source, url, headers, metadata.size, algorithm, checksum)


def _metadata(url: str, **options) -> huggingface_hub.HfFileMetadata:
    options |= {"timeout": TIMEOUT}
    try:
        # Without retries at first: a missing network is reported at once
        return huggingface_hub.get_hf_file_metadata(url, **options)
    except HfHubHTTPError as error:
        if error.response.status_code < 500 and error.response.status_code != 429:
            raise
        return huggingface_hub.get_hf_file_metadata(
            url, **options, retry_on_errors=True
        )


def _on_zenodo(source: ZenodoSource, name: str) -> Remote:
    headers = {"Accept-Encoding": "identity", "User-Agent": f"audw2s/{__version__}"}
    url = f"{source.endpoint}/api/records/{source.record}"
    response = http_backoff(
        "GET", url, headers=headers, timeout=TIMEOUT, retry_on_exceptions=()
    )
    check_address(source, response.url)
    hf_raise_for_status(response)
    try:
        files = {file["key"]: file for file in response.json()["files"]}
        if name not in files:
            names = ", ".join(files) or "nothing"
            raise FetchError(f"{url} has no {name} (found: {names}). {CHANGED}")
        size = int(files[name]["size"])
        algorithm, checksum = files[name]["checksum"].split(":")
    except (ValueError, KeyError, TypeError) as error:
        raise FetchError(_unexpected(url)) from error
    url = f"{source.endpoint}/records/{source.record}/files/{name}?download=1"
    return Remote(source, url, headers, size, algorithm, checksum)


def check_address(source: Source, url: httpx2.URL) -> None:
    """Check that an answer comes from the server of a source, and encrypted.

    Args:
        source: source of the files
        url: address of the answer, after redirects

    Raises:
        FetchError: if it is another host, or no https

    """
    if url.scheme != "https" and url.host not in LOCAL:
        raise FetchError(
            f"http://{url.host} is refused, as anybody in between could change what it "
            f"sends: models are fetched by https only. Check {source.variable} and any "
            "proxy."
        )
    host = httpx2.URL(source.endpoint).host
    is_store = not isinstance(source, ZenodoSource) and (
        url.host.endswith(STORES) or {url.host, host} <= {*LOCAL}
    )
    if url.host != host and not is_store:
        raise FetchError(
            f"{host} redirects to {url.host}, which is refused: {source} is fetched "
            "from its server only. Check any proxy in between."
        )


def _unexpected(url: str) -> str:
    return (
        f"{url} was answered, but not in the way that was expected. A proxy or a login "
        "page may be in between: open the address in a browser and try again."
    )


def download(remote: Remote, part: str, *, verbose: bool) -> None:
    """Download to a file, continue what is in it, and verify its checksum.

    Not ``hf_hub_download``, nor ``pooch``: both begin again after the process was
    killed, and the first doesn't verify checksums.

    Args:
        remote: file to download
        part: path that ends on ``.part``; the file may exist
        verbose: show progress

    Raises:
        FetchError: if the connection broke, and what was received is kept; or if the
            checksum differs, and the file is deleted
        httpx2.HTTPError: if the server answers with an error

    """
    name = os.path.basename(part).removesuffix(".part")
    with (
        open(part, "ab") as file,
        progress_bar(
            desc=name,
            total=remote.size,
            unit="B",
            unit_scale=True,
            verbose=verbose,
        ) as progress,
    ):
        if file.tell() > remote.size:
            _empty(file)
        while (start := file.tell()) < remote.size:
            error = _append(remote, file, progress)
            # As long as data arrives, another connection is worth it
            if file.tell() <= start:
                raise FetchError(
                    f"The connection broke after {megabytes(start)} of "
                    f"{megabytes(remote.size)} of {name}. "
                    "Run the command again to go on from there."
                ) from error
        file.flush()
        os.fsync(file.fileno())
    checksum = digest(part, remote.algorithm)
    if checksum != remote.checksum:
        os.remove(part)
        raise FetchError(
            f"{name} came with {remote.algorithm} checksum {checksum}, expected "
            f"{remote.checksum}: it was damaged on its way and is deleted. "
            "Run the command again."
        )


def _append(remote: Remote, file: BinaryIO, progress: tqdm) -> Exception | None:
    """Download until the end, or until the connection breaks with an exception."""
    try:
        with http_stream_backoff(
            "GET",
            remote.url,
            headers={**remote.headers, "Range": f"bytes={file.tell()}-"},
            timeout=TIMEOUT,
            # Only what happens before the first byte can be repeated
            retry_on_exceptions=(httpx2.ConnectError, httpx2.ConnectTimeout),
        ) as response:
            check_address(remote.source, response.url)
            hf_raise_for_status(response)
            if response.status_code != 206:  # the server ignored the range
                _empty(file)
            progress.n = file.tell()
            for chunk in response.iter_bytes(CHUNK):
                file.write(chunk)
                progress.update(len(chunk))
    except httpx2.TransportError as error:
        return error
    return None


def _empty(file: BinaryIO) -> None:
    file.seek(0)
    file.truncate()


def digest(path: str, algorithm: str) -> str:
    """Hash of a file; ``git`` is the one that git has for it."""
    start = f"blob {os.path.getsize(path)}\0".encode() if algorithm == "git" else b""
    name = "sha1" if algorithm == "git" else algorithm
    with open(path, "rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(name, start, usedforsecurity=False)
        ).hexdigest()


def explain(error: httpx2.HTTPError, source: Source, by_hand: str) -> str:
    """Explain an error of the network or of a server.

    Args:
        error: exception
        source: source of the files
        by_hand: how to do without the server

    """
    host = source.endpoint
    if not isinstance(error, HfHubHTTPError):
        return f"{host} can't be reached ({error}). Check the connection, or {by_hand}"
    for kind, sentence in {
        GatedRepoError: f"{source} is only for those whom its owners let in. Ask for "
        f"access on its page, set HF_TOKEN and run the command again, or {by_hand}",
        RepositoryNotFoundError: f"{host} has no public repository of {source}. "
        f"Set HF_TOKEN if you have access to it, or {by_hand}",
        RevisionNotFoundError: f"{host} doesn't have this revision of {source}. "
        f"Update audw2s, which may know another one, or {by_hand}",
        RemoteEntryNotFoundError: f"There is no {error.response.url}: {source} "
        f"lacks this file. If you have it, {by_hand}",
    }.items():
        if isinstance(error, kind):
            return sentence
    status = error.response.status_code
    if status in (401, 403):
        return (
            f"{host} refuses to give {source} (HTTP {status}). Check HF_TOKEN and any "
            f"proxy in between, or {by_hand}"
        )
    if status in (404, 410):
        return f"{host} has no {source} (HTTP {status}). If you have it, {by_hand}"
    return f"{host} doesn't work (HTTP {status}). Try again later, or {by_hand}"


def megabytes(count: int) -> str:
    """Write a number of bytes.

    Examples:
        >>> megabytes(661_375_508)
        '661.4 MB'

    """
    return f"{count / 1e6:.1f} MB"
