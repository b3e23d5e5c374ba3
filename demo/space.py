"""Folder that is a Hugging Face Space with the page."""

import os
import shutil
from functools import partial
from importlib.metadata import requires
from importlib.metadata import version

from packaging.requirements import Requirement

import audw2s
import audw2s.demo
from audw2s.demo.settings import Settings
from audw2s.files import clips_folder
from audw2s.files import templates
from audw2s.files import write_text
from audw2s.model.find import members
from audw2s.model.names import entry_of

IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.md")

FILES = ("README.md", "app.py", "requirements.txt", ".gitattributes")
"""A Space's own files. No template begins with a point: wheels would lack it."""


def write_space(folder: str, settings: Settings) -> None:
    """Write a Space, which holds this package and its models.

    Args:
        folder: folder that is created
        settings: models of the package, and limits

    Raises:
        ValueError: if a model isn't in the package
        FileExistsError: if the folder exists

    """
    for name in (settings.teacher, settings.student):
        for part in members(name) or (name,):
            entry = entry_of(part)
            if entry is None or not entry.packaged:
                raise ValueError(
                    f"A Space has the models of the package, '{part}' isn't one of "
                    "them. See 'audw2s models'."
                )
    os.makedirs(folder)
    package = os.path.join(folder, "audw2s")
    copy = partial(shutil.copytree, ignore=IGNORED, dirs_exist_ok=True)
    copy(audw2s.__path__[0], package)
    # An installed package holds these already
    copy(audw2s.demo.__path__[0], os.path.join(package, "demo"))
    copy(clips_folder(), os.path.join(package, "demo", "clips"))
    made = templates(__file__, keep_trailing_newline=True)
    made.globals.update(settings=settings, requirements=requirements(), version=version)
    for name in FILES:
        template = made.get_template(f"space_files/{name.removeprefix('.')}.jinja")
        write_text(template.render(), os.path.join(folder, name))


def requirements() -> list[str]:
    """Packages that the page needs, with the versions that are installed."""
    wanted = map(Requirement, requires("audw2s") or [])
    return [
        f"{one.name}=={version(one.name)}"
        for one in wanted
        if one.marker is None or one.marker.evaluate({"extra": "demo"})
    ]
