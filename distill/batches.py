"""Batches of augmented crops with a teacher's labels."""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from audw2s.audio.samples import SAMPLING_RATE
from audw2s.corpus.evaluate import corpus_name
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.raters import raters_as_columns
from audw2s.corpus.lists.ratings import rating_scale
from audw2s.distill import augment
from audw2s.distill.clip_list import check_list
from audw2s.distill.clip_list import named
from audw2s.distill.clips import as_float
from audw2s.distill.clips import as_pcm
from audw2s.distill.clips import digest
from audw2s.distill.clips import usable_clips
from audw2s.distill.codec import transmit
from audw2s.distill.disjoint import files_of
from audw2s.distill.disjoint import hashed
from audw2s.distill.held_out import check_speakers
from audw2s.distill.held_out import draw_speakers
from audw2s.distill.imitation import Projections
from audw2s.distill.labels import RATINGS
from audw2s.distill.labels import Labels
from audw2s.distill.labels import WithLabels
from audw2s.distill.labels import finite
from audw2s.distill.labels import rated_clips
from audw2s.distill.origins import of_corpus
from audw2s.distill.prosody import change_prosody
from audw2s.distill.teachers.python import Function
from audw2s.distill.teachers.python import is_function
from audw2s.distill.teachers.python import teacher_sha256
from audw2s.evaluation.speakers import speaker_or_file
from audw2s.inference.pipeline import Predictor
from audw2s.model.find import sha256
from audw2s.model.origins import Origins
from audw2s.model.registry import DIMENSIONS
from audw2s.progress import progress_bar
from audw2s.version import __version__

if TYPE_CHECKING:
    from audw2s.distill.config import Config

NUM_VALUES = len(DIMENSIONS)


class Batches:
    """Makes batches: draws clips, augments crops of them, labels them with the teacher.

    The content of a batch depends only on its number and on the settings of
    :meth:`audw2s.distill.config.Config.of_batches`.

    Clips that can't be read, or whose label isn't finite, are left out with a warning.

    All audio is held in memory as 16 bit, 115 MB an hour.

    Args:
        config: settings of the training
        verbose: show progress bars

    Raises:
        ValueError: if a clip isn't among the labels, a corpus has no usable clip,
            no corpus has two speakers, of whom one could be held out, or clips aren't
            those of the list in the settings

    """

    def __init__(self, config: "Config", *, verbose: bool = True):
        self.config = config
        self.verbose = verbose
        self.clips: list[np.ndarray] = []
        self.labels: list[np.ndarray] = []
        self.files: list[str] = []
        self.learnt: list[pd.DataFrame] = []
        self.chosen: list[pd.DataFrame] = []
        self.validation: list[tuple[np.ndarray, np.ndarray]] = []
        self.origins = Origins()
        is_stored = config.labels and config.labels != RATINGS
        self.stored = Labels(str(config.labels)) if is_stored else None
        self.projections = self._projections()
        if self.projections:
            self.origins |= self.projections.origins
        shares = [self._add(corpus, share) for corpus, share in config.corpora.items()]
        self.shares = np.concatenate(shares) / np.concatenate(shares).sum()
        if not self.validation:
            raise ValueError(
                "No corpus has two speakers, or two files where speakers aren't known: "
                "none can be held out."
            )
        self.noise = self._read_all(config.noise)
        self.rooms = self._read_all(config.rooms)
        if config.clips:
            check_list(config.clips, self.record)

    @functools.cached_property
    def record(self) -> pd.DataFrame:
        """Files that are learnt from, with name and sha256, which takes a while."""
        return hashed(files_of(pd.concat(self.learnt)))

    @property
    def used(self) -> pd.DataFrame:
        """The same with the speakers in the settings, where they choose the weights."""
        chosen = [hashed(files_of(table)) for table in self.chosen]
        return pd.concat([self.record, *chosen], ignore_index=True)

    def _read_all(self, corpora: Sequence[str]) -> list[np.ndarray]:
        clips = []
        for corpus in corpora:
            table = read_corpus(corpus)
            self.learnt.append(named(table, corpus))
            self.origins |= of_corpus(corpus, table)
            clips += self._read(table, corpus)[1]
        return clips

    def _read(
        self, table: pd.DataFrame, corpus: str
    ) -> tuple[pd.DataFrame, list[np.ndarray]]:
        """Rows of the clips that can be read, and the clips as 16 bit integers."""
        desc = f"Read {corpus_name(corpus)}"
        table, clips = usable_clips(table, desc=desc, verbose=self.verbose)
        return table, [as_pcm(clip) for clip in clips]

    def _add(self, corpus: str, share: float) -> np.ndarray:
        """Add a corpus; some speakers, or files if unknown, are held out.

        Returns:
            share of each clip

        """
        table = read_corpus(corpus, self.config.columns)
        self.origins |= of_corpus(corpus, table)
        with_labels: WithLabels | None = self.stored.of if self.stored else None
        if self.config.labels == RATINGS:
            table = raters_as_columns(table, f"'{corpus}'")
            # That of all ratings: those of some speakers may look like another one
            scale = rating_scale(table, self.config.scale, f"'{corpus}'")
            with_labels = functools.partial(rated_clips, scale=scale)
        rng = np.random.default_rng(self.config.data_seed)
        names = speaker_or_file(table)
        speakers = self.config.held_out_speakers.get(corpus)
        if speakers is None:
            drawn = draw_speakers(corpus, names, self.config.held_out, rng)
            is_kept = np.isin(names, drawn)
            # Speakers who are drawn take part in the choice of the weights
            self.learnt.append(named(table, corpus))
        else:
            check_speakers(corpus, names, speakers)
            is_kept = np.isin(names, speakers)
            self.learnt.append(named(table[~is_kept], corpus))
            if self.config.keep == "best":
                self.chosen.append(named(table[is_kept], corpus))
        training, clips = self._read(table[~is_kept], corpus)
        if with_labels is not None:
            training, clips, labels = with_labels(training, clips)
            self.labels += labels
        if not clips:
            raise ValueError(f"'{corpus}' has no clip to learn from.")
        self.clips += clips
        self.files += training["file"].tolist()
        self._add_validation(table[is_kept], corpus, rng, with_labels)
        return np.full(len(clips), share / len(clips))

    def _add_validation(
        self,
        table: pd.DataFrame,
        corpus: str,
        rng: np.random.Generator,
        with_labels: WithLabels | None,
    ) -> None:
        """Add 100 clips of held-out speakers at most."""
        chosen = table.iloc[rng.permutation(len(table))[:100]]
        chosen, clips = self._read(chosen, corpus)
        _, clips, labels = (with_labels or self._labelled)(chosen, clips)
        self.validation += zip(clips, labels, strict=True)

    def _labelled(self, table: pd.DataFrame, clips: list[np.ndarray]) -> tuple:
        """Clips with the teacher's values; those without are left out."""
        labels = [self.label(as_float(clip)) for clip in clips]
        reasons = ["the teacher gives no value"] * len(labels)
        return finite(table, clips, labels, reasons)

    @functools.cached_property
    def teacher(self) -> Predictor | Function:
        """Teacher that labels crops."""
        if is_function(self.config.teacher):
            return Function(self.config.teacher)
        imitated = self.config.imitation is not None
        return Predictor(self.config.teacher, hidden_states=imitated)

    def _projections(self) -> Projections | None:
        """Projections that the student imitates.

        Raises:
            ValueError: if they are those of another teacher

        """
        if self.config.imitation is None:
            return None
        projections = Projections.read(self.config.imitation)
        if projections.teacher != teacher_sha256(self.config.teacher):
            raise ValueError(
                f"'{self.config.imitation}' has projections of another teacher than "
                f"'{self.config.teacher}'."
            )
        return projections

    @property
    def identity(self) -> dict[str, object]:
        """Settings that batches and their evaluation depend on.

        Files and models are identified by a hash of their content, not by path or name.
        """
        held_out = [clip for clip, _ in self.validation]
        labels = [*self.labels, *(label for _, label in self.validation)]
        teacher = None if self.config.labels else teacher_sha256(self.config.teacher)
        return {
            "version": __version__,
            **self.config.of_batches(),
            "corpora": digest([*self.clips, self.shares]),
            "held_out_clips": digest(held_out),
            "held_out_speakers": list(self.config.held_out_speakers.values()),
            "labels": digest(labels) if self.config.labels else None,
            "imitation": self.config.imitation and sha256(self.config.imitation),
            "noise": digest(self.noise),
            "rooms": digest(self.rooms),
            "teacher": teacher,
        }

    def label(self, signal: np.ndarray) -> np.ndarray:
        """A/D/V of the teacher for a signal ``(num_samples,)`` of any length."""
        return self._predict(signal)[:NUM_VALUES]

    def target(self, signal: np.ndarray) -> np.ndarray:
        """A/D/V of the teacher, and the projections that are imitated."""
        label, hidden_states = np.split(self._predict(signal), [NUM_VALUES])
        if self.projections is None:
            return label
        return np.concatenate([label, self.projections(hidden_states)])

    def _predict(self, signal: np.ndarray) -> np.ndarray:
        """A/D/V of the teacher, and its hidden states if they are imitated."""
        if isinstance(self.teacher, Function):
            return self.teacher(signal)
        network = self.teacher.network
        if len(signal) <= network.max_dur * SAMPLING_RATE:
            values = network(signal)
        else:
            # In blocks of the longest input of the teacher
            values = self.teacher.signal(signal, SAMPLING_RATE)[0].values[0]
        return values[: network.num_values]

    def held_out(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Whole clips of held-out speakers with the teacher's values."""
        return [
            (torch.from_numpy(as_float(clip)), torch.from_numpy(label))
            for clip, label in self.validation
        ]

    def undisturbed(self, count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Clips without noise or room, at most 6 s each, with the teacher's values.

        If the settings change the prosody of crops, that of half of them is changed.

        Args:
            count: number of clips, at most as many as there are

        """
        rng = np.random.default_rng(self.config.data_seed)
        count, longest = min(count, len(self.clips)), 6 * SAMPLING_RATE
        pairs = []
        for number in progress_bar(
            rng.choice(len(self.clips), count, p=self.shares),
            desc="Fit head",
            verbose=self.verbose,
        ):
            clip = as_float(self.clips[number])
            length = min(len(clip), longest)
            if self.config.prosody and not self.labels and rng.random() < 0.5:
                signal = self._change_speech(clip, length, rng)
            else:
                signal = augment.crop(clip, length, rng)
            label = self.labels[number] if self.labels else self.label(signal)
            values = torch.from_numpy(np.asarray(label, np.float32))
            pairs.append((torch.from_numpy(signal), values))
        return pairs

    def make(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Make a batch.

        Returns:
            signals ``(batch, time)``, and labels ``(batch, 3)`` with the projections
            that are imitated as further columns

        """
        rng = np.random.default_rng((self.config.data_seed, number))
        length = int(rng.uniform(*self.config.crop_dur) * SAMPLING_RATE)
        chosen = rng.choice(len(self.clips), self.config.batch_size, p=self.shares)
        pairs = [self._sample(number, length, rng) for number in chosen]
        signals, labels = zip(*pairs, strict=True)
        bad = ~np.isfinite(labels).all(axis=1)
        if bad.any():
            raise ValueError(
                f"The teacher '{self.config.teacher}' gives no value for a crop of "
                f"'{self.files[chosen[bad][0]]}'. Is it damaged?"
            )
        return torch.from_numpy(np.stack(signals)), torch.from_numpy(np.stack(labels))

    def _sample(
        self, number: int, length: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        signal = self._crop(number, length, rng)
        label = self.labels[number] if self.labels else None
        if rng.random() < self.config.mixup:
            other = self._draw(rng)
            second, ratio = self._crop(other, length, rng), rng.uniform(0, 20)
            signal = augment.mix(signal, second, ratio)
            if label is not None:
                # Deviation: labels are mixed instead of labelling the mixture
                weight = 1 / (1 + 10 ** (-ratio / 20))
                label = weight * label + (1 - weight) * self.labels[other]
        if not self.labels and augment.chance(self.config.spliced, rng):
            second = self._crop(self._draw(rng), length, rng)
            signal = augment.splice(signal, second, int(rng.integers(length)))
        # Rounded to 16 bits first, as a stored batch is
        signal = as_float(as_pcm(self._disturb(signal, rng)))
        if label is None:
            label = self.target(signal)
        return signal, label.astype(np.float32)

    def _disturb(self, signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Add loudness changes, room, babble, noise and effects of the recording."""
        config = self.config
        if augment.chance(config.loudness, rng):
            signal = augment.change_loudness(signal, 10, rng)
        if augment.chance(config.reverb, rng):
            signal = augment.reverberate(signal, self._room(rng))
        if augment.chance(config.babble_prob, rng):
            babble = self._babble(len(signal), rng)
            signal = augment.mix(signal, babble, rng.uniform(5, 25))
        if self.noise and rng.random() < config.noisy:
            noise = as_float(self.noise[rng.integers(len(self.noise))])
            noise = augment.crop(noise, len(signal), rng)
            signal = augment.mix(signal, noise, rng.uniform(*config.snr))
        if augment.chance(config.equalised, rng):
            signal = augment.equalise(signal, config.max_gain, rng)
        if augment.chance(config.band_limited, rng):
            low, high = np.exp(rng.uniform(*np.log([(20, 1500), (400, 10000)])))
            signal = augment.limit_band(signal, low, high)
        if augment.chance(config.codec_prob, rng):
            signal = transmit(signal, rng)
        return signal

    def _draw(self, rng: np.random.Generator) -> int:
        """Draw the number of a clip."""
        return rng.choice(len(self.clips), p=self.shares)

    def _babble(self, length: int, rng: np.random.Generator) -> np.ndarray:
        chosen = rng.choice(len(self.clips), rng.integers(3, 7), p=self.shares)
        voices = [augment.crop(as_float(self.clips[n]), length, rng) for n in chosen]
        return augment.babble(voices)

    def _change_speech(
        self, clip: np.ndarray, length: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Cut a segment and change its speed, or its prosody."""
        config = self.config
        if augment.chance(config.prosody, rng):
            names = ("tempo", "pitch", "melody", "formants")
            factors = {k: augment.draw_factor(getattr(config, k), rng) for k in names}
            cut = augment.crop(clip, int(length * factors["tempo"]) + 1, rng)
            return augment.crop(change_prosody(cut, **factors), length, rng)
        factor = augment.draw_factor(config.speed, rng)
        cut = augment.crop(clip, int(length * factor) + 1, rng)
        return augment.crop(augment.change_speed(cut, factor), length, rng)

    def _room(self, rng: np.random.Generator) -> np.ndarray:
        if self.rooms:
            return as_float(self.rooms[rng.integers(len(self.rooms))])
        decay, level = rng.uniform(*self.config.reverb_dur), rng.uniform(-20, 0)
        return augment.room(decay, level, rng)

    def _crop(self, number: int, length: int, rng: np.random.Generator) -> np.ndarray:
        clip = as_float(self.clips[number])
        if self.labels:
            return augment.crop(clip, length, rng)
        spoken = length
        if augment.chance(self.config.paused, rng):
            spoken = int(length * rng.uniform(0.4, 1))
        cut = self._change_speech(clip, spoken, rng)
        if spoken == length:
            return cut
        paused = augment.crop(cut, length, rng)
        return augment.mix(paused, rng.standard_normal(length), rng.uniform(30, 60))
