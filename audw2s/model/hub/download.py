"""Talk to servers: what they announce of a file, and its bytes."""

import dataclasses
import os
from collections.abc import Mapping

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
from audw2s.version import __version__

CHUNK = 2**20
"""Bytes that are written at once, and lost at most if the process is killed."""

TIMEOUT = 30.0
"""Seconds without an answer after which a connection counts as lost."""


CHANGED = "What was published has changed: update audw2s, or report it to its authors."


class FetchError(OSError):
    """Raised if files can't be fetched; says why, and what to do."""


@dataclasses.dataclass(frozen=True)
class Remote:
    """A file as its server announces it."""

    url: str
    headers: Mapping[str, str]
    size: int
    algorithm: str
    """Of the checksum: as in ``hashlib``, or ``git``."""

    checksum: str


def on_hub(source: HubSource, name: str) -> Remote:
    """Ask the hub for a file's size and hash.

    Raises:
        FetchError: if who answers isn't the hub
        httpx2.HTTPError: if nobody answers, or with an error

    """
    headers = build_hf_headers(
        library_name="audw2s",
        library_version=__version__,
        headers={"Accept-Encoding": "identity"},
    )
    url = huggingface_hub.hf_hub_url(
        source.repository, name, revision=source.revision, endpoint=source.endpoint
    )
    found = _metadata(url, headers=headers, endpoint=source.endpoint, timeout=TIMEOUT)
    # Of small files the hub announces the hash that git has for them
    algorithm = {40: "git", 64: "sha256"}.get(len(found.etag or ""))
    if algorithm is None or found.size is None:
        raise FetchError(_not_itself(url))
    return Remote(url, headers, found.size, algorithm, found.etag)


def _metadata(url: str, **kwargs) -> huggingface_hub.HfFileMetadata:
    try:
        # Without retries at first, for no network should be told at once
        return huggingface_hub.get_hf_file_metadata(url, **kwargs)
    except HfHubHTTPError as error:
        if error.response.status_code < 500 and error.response.status_code != 429:
            raise
        return huggingface_hub.get_hf_file_metadata(url, **kwargs, retry_on_errors=True)


def on_zenodo(source: ZenodoSource) -> Remote:
    """Ask Zenodo for an archive's size and hash.

    Raises:
        FetchError: if who answers isn't Zenodo, or the record has no such archive
        httpx2.HTTPError: if nobody answers, or with an error

    """
    headers = {"Accept-Encoding": "identity", "User-Agent": f"audw2s/{__version__}"}
    url = f"{source.endpoint}/api/records/{source.record}"
    response = http_backoff(
        "GET", url, headers=headers, timeout=TIMEOUT, retry_on_exceptions=()
    )
    hf_raise_for_status(response)
    try:
        files = {file["key"]: file for file in response.json()["files"]}
        if source.archive not in files:
            found = ", ".join(files) or "nothing"
            raise FetchError(
                f"{url} has no {source.archive} (found: {found}). {CHANGED}"
            )
        size = int(files[source.archive]["size"])
        algorithm, checksum = files[source.archive]["checksum"].split(":")
    except (ValueError, KeyError, TypeError) as error:
        raise FetchError(_not_itself(url)) from error
    page = f"{source.endpoint}/records/{source.record}"
    url = f"{page}/files/{source.archive}?download=1"
    return Remote(url, headers, size, algorithm, checksum)


def download(remote: Remote, part: str, *, verbose: bool) -> None:
    """Download to a file, going on after what is in it.

    Not ``hf_hub_download``: since 1.18 it starts anew after an interruption, and it
    leaves a folder of its own next to the files.

    Args:
        remote: what to download
        part: path of the unfinished file, which needn't exist
        verbose: show progress

    Raises:
        FetchError: if the connection broke; what came so far is kept
        httpx2.HTTPError: if the server answers with an error

    """
    if size(part) > remote.size:
        os.remove(part)
    name = os.path.basename(part).removesuffix(".part")
    scale = {"total": remote.size, "unit": "B", "unit_scale": True}
    with tqdm(desc=name, disable=not verbose, **scale) as bar:
        while (before := size(part)) < remote.size:
            broken = None
            try:
                _go_on(remote, part, bar)
            except httpx2.TransportError as error:
                broken = error
            # As long as something comes, another connection is worth it
            if size(part) <= before:
                raise FetchError(
                    f"The connection broke after {megabytes(before)} of "
                    f"{megabytes(remote.size)} of {name}. "
                    "Run the command again to go on from there."
                ) from broken


def _go_on(remote: Remote, part: str, bar: tqdm) -> None:
    """Download until the end or until the connection breaks."""
    rest = {"Range": f"bytes={size(part)}-"} if size(part) else {}
    with http_stream_backoff(
        "GET",
        remote.url,
        headers={**remote.headers, **rest},
        timeout=TIMEOUT,
        # Only what happens before the first byte can be repeated
        retry_on_exceptions=(httpx2.ConnectError, httpx2.ConnectTimeout),
    ) as response:
        hf_raise_for_status(response)
        # A server may ignore the range and send all
        with open(part, "ab" if response.status_code == 206 else "wb") as file:
            bar.n = file.tell()
            for chunk in response.iter_bytes(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))


def explain(error: httpx2.HTTPError, source: Source, by_hand: str) -> str:
    """Say what an error of the network or of a server means.

    Args:
        error: what was raised
        source: what was asked for
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
            f"{host} refuses to give {source} (HTTP {status}). "
            f"HF_TOKEN may be wrong, or a proxy in between: mend that, or {by_hand}"
        )
    if status in (404, 410):
        return f"{host} has no {source} (HTTP {status}). If you have it, {by_hand}"
    return f"{host} is in trouble (HTTP {status}). Try again later, or {by_hand}"


def _not_itself(url: str) -> str:
    return (
        f"{url} was answered, but not in the way that was expected. A proxy or a login "
        "page may be in between: open the address in a browser and try again."
    )


def megabytes(count: int) -> str:
    """Count of bytes for people.

    Examples:
        >>> megabytes(661_375_508)
        '661.4 MB'

    """
    return f"{count / 1e6:.1f} MB"


def size(path: str) -> int:
    """Size of a file in bytes, 0 if there is none."""
    return os.path.getsize(path) if os.path.exists(path) else 0
