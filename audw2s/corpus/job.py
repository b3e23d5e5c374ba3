"""The folder of a run: what it is of, that nobody else writes there, what is done."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator

from audw2s.audio.windows import default_hop_dur
from audw2s.corpus.predictor import Settings
from audw2s.corpus.shard import FOLDER
from audw2s.corpus.storage import open_storage
from audw2s.model.find import members
from audw2s.model.find import model_sha256
from audw2s.model.names import entry_of
from audw2s.version import __version__

OWN = (
    *("job.json", "parts", "table.csv", "table.parquet", "embeddings.parquet"),
    *("database", ".lock"),
)
"""What a run writes into its folder."""


def identity(settings: Settings) -> dict[str, object]:
    """Tell by what results are made; with another identity they'd be others.

    Args:
        settings: models and windows

    Raises:
        ValueError: if a model isn't there, or two have the same name

    Examples:
        >>> found = identity(Settings(("wav2small",), win_dur=2.0))
        >>> found["models"][0]["licence"], found["win_dur"], found["hop_dur"]
        ('CC BY 4.0', 2.0, 1.0)

    """
    models = [
        {
            "name": model_name(model),
            "sha256": model_sha256(model),
            "licence": _licence(model),
        }
        for model in settings.models
    ]
    names = [model["name"] for model in models]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"Two models are called '{name}'.")
    return {
        "models": models,
        "version": __version__,
        "win_dur": settings.win_dur,
        "hop_dur": default_hop_dur(settings.win_dur, settings.hop_dur),
        "exact": settings.exact,
        "max_dur": settings.max_dur,
        "embeddings": settings.embeddings,
    }


def is_temporary(name: str) -> bool:
    """Whether a file was left by a run that was killed while it wrote.

    Examples:
        >>> is_temporary("tmp123.table.csv"), is_temporary("tmp.csv")
        (True, False)

    """
    first, _, rest = name.partition(".")
    return first.startswith("tmp") and rest in OWN


def model_name(model: str) -> str:
    """Name of a model in columns: that of its folder, if it is one."""
    return os.path.basename(os.path.normpath(model))


def portable(settings: Settings) -> Settings:
    """Settings that mean the same elsewhere: folders of models as absolute paths.

    Examples:
        >>> portable(Settings(("wav2small",))).models
        ('wav2small',)

    """
    models = [
        os.path.abspath(model)
        if entry_of(model) is None and os.path.isdir(model)
        else model
        for model in settings.models
    ]
    return dataclasses.replace(settings, models=tuple(models))


def _licence(model: str) -> str:
    if (entry := entry_of(model)) is not None:
        return entry.licence
    if members(model):
        return "; ".join(dict.fromkeys(map(_licence, members(model))))
    return "unknown"


class Job:
    """The folder of a run.

    Args:
        folder: path, is created; or address in a store, such as ``s3://…``

    Raises:
        ValueError: if the folder holds other things, or its store isn't known

    """

    def __init__(self, folder: str):
        self.folder = folder
        self.storage = open_storage(folder)
        self.storage.make()
        found = self.storage.names()
        others = [n for n in found if n not in OWN and not is_temporary(n)]
        if others and "job.json" not in found:
            raise ValueError(
                f"'{folder}' holds other things, such as '{sorted(others)[0]}': "
                "--out takes a new or empty folder, or one of an earlier run."
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out.

        Raises:
            ValueError: if there is one

        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self.storage.locked())
            except BlockingIOError as error:
                raise ValueError(
                    f"Another run is writing to '{self.folder}'{error}: wait for its "
                    "end, or choose another folder."
                ) from None
            for name in self.storage.names():
                if is_temporary(name):
                    self.storage.remove(name)
            yield

    def restart(self) -> None:
        """Delete what earlier runs have written."""
        for name in OWN:
            if name != ".lock":
                self.storage.remove(name)

    def check(self, wanted: dict[str, object]) -> None:
        """Make sure that what is there was made as what is to come.

        Args:
            wanted: see :func:`identity`

        Raises:
            ValueError: if not, it says what differs

        """
        try:
            found = json.loads(self.storage.read("job.json"))
            if not isinstance(found, dict):
                raise ValueError("it isn't of a run")
        except FileNotFoundError:
            if any(n.startswith("part-") for n in self.storage.names(FOLDER)):
                raise ValueError(
                    f"'{self.folder}' doesn't say by what its parts were made, as "
                    "job.json is missing: --restart starts anew."
                ) from None
            return
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"'{self.storage.path('job.json')}' is damaged ({error}): "
                "--restart starts anew."
            ) from None
        differ = [
            f"{name} {_words(found.get(name))}, now {_words(wanted[name])}"
            for name in wanted
            if found.get(name) != wanted[name]
        ]
        if differ:
            raise ValueError(
                f"'{self.folder}' was made with other settings: {'; '.join(differ)}. "
                "Choose another folder, or --restart to delete it and start anew."
            )

    def write(self, identity: dict[str, object]) -> None:
        """Note by what results are made; without that they can't be used."""
        text = json.dumps(identity, indent=1, ensure_ascii=False)
        with self.storage.replacing("job.json", durable=True) as path:
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"{text}\n")


def _words(value: object) -> str:
    """Value of a setting in words; in the file of a run it may be anything."""
    with contextlib.suppress(TypeError, KeyError):
        if isinstance(value, list):
            return ", ".join(f"{one['name']} {one['sha256'][:8]}" for one in value)
    return "none" if value is None else str(value)
