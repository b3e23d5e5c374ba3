"""Fit an A/D/V head on a frozen Whisper encoder to human ratings."""

import math
import os
from collections.abc import Iterator

import numpy as np
import onnx
import pandas as pd
import torch

from audw2s.corpus.lists.columns import as_text
from audw2s.corpus.lists.raters import raters_as_columns
from audw2s.corpus.lists.ratings import mean_rating
from audw2s.corpus.lists.ratings import rating_scale
from audw2s.corpus.lists.ratings import ratings
from audw2s.distill.clips import readable_clips
from audw2s.distill.disjoint import people
from audw2s.distill.export import check_parity
from audw2s.distill.export import halve
from audw2s.distill.export import probes
from audw2s.distill.export import to_onnx
from audw2s.distill.teachers.categories import Categories
from audw2s.distill.teachers.categories import check_categories
from audw2s.distill.teachers.categories import check_column
from audw2s.distill.teachers.head import NO_FOLD
from audw2s.distill.teachers.head import Heads
from audw2s.distill.teachers.head import WeakLabels
from audw2s.distill.teachers.variants import VARIANTS
from audw2s.distill.teachers.variants import variants
from audw2s.distill.teachers.whisper import MAX_DUR
from audw2s.distill.teachers.whisper import SIZES
from audw2s.distill.teachers.whisper import WhisperTeacher
from audw2s.distill.teachers.whisper import load_encoder
from audw2s.distill.teachers.whisper import save_head
from audw2s.evaluation.agreement import RATERS
from audw2s.evaluation.agreement import REFERENCE
from audw2s.evaluation.agreement import rater_agreement
from audw2s.evaluation.assessment import assess_folds
from audw2s.evaluation.ccc import ccc_by_dimension
from audw2s.evaluation.speakers import folds_by_speaker
from audw2s.evaluation.speakers import speaker_or_file
from audw2s.model.origins import PROPERTY
from audw2s.model.origins import Origins
from audw2s.model.registry import DIMENSIONS
from audw2s.model.store import save
from audw2s.version import __version__

SEED = 0
"""Seed of the folds and of the forms of clips."""


def fit_teacher(
    encoder: str,
    table: pd.DataFrame,
    *,
    size: str = "tiny",
    layers: tuple[int, ...] = (1, 2, 3),
    penalty: float = 3000.0,
    categories: Categories | None = None,
    scale: tuple[float, float] | None = None,
    num_folds: int = 10,
    verbose: bool = False,
) -> tuple[WhisperTeacher, dict]:
    """Fit a teacher, and evaluate it on held-out speakers.

    The head is fitted to each clip in several forms, see
    :mod:`audw2s.distill.teachers.variants`. Its values have the standard deviation of
    the ratings, see :class:`audw2s.distill.teachers.head.Heads`. It is evaluated on
    unchanged clips; scores on the other forms are reported, too.

    Args:
        encoder: Whisper or its encoder, see
            :func:`audw2s.distill.teachers.whisper.load_encoder`
        table: clips with ratings, see :mod:`audw2s.corpus.lists.corpus`
        size: size of the encoder, ``"tiny"`` or ``"base"``
        layers: layers whose hidden states are used, 0 before the first layer
        penalty: penalty of the ridge regression
        categories: clips that have categories instead of ratings, see
            :mod:`audw2s.distill.teachers.categories`
        scale: lowest and highest rating, ``None`` for that of the table, see
            :func:`audw2s.corpus.lists.ratings.rating_scale`
        num_folds: number of folds by speaker, or by file if unknown
        verbose: show a progress bar

    Returns:
        teacher, fitted to all clips, and its evaluation by folds, see
        :func:`audw2s.evaluation.agreement.summarise`

    Raises:
        ValueError: if the size, the layers or the encoder's file don't fit, a clip
            has no ratings, or there is one speaker

    """
    if size not in SIZES:
        raise ValueError(f"Known sizes are {', '.join(SIZES)}, got '{size}'.")
    table = raters_as_columns(table)
    scale = rating_scale(table, scale)
    unrated = np.isnan(mean_rating(ratings(table, *scale))).any(axis=1)
    if unrated.any():
        bad = table["file"][unrated].iloc[0]
        raise ValueError(f"Each clip needs ratings, '{bad}' has none.")
    network = WhisperTeacher(load_encoder(encoder, SIZES[size]), layers)
    # Checked before clips are processed
    folds_by_speaker(speaker_or_file(table), num_folds, SEED)
    table, heads = make_heads(
        network, table, scale, penalty, categories, num_folds, verbose=verbose
    )
    report = {
        "layers": list(layers),
        "penalty": penalty,
        "scale": list(scale),
        **({"categories": heads.weak.describe(heads.targets)} if heads.weak else {}),
        **assess_held_out(table, heads),
        RATERS: rater_agreement(ratings(table, *scale)),
    }
    weight, bias = heads.fit()
    network.adv.weight.data = torch.tensor(weight, dtype=torch.float32)
    network.adv.bias.data = torch.tensor(bias, dtype=torch.float32)
    return network, report


def make_heads(
    network: WhisperTeacher,
    table: pd.DataFrame,
    scale: tuple[float, float],
    penalty: float,
    categories: Categories | None = None,
    num_folds: int = 10,
    *,
    verbose: bool = False,
) -> tuple[pd.DataFrame, Heads]:
    """Rows of the clips that can be read, and their heads; see :func:`fit_teacher`."""
    table, features = with_features(network, table, verbose)
    targets = mean_rating(ratings(table, *scale))
    folds = folds_by_speaker(speaker_or_file(table), num_folds, SEED)
    weak = None
    if categories is not None:
        weak = weak_labels(network, table, folds, categories, verbose)
    return table, Heads(features, targets, folds, penalty, weak)


def with_features(
    network: WhisperTeacher, table: pd.DataFrame, verbose: bool
) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows of the clips that can be read, and their features, see :func:`extract`."""
    features = extract(network, table, verbose=verbose)
    usable = np.isfinite(features).all(axis=(1, 2))
    return table[usable], features[usable]


def weak_labels(
    network: WhisperTeacher,
    table: pd.DataFrame,
    folds: list[np.ndarray],
    settings: Categories,
    verbose: bool,
) -> WeakLabels:
    """Read clips with categories, to which heads are fitted beside the rated clips.

    Args:
        network: teacher
        table: rated clips
        folds: for each fold, a mask of the rated clips in it
        settings: corpora with categories
        verbose: show a progress bar

    """
    check_column(table, settings.column, "the rated corpus")
    rated, acted = as_text(table[settings.column]), settings.read()
    check_categories(acted[settings.column], {*settings.means, *filter(None, rated)})
    clips, features = with_features(network, acted, verbose)
    categories = clips[settings.column].to_numpy(object)
    numbers = np.argmax(folds, axis=0)
    of_person = dict(zip(people(table), numbers, strict=True))
    of_clips = np.array([of_person.get(who, NO_FOLD) for who in people(clips)])
    return WeakLabels(settings, features, categories, np.array(rated, object), of_clips)


def extract(
    network: WhisperTeacher, table: pd.DataFrame, *, verbose: bool = False
) -> np.ndarray:
    """Pooled hidden states ``(num_clips, num_forms, num_features)``, float64.

    Longer clips than Whisper's maximum are processed in parts of equal length: their
    features are the mean over these. Unreadable clips have NaN, with a warning.
    """
    features: dict[int, np.ndarray] = {}
    rng = np.random.default_rng(SEED)
    for number, clip in readable_clips(table, desc="Features", verbose=verbose):
        parts = np.array_split(clip, math.ceil(len(clip) / (MAX_DUR * 16000)))
        by_part = []
        with torch.inference_mode():
            for part in parts:
                signals = map(torch.from_numpy, variants(part, MAX_DUR, rng))
                by_part.append([network.features(s[None])[0].numpy() for s in signals])
        features[number] = np.mean(np.array(by_part, np.float64), axis=0)
    if not features:
        raise ValueError("There is no clip that can be read.")
    missing = np.full_like(next(iter(features.values())), np.nan)
    return np.array([features.get(number, missing) for number in range(len(table))])


def assess_held_out(table: pd.DataFrame, heads: Heads) -> dict:
    """Agreement with ratings of heads that were fitted to other speakers.

    Args:
        table: clips
        heads: heads of these clips

    Returns:
        see :func:`audw2s.evaluation.assessment.assess_folds`, of the unchanged clips,
        and CCC by ``forms``

    """
    held_out = heads.cross_validate().swapaxes(0, 1)
    by_form = dict(zip(VARIANTS, held_out, strict=True))
    columns = [*DIMENSIONS, *REFERENCE]
    values = np.hstack([by_form["whole"], heads.targets])
    who = {name: table[name].to_numpy() for name in ("file", "speaker")}
    clips = pd.DataFrame(values, columns=columns)
    clips = clips.assign(**who, corpus="", left_out="")
    facts = table.reset_index(drop=True).assign(corpus="")
    return {
        **assess_folds(clips, heads.folds, facts),
        "forms": {k: ccc_by_dimension(heads.targets, v) for k, v in by_form.items()},
    }


def export_teacher(network: WhisperTeacher) -> onnx.ModelProto:
    """ONNX form of a teacher, Whisper's weights stored as published, in float16."""
    return halve(to_onnx(network, batches=True))


def save_teacher(
    network: WhisperTeacher,
    table: pd.DataFrame,
    folder: str,
    name: str,
    origins: Origins = Origins(),
) -> str:
    """Export a teacher, compare it with the torch network, and write its folder.

    Args:
        network: a fitted teacher
        table: clips, of which up to 20 are used in the comparison
        folder: folder of the model
        name: name of the model
        origins: what it was fitted to, and its encoder

    Returns:
        sha256 of the ONNX file

    Raises:
        ValueError: if a logit differs by more than 1e-4; nothing is written

    """
    model = export_teacher(network)
    check_parity(network, model, signals=speech_and_probes(table))
    properties = {"name": name, "sampling_rate": "16000", "max_dur": f"{MAX_DUR:g}"}
    properties |= {"version": __version__, PROPERTY: origins.to_json()}
    sha256 = save(model, folder, properties)
    save_head(network, os.path.join(folder, "head.safetensors"))
    return sha256


def speech_and_probes(table: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """Signals of :func:`audw2s.distill.export.probes`, then 20 clips of a table."""
    yield from probes()
    rows = np.linspace(0, len(table) - 1, min(20, len(table))).astype(int)
    for number, clip in readable_clips(table.iloc[rows]):
        yield table["file"].iloc[rows[number]], clip[: int(MAX_DUR * 16000)]
