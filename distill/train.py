"""Train a student on a teacher's outputs, and on nothing else.

``audw2s distill train config.toml --out FOLDER``; the same command goes on where an
interrupted run stopped.
"""

import dataclasses
import json
import os
import tomllib
from concurrent.futures import ThreadPoolExecutor

import audeer
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from safetensors.torch import save_file
from torch.optim.swa_utils import AveragedModel
from torch.optim.swa_utils import get_ema_multi_avg_fn
from tqdm import tqdm

from audw2s.catalogue import CATALOGUE
from audw2s.catalogue import DIMENSIONS
from audw2s.distill.batches import Batches
from audw2s.distill.losses import ccc_loss
from audw2s.distill.losses import concordance_cc
from audw2s.distill.plots import plot_curves
from audw2s.distill.students import STUDENTS
from audw2s.distill.teachers.ridge import fit_ridge
from audw2s.files import replacing
from audw2s.files import write_json
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
    """Corpora of noise that is mixed in."""

    student: str = "wav2small"
    """Architecture, one of :data:`audw2s.distill.students.STUDENTS`."""

    steps: int = 1500
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

    paused: float = 0.0
    """Share of crops in which a quiet room is heard before and after the speech;
    only without fixed labels."""

    reverb: float = 0.0
    """Share of crops that a room is added to."""

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

    balanced: bool = False
    """Draw clips so that each corpus has the same spread of arousal: else a student
    learns that speech which sounds like some corpus is as aroused as that corpus."""

    start: str | None = None
    """Folder of an earlier training: its student is trained on."""

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
    """``"fp32"`` or ``"bf16"``, faster on processors with AMX or AVX512-BF16."""

    held_out: float = 0.05
    """Share of speakers whose clips are only validated on."""

    eval_every: int = 100
    seed: int = 0

    def __post_init__(self):
        """Refuse what no training could begin with."""
        for name, known in [("student", STUDENTS), ("precision", ("fp32", "bf16"))]:
            value = getattr(self, name)
            if value not in known:
                raise ValueError(f"'{name}' is one of {list(known)}, got '{value}'.")

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
        values["noise"] = [os.path.join(folder, c) for c in values.get("noise", [])]
        for key in ("labels", "start"):
            if values.get(key):
                values[key] = os.path.join(folder, values[key])
        teacher = values.get("teacher", cls.teacher)
        if teacher not in CATALOGUE and not members(teacher):
            values["teacher"] = os.path.join(folder, values["teacher"])
        lists = {k: tuple(v) for k, v in values.items() if isinstance(v, list)}
        return cls(**{**values, **lists})


class State:
    """Student, its average, optimiser and history: all that a run goes on from."""

    def __init__(self, config: Config):
        torch.manual_seed(config.seed)
        self.network = STUDENTS[config.student]()
        if config.start:
            weights = load_file(os.path.join(config.start, "student.safetensors"))
            self.network.load_state_dict(weights, strict=True)
        average = get_ema_multi_avg_fn(config.ema)
        self.ema = AveragedModel(self.network, multi_avg_fn=average, use_buffers=True)
        if config.precision == "bf16":
            # Only the convolutions: the front end needs more than 8 bits, and the
            # averaged copy that is validated and kept stays in float32
            to_half = torch.autocast("cpu", torch.bfloat16)
            self.network.body.forward = to_half(self.network.body.forward)
        trained = [p for p in self.network.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(
            trained, lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.step = 0
        self.history: list[dict] = []

    def save(self, path: str, config: Config) -> None:
        """Write a checkpoint, atomically."""
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in self.ema.state_dict().items()}
        for number, values in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{k}": v for k, v in values.items()}
        # Averages share no memory with the network, but buffers may
        tensors = {k: v.detach().clone().contiguous() for k, v in tensors.items()}
        meta = {
            "step": str(self.step),
            "history": json.dumps(self.history),
            "config": json.dumps(dataclasses.asdict(config)),
        }
        with replacing(path) as temporary:
            save_file(tensors, temporary, metadata=meta)

    def load(self, path: str, config: Config) -> None:
        """Go on from a checkpoint.

        Raises:
            ValueError: if it was written with another configuration

        """
        with safe_open(path, "pt") as file:
            meta = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}
        found = json.loads(meta["config"])
        wanted = json.loads(json.dumps(dataclasses.asdict(config)))
        changed = [key for key in wanted if found.get(key) != wanted[key]]
        if changed:
            raise ValueError(
                f"{path} was trained with other settings of {changed}. "
                "Choose another output folder, or delete this one."
            )
        self.network.load_state_dict(_part(tensors, "network."))
        self.ema.load_state_dict(_part(tensors, "ema."))
        moments: dict[int, dict] = {}
        for key, value in _part(tensors, "optimiser.").items():
            number, _, name = key.partition(".")
            moments.setdefault(int(number), {})[name] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": moments, "param_groups": groups})
        self.step = int(meta["step"])
        self.history = json.loads(meta["history"])


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {
        key.removeprefix(prefix): value
        for key, value in tensors.items()
        if key.startswith(prefix)
    }


def rate(step: int, config: Config) -> float:
    """Learning rate of a step: linear warm-up, then half a cosine down to zero.

    Examples:
        >>> config = Config({}, steps=200, warmup=100, learning_rate=1.0)
        >>> [round(rate(step, config), 2) for step in (0, 99, 100, 150)]
        [0.01, 1.0, 1.0, 0.5]

    """
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    share = (step - config.warmup) / max(1, config.steps - config.warmup)
    return float(config.learning_rate * 0.5 * (1 + np.cos(np.pi * share)))


def train(config: Config, folder: str, *, verbose: bool = True) -> torch.nn.Module:
    """Train a student; called again, go on where it stopped.

    What a step does depends on the configuration and its number only, so a run
    that was interrupted ends in the same weights as one that wasn't.

    Args:
        config: all settings
        folder: for ``checkpoint.safetensors``, ``student.safetensors``,
            ``config.json``, ``history.json`` and ``curves.png``
        verbose: show a progress bar

    Returns:
        the trained student: the moving average of its weights, with the last layer
        fitted again

    """
    audeer.mkdir(folder)
    checkpoint = os.path.join(folder, "checkpoint.safetensors")
    state = State(config)
    if os.path.exists(checkpoint):
        state.load(checkpoint, config)
    batches = Batches(config, verbose=verbose)
    progress = tqdm(
        total=config.steps, initial=state.step, desc="Train", disable=not verbose
    )
    with ThreadPoolExecutor(1) as ahead, progress:
        upcoming = ahead.submit(batches.make, state.step)
        while state.step < config.steps:
            signals, labels = upcoming.result()
            if state.step + 1 < config.steps:
                upcoming = ahead.submit(batches.make, state.step + 1)
            loss = update(state, config, signals, labels)
            state.step += 1
            progress.update()
            if state.step % config.eval_every == 0 or state.step == config.steps:
                entry = {"step": state.step, "loss": loss}
                entry |= validate(state.ema.module, batches.held_out())
                state.history.append(entry)
                progress.set_postfix({k[:3]: f"{v:.3f}" for k, v in entry.items()})
                state.save(checkpoint, config)
                write_history(state.history, folder)
    student = state.ema.module.eval()
    count = min(config.refitted, len(batches.clips))
    if can_refit(student, count):
        refit(student, batches.undisturbed(count))
    save_student(student, config, folder)
    return student


def update(
    state: State,
    config: Config,
    signals: torch.Tensor,
    labels: torch.Tensor,
) -> float:
    """One step of the optimiser; returns the loss."""
    for group in state.optimiser.param_groups:
        group["lr"] = rate(state.step, config)
    state.network.train()
    loss = ccc_loss(labels, state.network(signals)[1])
    state.optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), config.clip_norm)
    state.optimiser.step()
    state.ema.update_parameters(state.network)
    return loss.item()


def validate(
    network: torch.nn.Module,
    clips: list[tuple[torch.Tensor, torch.Tensor]],
) -> dict[str, float]:
    """CCC of a student with its teacher on whole clips of held-out speakers."""
    network.eval()
    with torch.inference_mode():
        predictions = torch.cat([network(signal[None])[1] for signal, _ in clips])
    values = concordance_cc(torch.stack([label for _, label in clips]), predictions)
    return dict(zip(DIMENSIONS, values.tolist(), strict=True))


def write_history(history: list[dict], folder: str) -> None:
    """Write losses and CCCs as JSON and as a picture."""
    write_json(history, os.path.join(folder, "history.json"))
    plot_curves(history, os.path.join(folder, "curves.png"))


def can_refit(network: torch.nn.Module, num_clips: int) -> bool:
    """Whether clips are enough to fit a student's last layer to, and not to learn.

    Examples:
        >>> [can_refit(STUDENTS["wav2small"](), count) for count in (844, 845)]
        [False, True]

    """
    return num_clips >= 5 * network.adv.in_features


def refit(
    network: torch.nn.Module,
    clips: list[tuple[torch.Tensor, torch.Tensor]],
    penalty: float = 3.0,
) -> None:
    """Fit the last layer of a student again, to clips with their teacher's values.

    Args:
        network: whose ``adv`` is replaced, in place
        clips: signals ``(time,)`` and labels ``(3,)``; if they are too few, see
            :func:`can_refit`, the layer is left as it is
        penalty: see :func:`audw2s.distill.teachers.ridge.fit_ridge`

    """
    if not can_refit(network, len(clips)):
        return
    network.eval()
    with torch.inference_mode():
        hidden_states = torch.cat([network(signal[None])[0] for signal, _ in clips])
    labels = torch.stack([label for _, label in clips])
    head = fit_ridge(hidden_states.double().numpy(), labels.double().numpy(), penalty)
    with torch.no_grad():
        for parameter, values in zip(network.adv.parameters(), head, strict=True):
            parameter.copy_(torch.from_numpy(values))


def save_student(network: torch.nn.Module, config: Config, folder: str) -> None:
    """Write the weights and the configuration."""
    weights = {k: v.clone().contiguous() for k, v in network.state_dict().items()}
    path = os.path.join(folder, "student.safetensors")
    with replacing(path) as temporary:
        save_file(weights, temporary, metadata={"student": config.student})
    write_json(dataclasses.asdict(config), os.path.join(folder, "config.json"))
