"""Folder that is a Hugging Face Space with the page."""

import importlib.metadata
import json
import os
import shutil

from packaging.requirements import Requirement

import audw2s
import audw2s.demo
from audw2s.files import clips_folder

README = """---
title: audw2s
emoji: 🎙
colorFrom: blue
colorTo: gray
sdk: gradio
sdk_version: {gradio}
app_file: app.py
short_description: Arousal, dominance and valence of speech
---

How does this voice sound? Arousal, dominance and valence by a large model and by a
small one distilled from it. Written by `audw2s demo --space`, version {version}.
"""

APP = """import os

import typer

from audw2s.demo.server import serve
from audw2s.errors import explained

# Only the proxy of the Space reaches this server
os.environ["FORWARDED_ALLOW_IPS"] = "*"


@explained("stopped.")
def page() -> None:
    serve(
        "0.0.0.0",
        int(os.environ.get("GRADIO_SERVER_PORT", 7860)),
        hosts=[os.environ.get("SPACE_HOST", "localhost")],
        frames=["https://huggingface.co"],
        **{options},
    )


typer.run(page)
"""

IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.md")


def write_space(folder: str, **options: object) -> None:
    """Write a Space, which holds this package and its models.

    Args:
        folder: folder that is created
        options: models and limits, see :class:`audw2s.demo.models.Models`

    Raises:
        FileExistsError: if the folder exists

    """
    os.makedirs(folder)
    package = os.path.join(folder, "audw2s")
    for source, target in (
        (audw2s.__path__[0], package),
        (audw2s.demo.__path__[0], os.path.join(package, "demo")),
        (clips_folder(), os.path.join(package, "demo", "clips")),
    ):
        shutil.copytree(source, target, ignore=IGNORED)
    gradio = importlib.metadata.version("gradio")
    files = {
        "README.md": README.format(gradio=gradio, version=audw2s.__version__),
        "app.py": APP.format(options=json.dumps(options)),
        "requirements.txt": "\n".join(requirements()) + "\n",
        ".gitattributes": "*.onnx filter=lfs diff=lfs merge=lfs -text\n",
    }
    for name, text in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


def requirements() -> list[str]:
    """Packages that the page needs, with the versions that are installed."""
    wanted = map(Requirement, importlib.metadata.requires("audw2s") or [])
    return [
        f"{one.name}=={importlib.metadata.version(one.name)}"
        for one in wanted
        if one.marker is None or one.marker.evaluate({"extra": "demo"})
    ]
