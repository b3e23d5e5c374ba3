"""Settings of a training."""

import dataclasses
import os
from collections.abc import Collection
from typing import Annotated

from pydantic import Field
from pydantic import model_validator

from audw2s.distill.labels import RATINGS
from audw2s.distill.losses import LOSSES
from audw2s.distill.paths import beside
from audw2s.distill.settings import Columns
from audw2s.distill.settings import Count
from audw2s.distill.settings import Fraction
from audw2s.distill.settings import Number
from audw2s.distill.settings import Paths
from audw2s.distill.settings import Range
from audw2s.distill.settings import Rate
from audw2s.distill.settings import Several
from audw2s.distill.settings import Share
from audw2s.distill.settings import Weight
from audw2s.distill.settings import checked
from audw2s.distill.settings import limits
from audw2s.distill.settings import listed
from audw2s.distill.settings import one_of
from audw2s.distill.settings import read_toml
from audw2s.distill.settings import settings
from audw2s.distill.students import STUDENTS
from audw2s.distill.teachers.python import is_function
from audw2s.model.find import members
from audw2s.model.names import entry_of


@settings
class BatchSettings:
    """Settings that determine the content of batches."""

    corpora: Annotated[
        dict[str, Annotated[float, Field(gt=0)]],
        Field(title="has a share above 0 for each path, in a table [corpora]"),
    ]
    """Corpora to train on, each with its share of the clips that are drawn."""

    teacher: str = "whisper-tiny-adv"
    """Name or folder of the model that the student learns from, a mean of models, or
    ``"FILE.py:FUNCTION"``: a Python function from a signal ``(num_samples,)`` at 16 kHz
    to arousal, dominance and valence."""

    clips: str | None = None
    """List of the clips that a training has to have, such as the ``clips.csv`` that
    ``audw2s distill prepare`` writes into its folder: others are refused."""

    imitation: str | None = None
    """File of ``audw2s distill projections``: the student also learns these projections
    of the teacher's hidden states, see :mod:`audw2s.distill.imitation`."""

    labels: str | None = None
    """Table written by ``audw2s distill label``, or ``"ratings"`` for the human ratings
    of the corpora: labels are fixed per clip. Without it the teacher labels each crop
    after augmentation."""

    scale: Annotated[Range, limits()] | None = None
    """Lowest and highest rating, for ``labels = "ratings"``, if the corpora don't
    define them."""

    noise: Paths = ()
    """Corpora of noise or music that is mixed in."""

    batch_size: Several = 32
    """Crops per step, at least 2, as a single one has no CCC."""

    crop_dur: Annotated[Range, limits(0.1)] = (1.5, 3.0)
    """Shortest and longest crop in seconds; one length per step."""

    mixup: Share = 0.3
    """Share of crops that another crop is mixed into."""

    spliced: Share = 0.0
    """Share of crops that end as another crop; only without fixed labels."""

    noisy: Share = 0.4
    """Share of crops that noise is mixed into."""

    snr: Annotated[Range, limits()] = (0.0, 30.0)
    """Lowest and highest level over noise or a second crop, in dB."""

    speed: Annotated[Range, limits(0, above=True)] = (0.8, 1.25)
    """Slowest and fastest change of speed; only without fixed labels."""

    prosody: Share = 0.0
    """Share of crops in which tempo, pitch, melody and formants are changed
    independently; in the others only speed is. Only without fixed labels."""

    tempo: Annotated[Range, limits(0, above=True)] = (0.55, 1.8)
    """Slowest and fastest tempo, as factors, in crops of changed prosody."""

    pitch: Annotated[Range, limits(0, above=True)] = (0.6, 1.7)
    """Lowest and highest pitch, as factors."""

    melody: Annotated[Range, limits(0, above=True)] = (0.1, 2.0)
    """Narrowest and widest range of pitch, as factors."""

    formants: Annotated[Range, limits(0, above=True)] = (0.8, 1.25)
    """Lowest and highest formants, as factors."""

    paused: Share = 0.0
    """Share of crops with pauses, filled with quiet noise, before and after the speech;
    only without fixed labels."""

    reverb: Share = 0.0
    """Share of crops that a room is added to."""

    rooms: Paths = ()
    """Corpora of impulse responses. Without them rooms are made of noise that dies
    away."""

    reverb_dur: Annotated[Range, limits(0, above=True)] = (0.1, 0.8)
    """Shortest and longest decay of a room by 60 dB, in seconds."""

    equalised: Share = 0.0
    """Share of crops whose timbre is changed."""

    max_gain: Weight = 10.0
    """Largest change of a frequency's level, in dB."""

    band_limited: Share = 0.0
    """Share of crops whose low or high frequencies are cut."""

    codec_prob: Share = 0.0
    """Share of crops that are sent over a telephone, or through Opus or MP3."""

    babble_prob: Share = 0.0
    """Share of crops with other speakers in the background, at least 5 dB below."""

    loudness: Share = 0.0
    """Share of crops whose contour of loudness is changed, by at most 10 dB."""

    held_out: Fraction = 0.05
    """Share of speakers of each corpus who are held out for validation: at least one,
    never all."""

    held_out_speakers: dict[str, Annotated[tuple[str, ...], Field(strict=False)]] = (
        dataclasses.field(default_factory=dict)
    )
    """Held-out speakers by corpus, instead of a share of its speakers:
    ``{"emotale.csv" = ["001", "002"]}``. With trainings that together hold out every
    speaker once, ``audw2s distill folds`` evaluates on the corpus of the trainings."""

    data_seed: Number = 0
    """Seed of the batches, and of the choice of held-out speakers."""

    columns: Columns = dataclasses.field(default_factory=dict)
    """Columns of the corpora by the names that audw2s expects, if they differ, see
    :func:`audw2s.corpus.lists.corpus.read_corpus`."""

    def of_batches(self) -> dict[str, object]:
        """Settings that determine the content of batches, without names and paths.

        Examples:
            >>> one, other = Config({"a.csv": 1.0}), Config({"a.csv": 1.0}, steps=9)
            >>> one.of_batches() == other.of_batches()
            True

        """
        names = {field.name for field in dataclasses.fields(BatchSettings)}
        return _selected(self, names - NAMES)


@settings
class Config(BatchSettings):
    """Settings of a training; stored beside its weights."""

    student: Annotated[str, one_of(STUDENTS)] = "wav2small"
    """Architecture of the student."""

    steps: Count = 1500
    """Steps of the optimiser, each on a batch."""

    distinct: Count | None = None
    """Number of different batches, which are stored on disk (2 MB for 32 crops of 2 s).
    After all were used, they are used again in another order. Without it each step has
    a new batch, which is made while the student learns from the one before."""

    start: str | None = None
    """Folder of an earlier training whose student is trained further."""

    loss: Annotated[
        dict[Annotated[str, one_of(LOSSES)], Weight],
        Field(min_length=1, title=f"has weights of {list(LOSSES)}"),
    ] = dataclasses.field(default_factory=lambda: {"ccc": 1.0})
    """Weights of losses, which are added up."""

    imitation_weight: Weight = 1.0
    """Weight of ``1 - CCC`` of the projections, beside the loss of A/D/V."""

    channel: bool = False
    """Change channel and background of each crop after it was labelled, anew at each
    step, see :func:`audw2s.distill.augment.change_channel`: the student learns the
    values of the crop as it was."""

    dimensions: Annotated[
        tuple[Weight, Weight, Weight], listed("three numbers of at least 0")
    ] = (1.0, 1.0, 1.0)
    """Weights of arousal, dominance and valence in the loss."""

    learning_rate: Rate = 3e-3
    """Highest learning rate; it falls as half a cosine."""

    muon_rate: Weight = 0.0
    """Highest learning rate of Muon, such as .02, for convolutions and pooling, see
    :class:`audw2s.distill.muon.Muon`; other layers keep AdamW with ``learning_rate``.
    With 0, AdamW changes all."""

    weight_decay: Weight = 1e-2
    """Weight decay of the optimiser."""

    warmup: Number = 100
    """First steps, in which the learning rate rises."""

    clip_norm: Rate = 1.0
    """Norm to which gradients are clipped."""

    ema: Fraction = 0.998
    """Decay of the moving average of the weights, which becomes the student."""

    refitted: Number = 1500
    """Clips without noise or room, of at most 6 s, to which the last layer is fitted at
    the end, in closed form, held back at the layer that was trained, if they are five
    times as many as its inputs. Most crops of a training are augmented; without this
    fit, the student's arousal of clean speech is a little above the teacher's."""

    precision: Annotated[str, one_of(("fp32", "bf16"))] = "fp32"
    """``"fp32"`` or ``"bf16"``, faster on GPUs, and on processors with AMX or
    AVX512-BF16."""

    keep: Annotated[str, one_of(("last", "best"))] = "last"
    """Which weights become the student: ``"last"``, or ``"best"``, those with the
    highest mean CCC on the held-out speakers, who then count as trained on."""

    eval_every: Count = 100
    """Steps from one evaluation to the next; the state is stored at each."""

    seed: Number = 0
    """Seed of the initial weights, and of the order in which batches are used again."""

    @model_validator(mode="after")
    def _fits_together(self) -> "Config":
        for name in ("loss", "dimensions"):
            value = getattr(self, name)
            if not any(value.values() if isinstance(value, dict) else value):
                raise ValueError(f"'{name}' has a weight above 0, got {value}")
        ignored = [name for name in WITHOUT_LABELS if getattr(self, name)]
        if self.labels and ignored:
            raise ValueError(
                f"{ignored} change a teacher's values, and 'labels' are fixed: leave "
                "one of them out"
            )
        if self.imitation and (self.labels or is_function(self.teacher)):
            raise ValueError("'imitation' needs a model as a teacher, not 'labels'")
        if unknown := set(self.held_out_speakers) - set(self.corpora):
            raise ValueError(
                f"'held_out_speakers' has speakers of 'corpora', not of {unknown}"
            )
        return self

    @classmethod
    def from_toml(cls, path: str) -> "Config":
        """Read a configuration; paths in it are relative to the file.

        Raises:
            FileNotFoundError: if there is no such file
            ValueError: if it is no TOML, a key isn't known, a value isn't what is
                expected, or ``corpora`` is missing

        """
        values = read_toml(path)
        if not values.get("corpora"):
            raise ValueError(
                f"{path}: a table [corpora] of paths and shares is needed."
            )
        paths = values.keys() & (NAMES - {"teacher"} | {"held_out_speakers"})
        if values.get("labels") == RATINGS:
            paths -= {"labels"}
        values |= {key: beside(path, values[key]) for key in paths}
        config = checked(cls, path, values)
        return dataclasses.replace(config, teacher=_teacher(path, config.teacher))

    def of_training(self) -> dict[str, object]:
        """Settings that determine how a student learns, without names and paths."""
        names = {field.name for field in dataclasses.fields(self)}
        return _selected(self, names - self.of_batches().keys() - NAMES)


def _selected(config: BatchSettings, names: Collection[str]) -> dict[str, object]:
    values = dataclasses.asdict(config)
    return {name: values[name] for name in values if name in names}


def _teacher(path: str, name: str) -> str:
    """Name of a teacher; folders are relative to the file of the settings."""
    if name.startswith("mean(") and (parts := members(name)):
        return f"mean({', '.join(_teacher(path, part) for part in parts)})"
    try:
        entry = entry_of(name, os.path.dirname(os.path.abspath(path)))
    except ValueError as error:
        raise ValueError(f"{path}: 'teacher': {error}") from None
    return beside(path, name) if entry is None else name


WITHOUT_LABELS = ("spliced", "prosody", "paused")
"""Settings that can't be used with fixed labels."""

NAMES = {
    *("corpora", "clips", "noise", "rooms", "labels", "teacher", "start", "imitation")
}
"""Settings with paths or names; a training depends on the content behind them."""
