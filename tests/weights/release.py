"""Weights as they are released: files on the hub, and an archive on Zenodo."""

import hashlib
import io
import os
import re
import zipfile

import numpy as np
from loopback import REVISION

from audw2s.model.registry import HubSource
from audw2s.model.registry import ZenodoSource

WEIGHTS = np.random.default_rng(0).bytes(3_000_000)
CONFIG = b'{"hidden_size": 1024}'
CARD = b"$audonnx.core.model.Model==1.0.1: {}"


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


HUB = HubSource("user/model", REVISION, ("config.json", "model.safetensors"))
FILES = {"config.json": CONFIG, "model.safetensors": WEIGHTS}

ARCHIVE = ZenodoSource("6221127", "model.zip")
MEMBERS = {"model.onnx": WEIGHTS, "model.yaml": CARD}
ZIP = zipped({**MEMBERS, "../evil": b"evil", "/evil": b"evil", "more/evil": b"evil"})


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def contents(folder: str) -> dict[str, bytes]:
    found = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = file.read()
    return found


def put(folder: str, files: dict[str, bytes]) -> None:
    os.makedirs(folder, exist_ok=True)
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)


def sentence_with(*words: str) -> str:
    """Pattern of errors of one line with these words, in order, and a full stop."""
    return r"\A" + "".join(f".*{re.escape(word)}" for word in words) + r".*\.\Z"
