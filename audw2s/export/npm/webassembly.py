"""WebAssembly of a student: code by clang, without weights, which are data."""

import hashlib
import importlib.resources
import pathlib
import shlex
import subprocess
import tempfile
from typing import TypedDict

from audw2s.export.c import source
from audw2s.export.c.graph import Weights

COMMAND = (
    "clang --target=wasm32-wasi --sysroot=/usr -I/usr/include/wasm32-wasi -std=c99 -O3 "
    "-msimd128 -mbulk-memory -DWAV2SMALL_PIECE=5 -nostartfiles -Wl,--no-entry "
    "-Wl,--stack-first -Wl,--strip-all exports.c -lm -o wav2small.wasm"
)
"""Command that compiles the code, with the Debian packages ``clang``, ``lld``,
``wasi-libc`` and ``libclang-rt-14-dev-wasm32``."""


class Code(TypedDict):
    """Facts on compiled code."""

    sha256: str
    sizes: str
    """Sizes of the layers, see :func:`audw2s.export.c.source.sizes`."""

    command: str


def compiled(weights: Weights) -> tuple[bytes, Code]:
    """Compile the code of students whose layers have the sizes of these weights.

    Args:
        weights: weights of a student

    Returns:
        WebAssembly, and facts on it

    Raises:
        FileNotFoundError: without clang
        subprocess.CalledProcessError: if a part of its tools is missing

    """
    words = {
        "/* {sizes} */": source.sizes(weights),
        "/* {weights} */": declarations(weights),
        "/* {layers} */": source.template("layers_float.c"),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name in source.FILES:
            if name.startswith("wav2small"):
                text = source.filled(source.template(name), words)
                pathlib.Path(folder, name).write_text(text, "utf-8")
        exports = (files() / "exports.c").read_bytes()
        pathlib.Path(folder, "exports.c").write_bytes(exports)
        command = shlex.split(COMMAND)
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        code = pathlib.Path(folder, "wav2small.wasm").read_bytes()
    facts = Code(sha256=sha256(code), sizes=source.sizes(weights), command=COMMAND)
    return code, facts


def files() -> importlib.resources.abc.Traversable:
    """Folder with the source of the exported functions, and the compiled code."""
    return importlib.resources.files("audw2s.export.npm") / "code"


def sha256(content: bytes) -> str:
    """Checksum of a file."""
    return hashlib.sha256(content).hexdigest()


def declarations(weights: Weights) -> str:
    """Declaration of the constants in C, without values."""
    values = source.constants(weights)
    fields = (
        f"    float {name}{''.join(f'[{size}]' for size in value.shape)};"
        for name, value in values.items()
    )
    macros = (f"#define {name} constants.{name}" for name in values)
    return "\n".join(["static struct {", *fields, "} constants;", "", *macros])


def data(weights: Weights) -> bytes:
    """Content of the constants: float32, little-endian."""
    values = source.constants(weights).values()
    return b"".join(value.astype("<f4").tobytes() for value in values)
