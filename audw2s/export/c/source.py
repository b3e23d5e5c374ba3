"""C source of a student: constants, and a template around them."""

import importlib.resources
import os
from collections.abc import Mapping

import numpy as np

from audw2s.export.c.graph import UnsuitableGraphError
from audw2s.export.c.graph import Weights
from audw2s.export.c.graph import read
from audw2s.files import write_files
from audw2s.inference.frames import LEAST_VARIANCE
from audw2s.inference.network import Network
from audw2s.version import __version__

FILES = (
    "wav2small.h",
    "wav2small.c",
    "wav2small_resampler.h",
    "wav2small_resampler.c",
    "adv.c",
    "Makefile",
    "README.md",
)
"""Files that are written, each from a template of this name."""

TYPES = {"f": "float", "i": "int32_t", "b": "int8_t"}
"""C types by the kind of an array; int8 is ``b``."""

LINE = 88
"""Longest line of constants."""


def write(model: str, folder: str, precision: str | None = None) -> dict[str, int]:
    """Write a student as C source.

    Args:
        model: name or folder of a student of the Wav2Small family, see
            :func:`audw2s.load`
        folder: folder that is created; existing files are replaced
        precision: ``float``, ``int8`` for the quantised form, which is the model with
            ``-int8`` at the end of its name, or ``None`` for what the model is

    Returns:
        size of each file in bytes

    Raises:
        ValueError: if there is no such model, or it isn't of the Wav2Small family

    """
    if precision == "int8" and not model.rstrip(os.sep).endswith("-int8"):
        model = f"{model.rstrip(os.sep)}-int8"
    network = Network(model)
    weights = weights_of(network)
    kind = "int8" if weights.is_quantised else "float"
    if precision not in (None, kind):
        raise ValueError(f"'{model}' is {kind}, not {precision}.")
    words = {
        "{model}": network.name or model,
        "{sha256}": network.sha256 or "",
        "{version}": __version__,
        "{precision}": kind,
        "/* {sizes} */": sizes(weights),
        "/* {weights} */": definitions(weights),
        "/* {layers} */": template(f"layers_{kind}.c").strip(),
    }
    texts = {name: filled(template(name), words) for name in FILES}
    return write_files(folder, {name: text.encode() for name, text in texts.items()})


def filled(text: str, words: Mapping[str, str]) -> str:
    """Replace words of a template.

    Examples:
        >>> filled("int {name};", {"{name}": "size"})
        'int size;'

    """
    for word, replacement in words.items():
        text = text.replace(word, replacement)
    return text


def weights_of(network: Network) -> Weights:
    """Weights of a student.

    Raises:
        ValueError: if it isn't of the Wav2Small family

    """
    reason, tokens = "it has no tokens to pool", network.tokens
    if tokens is not None:
        try:
            return read(tokens.path, network.order, tokens.epsilon)
        except UnsuitableGraphError as error:
            reason = str(error)
    raise ValueError(
        f"'{network.name}' can't be written as C, as it isn't of the Wav2Small family: "
        f"{reason}. Use wav2small, or a student 'wav2small' of 'audw2s distill'."
    )


def template(name: str) -> str:
    """Text of a file of the template."""
    folder = importlib.resources.files("audw2s.export.c") / "template"
    return (folder / name).read_text(encoding="utf-8")


def sizes(weights: Weights) -> str:
    """Sizes of the layers, as macros."""
    num_bands = len(weights.mel)
    values = {
        "BANDS": num_bands,
        "HALF": (num_bands + 1) // 2,
        "CHANNELS": len(weights.convolutions[-1].bias),
        "BEFORE": weights.num_before,
        "AFTER": len(weights.convolutions) - weights.num_before,
        "SPEECH": weights.speech_size if weights.speech is not None else 0,
    }
    lines = [f"#define WAV2SMALL_{name} {value}" for name, value in values.items()]
    kind = "uint8_t" if weights.is_quantised else "float"
    return "\n".join([*lines, "", f"typedef {kind} wav2small_value;"])


def definitions(weights: Weights) -> str:
    """Definitions of all constants in C.

    Args:
        weights: weights of a student

    """
    macros = (f"#define {k} {number(v)}" for k, v in scalars(weights).items())
    arrays = (array(k, v) for k, v in constants(weights).items() if v.ndim)
    return "\n\n".join(["\n".join(macros), *arrays])


def constants(weights: Weights) -> dict[str, np.ndarray]:
    """All constants by name, in the order in which the source reads them.

    Args:
        weights: weights of a student

    Returns:
        scalars, then vectors, and a row for each layer where layers are alike

    """
    layers = ("WEIGHTS", "BIASES", "SCALES")
    values = {k: np.asarray(v) for k, v in scalars(weights).items()}
    for name, value in arrays(weights).items():
        values[name] = (
            value.reshape(len(value), -1) if name in layers else value.ravel()
        )
    return values


def scalars(weights: Weights) -> dict[str, np.floating]:
    """Scalar constants by name, see :func:`constants`."""
    values: dict[str, np.floating] = {
        "EPSILON": np.float64(weights.epsilon),
        "LEAST_VARIANCE": np.float64(LEAST_VARIANCE),
        "LOG_FLOOR": np.float32(weights.log_floor),
        "LOG_SCALE": np.float32(weights.log_scale),
    }
    if weights.is_quantised:
        values["FIRST_SCALE"] = np.float32(weights.steps[0])
    if weights.speech is not None:
        values["SPEECH_BIAS"] = weights.speech.bias[0]
        values["SPEECH_THRESHOLD"] = np.float32(weights.speech_threshold)
    return values


def arrays(weights: Weights) -> dict[str, np.ndarray]:
    """Arrays of constants by name."""
    first, *others = weights.convolutions
    values = {
        "DFT": weights.dft.T,
        "MEL": weights.mel.T,
        "FIRST_WEIGHT": first.weight.transpose(0, 1, 3, 2),
        "FIRST_BIAS": first.bias,
    }
    if weights.is_quantised:
        values |= integer_layers(weights)
    else:
        values |= {
            "WEIGHTS": np.stack([w.weight.transpose(0, 1, 3, 2) for w in others]),
            "BIASES": np.stack([layer.bias for layer in others]),
            "TOKEN_WEIGHT": weights.tokens.weight.T,
            "TOKEN_BIAS": weights.tokens.bias,
        }
    values |= {"ADV": weights.head.weight.T, "ADV_BIAS": weights.head.bias}
    if weights.speech is not None:
        values["SPEECH"] = weights.speech.weight
    return values


def integer_layers(weights: Weights) -> dict[str, np.ndarray]:
    """Constants of layers of integers, channels of a band side by side."""
    layers = weights.convolutions[1:]
    scales = [
        layer.scale / np.float32(step)
        for layer, step in zip(layers, weights.steps[1:], strict=True)
    ]
    num_channels = len(layers[-1].bias)
    tokens = weights.tokens.weight
    by_band = tokens.reshape(len(tokens), num_channels, -1).transpose(0, 2, 1)
    return {
        "WEIGHTS": np.stack([_rows(w.weight.transpose(0, 3, 2, 1)) for w in layers]),
        "BIASES": np.stack([layer.bias for layer in layers]),
        "SCALES": np.stack(scales),
        "TOKEN_WEIGHT": _rows(by_band[:, None]),
        "TOKEN_SCALE": weights.tokens.scale,
        "TOKEN_BIAS": weights.tokens.bias,
    }


def _rows(weight: np.ndarray) -> np.ndarray:
    """Rows of the last two axes with zeros at their end, up to a multiple of four."""
    rows = weight.reshape(*weight.shape[:2], -1)
    return np.pad(rows, ((0, 0), (0, 0), (0, -rows.shape[-1] % 4)))


def array(name: str, values: np.ndarray) -> str:
    """Definition of an array in C.

    Args:
        name: name in C
        values: vector or matrix, float32 or integers

    Examples:
        >>> print(array("A", np.array([1, 0.5], np.float32)))
        static const float A[2] = {
            1.0f, 0.5f,
        };

    """
    size = "".join(f"[{n}]" for n in values.shape)
    body = _row(values) if values.ndim == 1 else []
    for row in values if values.ndim > 1 else ():
        body += ["    {", *_row(row), "    },"]
    kind = TYPES[values.dtype.char]
    return "\n".join([f"static const {kind} {name}{size} = {{", *body, "};"])


def _row(values: np.ndarray) -> list[str]:
    lines, line = [], "   "
    for value in values:
        text = f" {number(value)},"
        if len(line) + len(text) > LINE:
            lines.append(line)
            line = "   "
        line += text
    return [*lines, line]


def number(value: np.integer | np.floating) -> str:
    """Number as a constant in C, exactly.

    Examples:
        >>> number(np.float32(0.1)), number(np.float64(0.1)), number(np.int8(-3))
        ('0.1f', '0.1', '-3')

    """
    if isinstance(value, np.integer | np.float64):
        return str(value)
    text = np.format_float_scientific(value, trim="0")
    mantissa, exponent = text.split("e")
    plain = np.format_float_positional(value, trim="0")
    return f"{min(plain, f'{mantissa}e{int(exponent)}', key=len)}f"
