"""Server of the page."""

import contextlib
import gc
import inspect
import logging
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from typing import Any
from unittest import mock

import typer
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from uvicorn import Config
from uvicorn import Server

from audw2s.demo import static_page
from audw2s.demo.examples import CLIPS
from audw2s.demo.examples import clips
from audw2s.demo.guard import Guard
from audw2s.demo.limits import MAX_SIZE
from audw2s.demo.models import Models
from audw2s.demo.page import BROWSER
from audw2s.files import clips_folder

STYLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "style.css")

WARM_DELAY = 4.0
"""Seconds until models are loaded, unless a request loads them earlier."""

PORTS = range(7860, 7960)
"""Ports that are tried unless one is given."""

CLOSING_DUR = 1
"""Seconds that connections have to end when the server stops."""

FONTS = ["system-ui", "sans-serif"]
MONO_FONTS = ["ui-monospace", "monospace"]
"""Fonts of the system: Gradio's themes may fetch theirs."""

GRADIO = {
    "GET": [
        "",
        "assets/{path:path}",
        "config",
        "favicon.ico",
        "gradio_api/call/compare/{event_id}",
        "gradio_api/call/predict/{event_id}",
        "gradio_api/file={path:path}",
        "gradio_api/heartbeat/{session_hash}",
        "gradio_api/info",
        "gradio_api/queue/data",
        "gradio_api/startup-events",
        "gradio_api/stream/{path:path}",
        "gradio_api/upload_progress",
        "static/{path:path}",
        "svelte/{path:path}",
        "theme.css",
    ],
    "POST": [
        "gradio_api/call/compare",
        "gradio_api/call/predict",
        "gradio_api/cancel",
        "gradio_api/queue/join",
        "gradio_api/reset",
        "gradio_api/stream/{path:path}",
        "gradio_api/upload",
    ],
}
"""Routes of Gradio that the page and its API need, by method; others aren't served."""


def serve(host: str = "127.0.0.1", port: int | None = None, **roles: str) -> None:
    """Run the page until Ctrl-C.

    Args:
        host: address of the server
        port: port of the server, by default the first free one from 7860 on
        roles: ``teacher`` and ``student``, see :class:`audw2s.demo.models.Models`

    Raises:
        ModuleNotFoundError: without Gradio
        MissingModelError: if a model isn't installed
        OSError: if the port is taken

    """
    # Services are stopped by SIGTERM: uploads are deleted then, too
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    models = Models(**roles)
    with (
        tempfile.TemporaryDirectory(prefix="audw2s-demo-") as folder,
        bound(host, [port] if port else PORTS) as listening,
    ):
        config = Config(
            application(models, folder),
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
    from audw2s.demo.comparison import compare
    from audw2s.demo.figure import pictures

    example = os.path.join(clips_folder(), CLIPS["neutral"])
    pictures(compare(models, example, models.teacher, models.student))


def application(models: Models, folder: str) -> Starlette:
    """Make the application: the page, its API, and nothing else.

    Args:
        models: models that can be chosen
        folder: folder of uploads, which are deleted after minutes

    """
    inner = gradio_application(models, folder)
    static = os.path.join(folder, BROWSER)
    os.makedirs(static)
    routes = [
        Mount(f"/{BROWSER}", StaticPage(directory=static, html=True)),
        *(
            Route(f"/{path}", inner, methods=[method])
            for method, paths in GRADIO.items()
            for path in paths
        ),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard)],
        lifespan=lambda _: inner.router.lifespan_context(inner),
    )


def gradio_application(models: Models, folder: str) -> Any:
    """Make Gradio's application.

    Args:
        models: models that can be chosen
        folder: folder of uploads, which are deleted after minutes

    """
    os.environ["GRADIO_TEMP_DIR"] = folder
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    with quick_import():
        import gradio as gr
    from fastapi import FastAPI

    from audw2s.demo.app import build

    examples = clips(folder)
    # Keeps Gradio from deleting the examples, as it deletes uploads
    gr.set_static_paths(list(examples.values()))
    blocks = build(models, examples)
    # Gradio takes any file of the server for an upload until this is set
    blocks.has_launched = True
    return gr.mount_gradio_app(
        FastAPI(),
        blocks,
        "/",
        theme=gr.themes.Default(font=FONTS, font_mono=MONO_FONTS),
        css_paths=STYLE,
        max_file_size=MAX_SIZE,
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
