"""Fit an A/D/V head on a frozen Whisper encoder to human ratings."""

import audmetric
import numpy as np
import onnx
import pandas as pd
import torch
from tqdm import tqdm

from audw2s.catalogue import DIMENSIONS
from audw2s.distill.corpora.table import ratings
from audw2s.distill.export import halve
from audw2s.distill.export import to_onnx
from audw2s.distill.teachers.ridge import cross_validate
from audw2s.distill.teachers.ridge import fit_ridge
from audw2s.distill.teachers.ridge import folds_by_speaker
from audw2s.distill.teachers.whisper import SIZES
from audw2s.distill.teachers.whisper import WhisperTeacher
from audw2s.distill.teachers.whisper import load_encoder
from audw2s.signal import load


def fit_teacher(
    encoder: str,
    table: pd.DataFrame,
    *,
    size: str = "tiny",
    layers: tuple[int, ...] = (1, 2, 3),
    penalty: float = 1000.0,
    scale: tuple[float, float] = (1.0, 5.0),
    num_folds: int = 10,
    seed: int = 0,
    verbose: bool = False,
) -> tuple[WhisperTeacher, dict]:
    """Fit a teacher and evaluate it on speakers that its head never heard.

    Args:
        encoder: safetensors file of a Whisper encoder
        table: clips with ratings, see :mod:`audw2s.distill.corpora.table`
        size: ``"tiny"`` or ``"base"``
        layers: hidden states that are read, 0 before the first layer
        penalty: of the ridge regression
        scale: lowest and highest rating
        num_folds: folds of the evaluation, by speaker
        seed: of the folds
        verbose: show a progress bar

    Returns:
        the teacher, fitted to all clips, and the evaluation of its folds

    """
    network = WhisperTeacher(load_encoder(encoder, SIZES[size]), layers)
    features = extract(network, table["file"].tolist(), verbose=verbose)
    raters = ratings(table, *scale)
    targets = np.nanmean(raters, axis=0)
    folds = folds_by_speaker(table["speaker"].to_numpy(), num_folds, seed)
    held_out = cross_validate(features, targets, penalty, folds)
    report = {
        "num_clips": len(table),
        "num_speakers": int(table["speaker"].nunique()),
        "num_folds": len(folds),
        "layers": list(layers),
        "penalty": penalty,
        "all_folds": ccc_by_dimension(targets, held_out),
        "folds": [ccc_by_dimension(targets[f], held_out[f]) for f in folds],
        "one_rater_against_the_others": rater_agreement(raters),
    }
    weight, bias = fit_ridge(features, targets, penalty)
    network.adv.weight.data = torch.tensor(weight, dtype=torch.float32)
    network.adv.bias.data = torch.tensor(bias, dtype=torch.float32)
    return network, report


def extract(
    network: WhisperTeacher,
    files: list[str],
    *,
    verbose: bool = False,
) -> np.ndarray:
    """Pooled hidden states ``(num_files, num_features)`` in float64."""
    rows = []
    for file in tqdm(files, desc="Features", disable=not verbose):
        with torch.inference_mode():
            signal = torch.from_numpy(load(file).copy())[None]
            rows.append(network.features(signal)[0].numpy())
    return np.stack(rows).astype(np.float64)


def ccc_by_dimension(truth: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    """CCC of each column, by name."""
    return {
        name: float(audmetric.concordance_cc(truth[:, i], prediction[:, i]))
        for i, name in enumerate(DIMENSIONS)
    }


def rater_agreement(raters: np.ndarray) -> list[dict[str, float]]:
    """CCC of each rater with the mean of the others.

    Args:
        raters: ``(num_raters, num_clips, 3)``

    Returns:
        one entry per rater, none if there is only one

    """
    if len(raters) < 2:
        return []
    return [
        ccc_by_dimension(np.nanmean(np.delete(raters, i, axis=0), axis=0), rater)
        for i, rater in enumerate(raters)
    ]


def export_teacher(network: WhisperTeacher) -> onnx.ModelProto:
    """ONNX form of a teacher, Whisper's weights stored as published, in float16."""
    return halve(to_onnx(network))
