"""An npm package of a student."""

import importlib.resources
import json
import re
import subprocess

from audw2s.export.c import source
from audw2s.export.c.graph import Weights
from audw2s.export.npm import webassembly
from audw2s.files import write_files
from audw2s.inference.network import Network
from audw2s.model.names import entry_of
from audw2s.version import __version__

TEXTS = ("index.js", "index.d.ts", "package.json", "README.md")
"""Files that are written from a template of this name."""

CODE, WEIGHTS = "wav2small.wasm", "weights.bin"
"""Binary files."""


def write(model: str, folder: str) -> dict[str, int]:
    """Write a student as an npm package.

    Args:
        model: name or folder of a student of the Wav2Small family, see
            :func:`audw2s.load`
        folder: folder that is created; existing files are replaced

    Returns:
        size of each file in bytes

    Raises:
        ValueError: see :func:`contents`

    """
    return write_files(folder, contents(model))


def contents(model: str) -> dict[str, bytes]:
    """Files of the npm package of a student.

    Args:
        model: name or folder of a student of the Wav2Small family

    Raises:
        ValueError: if there is no such model, it isn't of the Wav2Small family, is
            quantised, or has other sizes than the compiled code and there is no clang

    """
    network = Network(model)
    weights = source.weights_of(network)
    if weights.is_quantised:
        raise ValueError(f"'{model}' has integers, the npm package needs floats.")
    # Code without the layer for speech is that of students with and without it
    weights = weights._replace(speech=None)
    name = network.name or model
    entry = entry_of(model)
    words = {
        "{model}": name,
        "{package}": re.sub("[^a-z0-9._-]", "-", name.lower()),
        "{sha256}": network.sha256 or "",
        "{version}": __version__,
        "{licence}": entry.licence if entry else "that of the model",
    }
    files = {CODE: code(weights), WEIGHTS: webassembly.data(weights)}
    templates = importlib.resources.files("audw2s.export.npm") / "template"
    for name in TEXTS:
        text = (templates / name).read_text("utf-8")
        files[name] = source.filled(text, words).encode()
    return files


def code(weights: Weights) -> bytes:
    """WebAssembly for weights: that of the package, or compiled for other sizes.

    Raises:
        ValueError: if it has to be compiled, and can't be

    """
    folder = webassembly.files()
    facts: webassembly.Code = json.loads((folder / "wav2small.json").read_text("utf-8"))
    if facts["sizes"] == source.sizes(weights):
        content = (folder / CODE).read_bytes()
        if webassembly.sha256(content) != facts["sha256"]:
            raise ValueError(f"'{folder / CODE}' is damaged: install audw2s again.")
        return content
    try:
        return webassembly.compiled(weights)[0]
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or str(error)
        raise ValueError(
            "This student has layers of other sizes than wav2small, so that its code "
            f"has to be compiled, which failed: {reason.strip()}. On Debian, install "
            "clang, lld, wasi-libc and libclang-rt-14-dev-wasm32."
        ) from error
