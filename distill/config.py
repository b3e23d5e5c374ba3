"""All that a training depends on."""

import dataclasses
import json
import os
import tomllib

from audw2s.catalogue import CATALOGUE
from audw2s.distill.losses import LOSSES
from audw2s.distill.students import STUDENTS
from audw2s.loading import members


@dataclasses.dataclass(frozen=True)
class Config:
    """All that a training depends on; kept beside the weights."""

    corpora: dict[str, float]
    """Corpora to train on, each with its share of the clips that are drawn."""

    teacher: str = "whisper-tiny-adv"
    """Name or folder of the model whose outputs are learnt, or a mean of such."""

    labels: str | None = None
    """Table made by ``audw2s distill label``: labels are fixed per clip.
    Without it the teacher hears each crop just as the student does."""

    noise: tuple[str, ...] = ()
    """Corpora of noise or music that is mixed in."""

    student: str = "wav2small"
    """Architecture, one of :data:`audw2s.distill.students.STUDENTS`."""

    steps: int = 1500

    distinct: int | None = None
    """Batches that are made, labelled and kept on disk, 2 MB for 32 crops of 2 s.
    Once all were learnt, they come again in another order. Without it each step has
    a batch of its own, which is made while the step before is learnt."""

    batch_size: int = 32
    crop_dur: tuple[float, float] = (1.5, 3.0)
    """Shortest and longest crop in seconds; one length per step."""

    mixup: float = 0.3
    """Share of crops that another crop is mixed into."""

    spliced: float = 0.0
    """Share of crops that go over into another crop; only without fixed labels."""

    noisy: float = 0.4
    """Share of crops that noise is mixed into."""

    snr: tuple[float, float] = (0.0, 30.0)
    """Lowest and highest level over noise or a second crop, in dB."""

    speed: tuple[float, float] = (0.8, 1.25)
    """Slowest and fastest change of speed; only without fixed labels."""

    prosody: float = 0.0
    """Share of crops in which tempo, pitch, melody and formants are changed, each on
    its own; the others only change speed. Only without fixed labels."""

    tempo: tuple[float, float] = (0.55, 1.8)
    """Slowest and fastest, as factors, in crops of changed prosody."""

    pitch: tuple[float, float] = (0.6, 1.7)
    """Lowest and highest, as factors."""

    melody: tuple[float, float] = (0.1, 2.0)
    """Narrowest and widest range of pitch, as factors."""

    formants: tuple[float, float] = (0.8, 1.25)
    """Frequencies of the largest and of the smallest person, as factors."""

    paused: float = 0.0
    """Share of crops in which a quiet room is heard before and after the speech;
    only without fixed labels."""

    reverb: float = 0.0
    """Share of crops that a room is added to."""

    rooms: tuple[str, ...] = ()
    """Corpora of impulse responses. Without them rooms are made of noise that dies
    away."""

    reverb_dur: tuple[float, float] = (0.1, 0.8)
    """Shortest and longest decay of a room by 60 dB, in seconds."""

    equalised: float = 0.0
    """Share of crops whose tone is changed."""

    max_gain: float = 10.0
    """Largest change of a frequency's level, in dB."""

    band_limited: float = 0.0
    """Share of crops whose low or high frequencies are cut."""

    loudness: float = 0.0
    """Share of crops whose contour of loudness is changed, by at most 10 dB."""

    start: str | None = None
    """Folder of an earlier training: its student is trained on."""

    loss: dict[str, float] = dataclasses.field(default_factory=lambda: {"ccc": 1.0})
    """Weights of :data:`audw2s.distill.losses.LOSSES`, of which the loss is the sum."""

    dimensions: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Weights of arousal, dominance and valence in the loss."""

    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    warmup: int = 100
    clip_norm: float = 1.0
    ema: float = 0.998
    """Decay of the moving average of the weights, which is what is kept."""

    refitted: int = 1500
    """Clips as they are, of at most 6 s, to which the last layer is fitted at the end,
    in closed form, if they are five times as many as its inputs. Most crops of a
    training are disturbed in some way; without this, clean speech is heard as a little
    more aroused than the teacher hears it."""

    precision: str = "fp32"
    """``"fp32"`` or ``"bf16"``, faster on GPUs, and on processors with AMX or
    AVX512-BF16."""

    held_out: float = 0.05
    """Share of speakers whose clips are only validated on."""

    keep: str = "last"
    """Which weights become the student: ``"last"``, or ``"best"``, those with the
    highest mean CCC on the held-out speakers."""

    eval_every: int = 100

    seed: int = 0
    """Of the first weights, and of the order in which batches come again."""

    data_seed: int = 0
    """Of the batches and of the choice of held-out speakers."""

    def __post_init__(self):
        """Refuse what no training could begin with."""
        choices = {
            "student": STUDENTS,
            "precision": ("fp32", "bf16"),
            "keep": ("last", "best"),
        }
        for name, known in choices.items():
            value = getattr(self, name)
            if value not in known:
                raise ValueError(f"'{name}' is one of {list(known)}, got '{value}'.")
        unknown = set(self.loss) - set(LOSSES)
        if unknown or not self.loss:
            raise ValueError(f"'loss' has weights of {list(LOSSES)}, got {self.loss}.")

    @classmethod
    def from_toml(cls, path: str) -> "Config":
        """Read a configuration; paths in it are relative to the file.

        Raises:
            FileNotFoundError: if there is no such file
            ValueError: if it is no TOML, a key or a choice is unknown, or
                ``corpora`` is missing

        """
        with open(path, "rb") as file:
            values = tomllib.load(file)
        unknown = set(values) - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            raise ValueError(f"{path}: unknown keys {sorted(unknown)}.")
        if not isinstance(values.get("corpora"), dict) or not values["corpora"]:
            raise ValueError(
                f"{path}: a table [corpora] of paths and shares is needed."
            )
        folder = os.path.dirname(os.path.abspath(path))
        values["corpora"] = {
            os.path.join(folder, corpus): float(share)
            for corpus, share in values["corpora"].items()
        }
        for key in ("noise", "rooms"):
            values[key] = [os.path.join(folder, c) for c in values.get(key, [])]
        for key in ("labels", "start"):
            if values.get(key):
                values[key] = os.path.join(folder, values[key])
        teacher = values.get("teacher", cls.teacher)
        if teacher not in CATALOGUE and not members(teacher):
            values["teacher"] = os.path.join(folder, values["teacher"])
        lists = {k: tuple(v) for k, v in values.items() if isinstance(v, list)}
        return cls(**{**values, **lists})

    def of_batches(self) -> dict[str, object]:
        """Settings that decide what is in a batch.

        Examples:
            >>> one, other = Config({"a.csv": 1.0}), Config({"a.csv": 1.0}, steps=9)
            >>> one.of_batches() == other.of_batches()
            True

        """
        settings = dataclasses.asdict(self)
        return {key: settings[key] for key in settings if key not in OF_TRAINING}


def changed_settings(found: dict, wanted: dict) -> list[str]:
    """Names of settings that a file, in JSON, has otherwise.

    Examples:
        >>> changed_settings({"snr": [0, 30], "steps": 5}, {"snr": (0, 30), "steps": 6})
        ['steps']

    """
    wanted = json.loads(json.dumps(wanted))
    return [key for key in wanted if found.get(key) != wanted[key]]


OF_TRAINING = frozenset(
    {
        "student",
        "start",
        "steps",
        "distinct",
        "loss",
        "dimensions",
        "learning_rate",
        "weight_decay",
        "warmup",
        "clip_norm",
        "ema",
        "refitted",
        "precision",
        "keep",
        "eval_every",
        "seed",
    }
)
"""Settings that change how batches are learnt, and not what is in them."""
