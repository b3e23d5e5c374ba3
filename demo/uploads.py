"""Uploads of the page: a limit on their size, and on their age."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable

import anyio
from starlette.requests import Request
from starlette.types import ASGIApp

from audw2s.demo.words import RefusedError
from audw2s.files import stamp

PREFIX = "audw2s-demo-"
"""Start of the names of folders of uploads."""

KEPT = ("browser", "examples")
"""Folders that aren't uploads."""

MAX_AGE = 600.0
"""Seconds after which uploads are deleted."""

MAX_TOTAL = 2 * 2**30
"""Most bytes of uploads at a time."""


def limited(app: ASGIApp, folder: str) -> Callable:
    """Pass uploads on to Gradio while there is room; they are refused without.

    Args:
        app: Gradio's application
        folder: folder of uploads

    """

    async def upload(request: Request) -> ASGIApp:
        size = int(request.headers.get("content-length", 0))
        total = await anyio.to_thread.run_sync(total_size, folder)
        if total + size > MAX_TOTAL:
            raise RefusedError("no_room", 507, minutes=MAX_AGE / 60)
        return app

    return upload


def total_size(folder: str) -> int:
    """Bytes of the files in a folder."""
    # -1 of one that was deleted meanwhile
    return sum(
        max(0, stamp(os.path.join(parent, name)).size)
        for parent, _, names in os.walk(folder)
        for name in names
    )


async def sweep(folder: str) -> None:
    """Delete old uploads every minute, and folders of servers that were killed.

    Args:
        folder: folder of this server, whose time of modification says that it runs

    """
    while True:
        with contextlib.suppress(OSError):  # Next time, perhaps
            os.utime(folder)
            await anyio.to_thread.run_sync(delete_old, folder)
            await anyio.to_thread.run_sync(delete_old, os.path.dirname(folder), PREFIX)
        await anyio.sleep(60)


def delete_old(folder: str, prefix: str = "") -> None:
    """Delete files and folders that weren't modified for :data:`MAX_AGE`.

    Args:
        folder: folder in which they are
        prefix: start of their names

    """
    oldest = time.time() - MAX_AGE
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):  # Deleted meanwhile, or not ours
            is_old = entry.stat(follow_symlinks=False).st_mtime <= oldest
            if is_old and entry.name.startswith(prefix) and entry.name not in KEPT:
                is_folder = entry.is_dir(follow_symlinks=False)
                (shutil.rmtree if is_folder else os.remove)(entry.path)
