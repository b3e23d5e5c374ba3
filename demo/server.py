"""Server of the page."""

import asyncio
import contextlib
import ctypes
import gc
import inspect
import logging
import os
import signal
import socket
import tempfile
import threading
from collections.abc import AsyncIterator
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from unittest import mock

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
from audw2s.demo.examples import CLIPS
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
from audw2s.demo.uploads import Uploads
from audw2s.demo.uploads import sweep
from audw2s.demo.words import RefusedError
from audw2s.files import clips_folder

BROWSER = "browser"
"""Path of the static page."""

STYLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "style.css")

WARM_DELAY = 4.0
"""Seconds until models are loaded, unless a request loads them earlier."""

PORTS = range(7860, 7960)
"""Ports that are tried unless one is given."""

CLOSING_DUR = 1
"""Seconds that connections have to end when the server stops."""

M_ARENA_MAX = -8
"""Name of the number of heaps in glibc."""

ROUTES = SERVED["routes"]
"""Routes of Gradio that are served."""

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
    limit_heaps()
    # Services are stopped by SIGTERM: uploads are deleted then, too
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    models, host = Models(settings), settings.host
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX) as folder,
        bound(host, [settings.port] if settings.port else PORTS) as listening,
    ):
        config = Config(
            Guard(application(models, folder), settings),
            root_path=settings.root_path,
            log_level="warning",
            timeout_graceful_shutdown=CLOSING_DUR,
        )
        name = f"[{host}]" if ":" in host else host
        address = f"http://{name}:{listening.getsockname()[1]}/"
        typer.echo(f"audw2s demo: {address} (Ctrl-C ends it)")
        # Later, as loading models now would delay the page
        timer = threading.Timer(WARM_DELAY, warm, [models])
        timer.daemon = True
        timer.start()
        PageServer(config).run([listening])


def limit_heaps() -> None:
    """Let threads share two heaps: of its own each keeps what others could use."""
    with contextlib.suppress(OSError, AttributeError, TypeError):  # Not glibc
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


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
    example = os.path.join(clips_folder(), CLIPS["neutral"])
    chosen = models.settings.teacher, models.settings.student, WIN_DUR, HOP_DUR
    drawings(Job(models), example, *chosen)


def application(models: Models, folder: str) -> Starlette:
    """Make the application: the page, its API, and nothing else.

    Args:
        models: models that can be chosen
        folder: folder of uploads, which are deleted after minutes

    """
    static, examples = (os.path.join(folder, name) for name in KEPT)
    os.makedirs(static)
    os.makedirs(examples)
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
            Mount(f"/{BROWSER}", StaticPage(directory=static, html=True)),
            live_routes(models),
            *routes("GET", ["", "gradio_api/info"], page),
            *routes("GET", ["example.flac"], FileResponse(example)),
            *routes("GET", ROUTES["read"], inner),
            *routes("GET", [f"gradio_api/file={folder}/{{path:path}}"], inner),
            *routes("POST", ROUTES["called"], calls),
            *routes("GET", ROUTES["answered"], calls),
            *routes("POST", ["gradio_api/upload"], Uploads(inner, folder)),
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
    with quick_import():
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
        css_paths=STYLE,
        max_file_size=models.settings.max_size * 2**20,
        footer_links=["api"],
        **dict.fromkeys(("run_history", "ssr_mode", "pwa"), False),
        **dict.fromkeys(("mcp_server", "enable_monitoring"), False),
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


@contextlib.contextmanager
def quick_import() -> Iterator[None]:
    """Keep Gradio from writing stubs while it is imported, which takes half the time.

    Each import writes a .pyi file for every component whose source it finds. Garbage
    collection is off meanwhile: imports leave nothing to collect.
    """
    find = inspect.getfile

    def getfile(item: Any) -> str:
        if inspect.isclass(item) and item.__module__.startswith("gradio."):
            raise OSError
        return find(item)

    gc.disable()
    try:
        with mock.patch.object(inspect, "getfile", getfile):
            yield
    finally:
        gc.enable()
