"""A toy project to begin with: rated clips, settings, and Whisper's encoder."""

import os
import shutil

import audeer
import pandas as pd

from audw2s.distill.config import Config
from audw2s.distill.settings import template
from audw2s.files import clips_folder
from audw2s.model.hub.fetch import fetch
from audw2s.model.registry import CATALOGUE
from audw2s.model.registry import DIMENSIONS
from audw2s.model.registry import HubSource

RATINGS = [
    ("emodb-03a05Wa-anger.flac", "emodb-03", 4.5, 4.0, 1.5, "CC0"),
    ("librispeech-367-130732-0000.ogg", "librispeech-367", 2.5, 3, 3, "CC BY 4.0"),
    ("librispeech-3331-159605-0004.ogg", "librispeech-3331", 2, 2.5, 3.5, "CC BY 4.0"),
]
"""Example clips with speaker; arousal, dominance and valence, which were made up, from
1 to 5; and licence."""

SETTINGS = {
    "corpora": {"ratings.csv": 1.0},
    "teacher": "./teacher",
    "batch_size": 4,
    "steps": 10,
    "warmup": 2,
    "eval_every": 5,
}
"""Settings of a training of seconds."""

HEADER = """\
# Settings of a training, see "audw2s distill train". A # without a space after it is
# before a setting that has its default. Paths are relative to this file.
#
# This is a toy: three clips with ratings that were made up, and ten steps. For a
# student that is of use, take hours of speech, and the defaults.
"""

ENCODERS = {
    "whisper-tiny.en": HubSource(
        "openai/whisper-tiny.en",
        "87c7102498dcde7456f24cfd30239ca606ed9063",
        ("model.safetensors",),
    ),
    "whisper-base": CATALOGUE["whisper-base-adv"].weights[0],
}
"""Published weights of Whisper by name; they are MIT."""


def write_project(folder: str) -> None:
    """Write a toy project: ``ratings.csv`` with its clips, and ``student.toml``.

    Args:
        folder: folder of the project, which is made

    Raises:
        FileExistsError: if it isn't empty

    """
    if os.path.exists(folder) and os.listdir(folder):
        raise FileExistsError(f"'{folder}' isn't empty. Choose another folder.")
    speech = audeer.mkdir(folder, "speech")
    names = ["file", "speaker", *DIMENSIONS, "licence"]
    table = pd.DataFrame(RATINGS, columns=names)
    for file in table["file"]:
        shutil.copy(os.path.join(clips_folder(), file), speech)
    table["file"] = "speech/" + table["file"]
    table.to_csv(os.path.join(folder, "ratings.csv"), index=False)
    path = os.path.join(folder, "student.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{HEADER}\n{template(Config, SETTINGS)}\n")


def get_encoder(name: str, folder: str, *, verbose: bool = False) -> str:
    """Download Whisper's weights, whose encoder a teacher is made of.

    Args:
        name: one of :data:`ENCODERS`
        folder: folder of the files
        verbose: show progress

    Returns:
        sha256 of ``model.safetensors``

    Raises:
        ValueError: if there is no such encoder
        OSError: if the file can't be downloaded, or is damaged

    """
    if name not in ENCODERS:
        raise ValueError(f"Known encoders are {', '.join(ENCODERS)}, got '{name}'.")
    return fetch(ENCODERS[name], folder, verbose=verbose)["model.safetensors"]
