"""What a model on this machine was made of, noted beside it."""

import json
import os

from audw2s.files import write_json

NAME = "source.json"


def write(folder: str, facts: dict) -> None:
    """Note what a model was made of.

    Args:
        folder: of the model
        facts: ``sha256`` of its ``model.onnx``, and whatever else is to be known

    """
    write_json(facts, os.path.join(folder, NAME))


def read(folder: str) -> dict:
    """Read what a model was made of.

    Raises:
        FileNotFoundError: if nothing is noted
        ValueError: if the note is damaged

    """
    with open(os.path.join(folder, NAME), encoding="utf-8") as file:
        facts = json.load(file)
    if not isinstance(facts, dict) or not isinstance(facts.get("sha256"), str):
        raise ValueError(f"{NAME} has no sha256")
    return facts
