"""Batches of crops with a teacher's labels: a pure function of their number."""

import os
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

import audw2s
from audw2s.catalogue import DIMENSIONS
from audw2s.distill import augment
from audw2s.distill.corpora.table import load_clips
from audw2s.distill.corpora.table import read_corpus
from audw2s.distill.corpora.table import seconds

if TYPE_CHECKING:
    from audw2s.distill.train import Config

SAMPLING_RATE = 16000


class Batches:
    """Draws clips, changes them, and asks the teacher what it hears.

    All audio is held in memory as 16 bit, 115 MB an hour.

    Args:
        config: of the training
        verbose: show progress bars

    Raises:
        ValueError: if a clip can't be read or has no label, or if no corpus has
            two speakers, of whom one could be held out

    """

    def __init__(self, config: "Config", *, verbose: bool = True):
        self.config = config
        self.verbose = verbose
        self.clips, self.labels, self.shares = [], [], []
        self.validation: list[tuple[np.ndarray, np.ndarray]] = []
        self.teacher = audw2s.load(config.teacher)
        stored = stored_labels(config.labels) if config.labels else None
        for corpus, share in config.corpora.items():
            self._add(read_corpus(corpus), share, stored)
        self.shares = np.array(self.shares) / np.sum(self.shares)
        if not self.validation:
            raise ValueError("No corpus has two speakers: none can be held out.")
        tables = [read_corpus(corpus) for corpus in config.noise]
        self.noise = [clip for table in tables for clip in self._read(table)]

    def _read(self, table: pd.DataFrame) -> list[np.ndarray]:
        return read_clips(table, verbose=self.verbose)

    def _add(
        self,
        table: pd.DataFrame,
        share: float,
        stored: dict[tuple, np.ndarray] | None,
    ) -> None:
        """Add a corpus; some of its speakers are only for validation."""
        rng = np.random.default_rng(self.config.seed)
        speakers = np.sort(table["speaker"].unique())
        count = max(1, round(self.config.held_out * len(speakers)))
        kept = rng.permutation(speakers)[:count] if len(speakers) > 1 else []
        is_kept = table["speaker"].isin(kept).to_numpy()
        training = table[~is_kept]
        clips = self._read(training)
        self.clips += clips
        if self.config.balanced:
            heard = self._arousal(clips, training, stored)
            self.shares += (share * spread_evenly(heard)).tolist()
        else:
            self.shares += [share / len(training)] * len(training)
        validation = table[is_kept]
        validation = validation.iloc[rng.permutation(len(validation))[:100]]
        held_out = self._read(validation)
        if stored is None:
            heard = [self.hear(as_float(clip)) for clip in held_out]
        else:
            self.labels += find_labels(stored, training)
            heard = find_labels(stored, validation)
        self.validation += zip(held_out, heard, strict=True)

    def _arousal(
        self,
        clips: list[np.ndarray],
        table: pd.DataFrame,
        stored: dict[tuple, np.ndarray] | None,
    ) -> np.ndarray:
        """The teacher's arousal of each clip, of its first 4 s if none is stored."""
        if stored is not None:
            return np.array([label[0] for label in find_labels(stored, table)])
        starts = (as_float(clip[: 4 * SAMPLING_RATE]) for clip in clips)
        progress = tqdm(
            starts, total=len(clips), desc="Balance", disable=not self.verbose
        )
        return np.array([self.hear(start)[0] for start in progress])

    def hear(self, signal: np.ndarray) -> np.ndarray:
        """What the teacher says of a signal ``(num_samples,)``."""
        return self.teacher(signal[None], outputs="logits")[0]

    def held_out(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Whole clips of held-out speakers with the teacher's values."""
        return [
            (torch.from_numpy(as_float(clip)), torch.from_numpy(label))
            for clip, label in self.validation
        ]

    def undisturbed(self, count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Clips as they are, of at most 6 s each, with the teacher's values.

        Args:
            count: number of clips, at most as many as there are

        """
        rng = np.random.default_rng(self.config.seed)
        count, longest = min(count, len(self.clips)), 6 * SAMPLING_RATE
        chosen = rng.choice(len(self.clips), count, replace=False, p=self.shares)
        pairs = []
        for number in tqdm(chosen, desc="Refit", disable=not self.verbose):
            clip = self.clips[number]
            signal = as_float(augment.crop(clip, min(len(clip), longest), rng))
            label = self.labels[number] if self.labels else self.hear(signal)
            pairs.append((signal, np.asarray(label, np.float32)))
        return [(torch.from_numpy(s), torch.from_numpy(label)) for s, label in pairs]

    def make(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Make the batch of a step.

        Returns:
            signals ``(batch, time)`` and labels ``(batch, 3)``

        """
        rng = np.random.default_rng((self.config.seed, step))
        length = int(rng.uniform(*self.config.crop_dur) * SAMPLING_RATE)
        chosen = rng.choice(len(self.clips), self.config.batch_size, p=self.shares)
        pairs = [self._sample(number, length, rng) for number in chosen]
        signals, labels = zip(*pairs, strict=True)
        return torch.from_numpy(np.stack(signals)), torch.from_numpy(np.stack(labels))

    def _sample(
        self,
        number: int,
        length: int,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        signal = self._crop(number, length, rng)
        label = self.labels[number] if self.labels else None
        if rng.random() < self.config.mixup:
            other = rng.choice(len(self.clips), p=self.shares)
            second, ratio = self._crop(other, length, rng), rng.uniform(0, 20)
            signal = augment.mix(signal, second, ratio)
            if label is not None:
                # Deviation: labels are mixed instead of labelling the mixture
                weight = 1 / (1 + 10 ** (-ratio / 20))
                label = weight * label + (1 - weight) * self.labels[other]
        if self.config.spliced and not self.labels:
            if rng.random() < self.config.spliced:
                other = rng.choice(len(self.clips), p=self.shares)
                second, place = self._crop(other, length, rng), rng.integers(length)
                signal = augment.splice(signal, second, place)
        signal = self._disturb(signal, rng).astype(np.float32)
        return signal, self.hear(signal) if label is None else label.astype(np.float32)

    def _disturb(self, signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Put a signal into a room, add noise, and record it."""
        config = self.config
        if config.loudness and rng.random() < config.loudness:
            signal = augment.change_loudness(signal, 10, rng)
        if config.reverb and rng.random() < config.reverb:
            decay, level = rng.uniform(*config.reverb_dur), rng.uniform(-20, 0)
            signal = augment.reverberate(signal, decay, level, rng)
        if self.noise and rng.random() < config.noisy:
            noise = as_float(self.noise[rng.integers(len(self.noise))])
            noise = augment.crop(noise, len(signal), rng)
            signal = augment.mix(signal, noise, rng.uniform(*config.snr))
        if config.equalised and rng.random() < config.equalised:
            signal = augment.equalise(signal, config.max_gain, rng)
        if config.band_limited and rng.random() < config.band_limited:
            low, high = np.exp(rng.uniform(*np.log([(20, 1500), (400, 10000)])))
            signal = augment.limit_band(signal, low, high)
        return signal

    def _crop(self, number: int, length: int, rng: np.random.Generator) -> np.ndarray:
        clip = as_float(self.clips[number])
        if self.labels:
            return augment.crop(clip, length, rng)
        factor = np.exp(rng.uniform(*np.log(self.config.speed)))
        spoken = length
        if self.config.paused and rng.random() < self.config.paused:
            spoken = int(length * rng.uniform(0.4, 1))
        cut = augment.crop(clip, int(spoken * factor) + 1, rng)
        cut = augment.crop(augment.change_speed(cut, factor), spoken, rng)
        if spoken == length:
            return cut
        paused = augment.crop(cut, length, rng)
        return augment.mix(paused, rng.standard_normal(length), rng.uniform(30, 60))


def spread_evenly(values: np.ndarray) -> np.ndarray:
    """Weights with which a draw of values is spread evenly over 0…1.

    Each tenth of the range gets the same weight, what lies outside counts to the
    first and last; no value gets more than 10 times the weight of another.

    Args:
        values: ``(num_clips,)``

    Returns:
        weights ``(num_clips,)``, their sum is 1

    Examples:
        >>> spread_evenly(np.array([0.25, 0.75, 0.76, 0.77, 1.2])).round(2)
        array([0.33, 0.11, 0.11, 0.11, 0.33])

    """
    bins = np.clip((values * 10).astype(int), 0, 9)
    weights = 1 / np.bincount(bins, minlength=10)[bins]
    weights = np.minimum(weights, 10 * weights.min())
    return weights / weights.sum()


def as_float(clip: np.ndarray) -> np.ndarray:
    """16 bit integers to float32 in -1…1."""
    return clip.astype(np.float32) / 32768


def read_clips(table: pd.DataFrame, *, verbose: bool = True) -> list[np.ndarray]:
    """Read clips as 16 bit integers."""
    name = (
        os.path.basename(os.path.dirname(table["file"].iloc[0])) if len(table) else ""
    )
    clips = load_clips(table, desc=f"Read {name}", verbose=verbose)
    return [(np.clip(clip, -1, 1) * 32767).round().astype(np.int16) for clip in clips]


def keys(table: pd.DataFrame) -> list[tuple]:
    """What identifies clips across tables: file, start, end in seconds."""
    return [
        (os.path.abspath(file), start.total_seconds(), seconds(end))
        for file, start, end in table[["file", "start", "end"]].itertuples(index=False)
    ]


def stored_labels(path: str) -> dict[tuple, np.ndarray]:
    """Labels of clips from a table that ``audw2s distill label`` wrote."""
    table = pd.read_parquet(path)
    return dict(zip(keys(table), table[list(DIMENSIONS)].to_numpy(), strict=True))


def find_labels(
    stored: dict[tuple, np.ndarray],
    table: pd.DataFrame,
) -> list[np.ndarray]:
    """Labels of the clips of a table.

    Raises:
        ValueError: if a clip has none

    """
    missing = [key for key in keys(table) if key not in stored]
    if missing:
        raise ValueError(
            f"{len(missing)} clips have no label, among them '{missing[0][0]}'. "
            "Label their corpus with 'audw2s distill label' first."
        )
    return [stored[key] for key in keys(table)]
