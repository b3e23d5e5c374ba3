"""Server of the page."""

import asyncio
import contextlib
import ctypes
import inspect
import logging
import os
import pathlib
import signal
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from collections.abc import Sequence
from typing import Any
from unittest import mock

import audeer
import typer
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Mount
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from uvicorn import Config
from uvicorn import Server

from audw2s.demo import static_page
from audw2s.demo.calls import Calls
from audw2s.demo.examples import clips
from audw2s.demo.guard import SERVED
from audw2s.demo.guard import Guard
from audw2s.demo.guard import refused
from audw2s.demo.job import Job
from audw2s.demo.limits import HOP_DUR
from audw2s.demo.limits import WIN_DUR
from audw2s.demo.live_routes import live_routes
from audw2s.demo.models import Models
from audw2s.demo.page import drawings
from audw2s.demo.preview import preview
from audw2s.demo.settings import Settings
from audw2s.demo.uploads import KEPT
from audw2s.demo.uploads import PREFIX
from audw2s.demo.uploads import limited
from audw2s.demo.uploads import sweep
from audw2s.demo.words import WORDS
from audw2s.demo.words import RefusedError
from audw2s.files import clips_folder

WARM_DELAY = 4.0
"""Seconds until models are loaded, unless a request loads them earlier."""

PORTS = range(7860, 7960)
"""Ports that are tried unless one is given."""

CLOSING_DUR = 1
"""Seconds that connections have to end when the server stops."""

M_ARENA_MAX = -8
"""Name of the number of heaps in glibc."""

MAX_SESSIONS = 100
"""Most sessions that Gradio remembers; nothing of the page depends on them."""

FONTS = ["system-ui", "sans-serif"]
MONO_FONTS = ["ui-monospace", "monospace"]
"""Fonts of the system: Gradio's themes may fetch theirs."""


def serve(settings: Settings) -> None:
    """Run the page until Ctrl-C.

    Raises:
        ModuleNotFoundError: without Gradio
        MissingModelError: if a model isn't installed
        OSError: if the port is taken
        ValueError: if a setting is invalid

    """
    # Threads share two heaps: of its own each keeps what others could use
    with contextlib.suppress(OSError, AttributeError, TypeError):  # Not glibc
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)
    # Services are stopped by SIGTERM: uploads are deleted then, too
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    models, host = Models(settings), settings.host
    uploads = tempfile.TemporaryDirectory(prefix=PREFIX)
    ports = [settings.port] if settings.port else PORTS
    with uploads as folder, bound(host, ports) as listening:
        config = Config(
            Guard(application(models, folder), settings),
            root_path=settings.root_path,
            log_level="warning",
            timeout_graceful_shutdown=CLOSING_DUR,
        )
        name = f"[{host}]" if ":" in host else host
        address = f"http://{name}:{listening.getsockname()[1]}/"
        typer.echo(f"audw2s demo: {address} (Ctrl-C ends it)")
        threading.Thread(target=warm, args=[models], daemon=True).start()
        PageServer(config).run([listening])


class PageServer(Server):
    """Server that ends open connections without a traceback for each."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End connections, then the application."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)


def bound(host: str, ports: range | list[int]) -> socket.socket:
    """Listen at the first port that is free.

    Raises:
        OSError: if none is

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in ports:
        try:
            return socket.create_server((host, port), family=family)
        except OSError as error:
            refused = error
    raise OSError(
        f"Port {port} of {host} can't be used ({refused.strerror}). Choose another one "
        "with --port."
    )


def warm(models: Models) -> None:
    """Load the chosen models and draw once, which takes longer the first time."""
    # Loading models at once would delay the page
    time.sleep(WARM_DELAY)
    example = os.path.join(clips_folder(), WORDS["examples"]["neutral"])
    chosen = models.settings.teacher, models.settings.student, WIN_DUR, HOP_DUR
    with contextlib.suppress(RefusedError):  # Of its duration, or by lack of time
        drawings(Job(models), example, *chosen)


def application(models: Models, folder: str) -> Starlette:
    """Make the application: the page, its API, and nothing else.

    Args:
        models: models that can be chosen
        folder: folder of uploads, which are deleted after minutes

    """
    static, examples = (audeer.mkdir(folder, name) for name in KEPT)
    paths = clips(examples)
    inner = gradio_application(models, folder, paths)
    example = paths["neutral"]
    page = preview(inner, models.settings.root_path)
    calls = Calls(inner, folder, example)

    def routes(method: str, paths: Sequence[str], app: Any) -> list[Route]:
        return [Route(f"/{path}", app, methods=[method]) for path in paths]

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(sweep(folder))
        async with inner.router.lifespan_context(inner):
            yield
        sweeping.cancel()

    return Starlette(
        routes=[
            Mount("/browser", StaticPage(directory=static, html=True)),
            live_routes(models),
            *routes("GET", ["", "gradio_api/info"], page),
            *routes("GET", ["example.flac"], FileResponse(example)),
            *routes("GET", SERVED["routes"]["read"], inner),
            *routes("GET", [f"gradio_api/file={folder}/{{path:path}}"], inner),
            *routes("POST", SERVED["routes"]["called"], calls),
            *routes("GET", SERVED["routes"]["answered"], calls),
            *routes("POST", ["gradio_api/upload"], limited(inner, folder)),
        ],
        exception_handlers={RefusedError: refused},
        lifespan=lifespan,
    )


def gradio_application(models: Models, folder: str, examples: dict[str, str]) -> Any:
    """Make Gradio's application.

    Args:
        models: models that can be chosen
        folder: folder of uploads
        examples: paths of the example clips by label

    """
    # Gradio opens clients when it is imported, and some proxies need more packages
    os.environ["no_proxy"] = "*"
    os.environ["GRADIO_TEMP_DIR"] = folder
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    # Calls that are kept for statistics, which nobody sees
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
    # Each import writes stubs for all components whose source is found, for longer than
    # all the rest takes
    with mock.patch.object(inspect, "getfile", side_effect=OSError):
        import gradio as gr
    from fastapi import FastAPI

    from audw2s.demo.app import build

    # Keeps Gradio from deleting the examples, as it deletes uploads
    gr.set_static_paths(list(examples.values()))
    blocks = build(models, examples)
    # Gradio takes any file of the server for an upload until this is set
    blocks.has_launched = True
    # Each call of a program has a session, which keeps a copy of the page's layout
    blocks.state_session_capacity = MAX_SESSIONS
    return gr.mount_gradio_app(
        FastAPI(),
        blocks,
        "/",
        theme=gr.themes.Default(font=FONTS, font_mono=MONO_FONTS),
        css_paths=pathlib.Path(__file__).with_name("style.css"),
        max_file_size=models.settings.max_size * 2**20,
        footer_links=["api"],
        # Else the environment decides
        **dict.fromkeys(("mcp_server", "run_history", "ssr_mode"), False),
    )


class StaticPage(StaticFiles):
    """Static page, which is written when it is first asked for."""

    lock = threading.Lock()

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Find a file of the page."""
        with self.lock:
            if not os.listdir(self.directory):
                static_page.write(str(self.directory))
        return super().lookup_path(path)
