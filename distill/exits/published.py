"""Published encoders, read strictly, from folders or from the hub."""

import dataclasses
import os

import torch

from audw2s.distill.exits.backbones import SAMPLES
from audw2s.distill.exits.backbones import Backbone
from audw2s.distill.exits.backbones import make_model
from audw2s.distill.exits.backbones import take_apart
from audw2s.distill.teachers.checkpoint import load_strictly
from audw2s.distill.teachers.checkpoint import read_json
from audw2s.distill.teachers.checkpoint import read_tensors
from audw2s.distill.teachers.checkpoint import read_weights
from audw2s.distill.teachers.wav2vec2 import position_keys
from audw2s.distill.teachers.whisper import DECODER
from audw2s.distill.teachers.whisper import SIZES
from audw2s.model.hub.fetch import fetch
from audw2s.model.registry import HubSource

FILES = ("config.json", "model.safetensors", "preprocessor_config.json")
"""Files of an encoder on the hub that are needed."""

UNUSED = (
    *("lm_head.", "quantizer.", "project_hid.", "project_q."),
    *("classifier.", "projector.", "masked_spec_embed", "adapter."),
)
"""Published keys that only other tasks need, and beginnings of such."""


def get_encoder(
    repository: str, folder: str, *, revision: str = "main", verbose: bool = True
) -> None:
    """Get an encoder from the Hugging Face hub, into a folder; no code is run.

    Called again, it resumes. No other function of the package asks the hub for an
    encoder.

    Args:
        repository: name of the repository, such as ``"facebook/wav2vec2-base"``
        folder: folder for ``config.json``, ``model.safetensors`` and
            ``preprocessor_config.json``
        revision: hash of a commit, or a branch; only a commit never changes
        verbose: show progress

    Raises:
        FetchError: if a file can't be downloaded, or is damaged

    """
    fetch(HubSource(repository, revision, FILES), folder, verbose=verbose)


def load_backbone(path: str, samples: int = SAMPLES) -> Backbone:
    """Read an encoder, every key and shape matched.

    Args:
        path: folder with ``config.json`` and ``model.safetensors`` of wav2vec 2.0,
            WavLM, HuBERT or Whisper, or a file with Whisper's encoder alone
        samples: number of samples to which each clip is tiled or cut

    Raises:
        FileNotFoundError: if a file isn't there
        ValueError: if one is damaged, or is of another kind or sampling rate

    """
    if path.endswith(".safetensors"):
        settings, weights = read_encoder(path)
    else:
        settings = read_json(os.path.join(path, "config.json"))
        check_rate(path)
        weights = read_weights(path)
    try:
        model = make_model(settings)
    except (TypeError, ValueError) as error:
        raise ValueError(f"'{path}' describes no encoder: {error}") from error
    kind = settings["model_type"]
    unused: tuple[str, ...] = (*DECODER, "decoder.")
    keys = {"model.encoder.": "", "encoder.": "", "": ""}
    if kind != "whisper":
        # Checkpoints that have heads as well name the encoder
        prefix = f"{kind}."
        if not any(key.startswith(prefix) for key in weights):
            prefix = ""
        keys = {**position_keys(prefix, ""), prefix: ""}
        unused = (*UNUSED, f"{prefix}masked_spec_embed", f"{prefix}adapter.")
    load_strictly(model, weights, keys, path, unused)
    return take_apart(model, samples)


def read_encoder(path: str) -> tuple[dict, dict]:
    """Read Whisper's encoder from one file; its size follows from the shapes.

    Raises:
        FileNotFoundError: if there is no such file
        ValueError: if it is damaged, or no known size of Whisper

    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file '{path}'.")
    weights = read_tensors(path)[0]
    conv = weights.get("conv1.weight", torch.empty(0))
    for size in SIZES.values():
        if conv.shape[:2] == (size.d_model, size.num_mel_bins):
            return {"model_type": "whisper", **dataclasses.asdict(size)}, weights
    raise ValueError(
        f"'{path}' is no encoder of Whisper {' or '.join(SIZES)}. For others give a "
        "folder with config.json and model.safetensors."
    )


def check_rate(folder: str) -> None:
    """Make sure that the sampling rate of an encoder, if given, is 16 kHz.

    Raises:
        ValueError: if it is another one

    """
    path = os.path.join(folder, "preprocessor_config.json")
    if os.path.isfile(path):
        rate = read_json(path).get("sampling_rate", 16000)
        if rate != 16000:
            raise ValueError(f"'{path}' has sampling rate {rate} Hz, not 16000 Hz.")
