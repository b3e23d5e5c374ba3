"""Server of the page."""

import atexit
import contextlib
import gc
import inspect
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any
from unittest import mock

import typer

from audw2s.demo import static_page
from audw2s.demo.examples import CLIPS
from audw2s.demo.examples import clips
from audw2s.demo.guard import Guard
from audw2s.demo.limits import MAX_SIZE
from audw2s.demo.models import Models
from audw2s.files import clips_folder

if TYPE_CHECKING:
    import gradio

STYLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "style.css")

WARM_DELAY = 4.0
"""Seconds until models are loaded, unless a request loads them earlier."""

STOPPED = 130
"""Exit code after Ctrl-C."""

FONTS = ["system-ui", "sans-serif"]
MONO_FONTS = ["ui-monospace", "monospace"]
"""Fonts of the system: Gradio's themes may fetch theirs."""


def serve(
    host: str = "127.0.0.1",
    port: int | None = None,
    **roles: str,
) -> None:
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
    with tempfile.TemporaryDirectory(prefix="audw2s-demo-") as folder:
        blocks, settings = prepared(models, folder)
        _, address, _ = blocks.launch(server_name=host, server_port=port, **settings)
        typer.echo(f"audw2s demo: {address} (Ctrl-C ends it)")
        # Later, as loading models now would delay the page
        timer = threading.Timer(WARM_DELAY, warm, [models])
        timer.daemon = True
        timer.start()
        try:
            while True:
                time.sleep(3600)
        finally:
            blocks.close(verbose=False)
            # A model that still runs can't be stopped, and would abort the process when
            # it returns after Python has ended
            atexit.register(os._exit, STOPPED)


def warm(models: Models) -> None:
    """Load the chosen models and draw once, which takes longer the first time."""
    from audw2s.demo.comparison import compare
    from audw2s.demo.figure import pictures

    example = os.path.join(clips_folder(), CLIPS["neutral"])
    pictures(compare(models, example, models.teacher, models.student))


def prepared(models: Models, folder: str) -> tuple["gradio.Blocks", dict[str, Any]]:
    """Build the page, and the settings to launch it with.

    Args:
        models: models that can be chosen
        folder: folder of uploads, which are deleted after minutes

    """
    os.environ["GRADIO_TEMP_DIR"] = folder
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    with quick_import():
        import gradio as gr
    from starlette.middleware import Middleware
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    from audw2s.demo.app import build
    from audw2s.demo.page import BROWSER

    class StaticPage(StaticFiles):
        """Static page, which is written when it is first asked for."""

        lock = threading.Lock()

        def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
            with self.lock:
                if not os.listdir(static):
                    static_page.write(static)
            return super().lookup_path(path)

    static = os.path.join(folder, BROWSER)
    os.makedirs(static)
    routes = [Mount(f"/{BROWSER}", StaticPage(directory=static, html=True))]
    settings = {
        "theme": gr.themes.Default(font=FONTS, font_mono=MONO_FONTS),
        "css_paths": STYLE,
        "max_file_size": MAX_SIZE,
        "allowed_paths": [],
        "app_kwargs": {"middleware": [Middleware(Guard)], "routes": routes},
        "footer_links": ["api"],
        "prevent_thread_lock": True,
        **dict.fromkeys(("share", "run_history", "ssr_mode", "pwa"), False),
        **dict.fromkeys(("mcp_server", "enable_monitoring", "inbrowser"), False),
        "quiet": True,
    }
    examples = clips(folder)
    # Keeps Gradio from deleting the examples, as it deletes uploads
    gr.set_static_paths(list(examples.values()))
    return build(models, examples), settings


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
