"""Train a student on a teacher's outputs only.

``audw2s distill train config.toml --out FOLDER``; the same command resumes an
interrupted run. With several GPUs or machines: ``accelerate launch``.
"""

import dataclasses
import os

import accelerate
import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel
from torch.optim.swa_utils import get_ema_multi_avg_fn

from audw2s.distill import augment
from audw2s.distill.batches import NUM_VALUES
from audw2s.distill.batches import Batches
from audw2s.distill.config import Config
from audw2s.distill.disjoint import write_record
from audw2s.distill.fit_head import can_fit_head
from audw2s.distill.fit_head import fit_head
from audw2s.distill.loop import learn
from audw2s.distill.loop import share_of_rate
from audw2s.distill.losses import ccc_loss
from audw2s.distill.losses import total_loss
from audw2s.distill.muon import Muon
from audw2s.distill.origins import of_settings
from audw2s.distill.origins import write_origins
from audw2s.distill.state import State
from audw2s.distill.state import Tensors
from audw2s.distill.store import Store
from audw2s.distill.students import STUDENTS
from audw2s.distill.students import AnyStudent
from audw2s.distill.students import load_student
from audw2s.distill.teachers.checkpoint import write_tensors
from audw2s.evaluation.ccc import ccc
from audw2s.files import write_json
from audw2s.model.find import sha256
from audw2s.model.registry import DIMENSIONS


def train(
    config: Config, folder: str, *, store: str | None = None, verbose: bool = True
) -> torch.nn.Module:
    """Train a student; called again, resume the training.

    A step depends only on the configuration and its number, so an interrupted run ends
    in the same weights as one that wasn't. With several processes, each has different
    batches, and the gradients are averaged.

    Args:
        config: settings of the training
        folder: folder for ``checkpoint.safetensors``, ``student.safetensors``,
            ``config.json``, ``clips.parquet`` (see
            :data:`audw2s.distill.disjoint.RECORD`), ``origins.json`` (see
            :class:`audw2s.model.origins.Origins`), ``history.json``, ``curves.png``,
            and ``logs`` for TensorBoard
        store: folder of the batches that are used again if ``distinct`` is given, by
            default ``batches`` in the training's folder; see
            :func:`audw2s.distill.store.prepare`
        verbose: show a progress bar

    Returns:
        the trained student: the moving average of its weights, with the last layer
        fitted again (in the main process, the others don't fit it)

    Raises:
        FloatingPointError: if the loss isn't finite
        ValueError: if the folder holds another training

    """
    # oneDNN keeps 1,024 kernels, and each length of crops has kernels of its own: on a
    # processor that is gigabytes. It reads this at its first convolution
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
    training = Training(config, folder, store, verbose)
    learn(
        training.state,
        steps=config.steps,
        every=config.eval_every,
        prepare=training.prepare,
        loss=training.loss,
        rate=lambda step: share_of_rate(step, config.steps, config.warmup),
        evaluate=training.evaluate,
        verbose=verbose and training.machine.is_main_process,
    )
    return training.finish()


class Training:
    """Student of a training, its moving average, and its batches.

    Arguments are those of :func:`train`.
    """

    def __init__(self, config: Config, folder: str, store: str | None, verbose: bool):
        self.config = config
        self.folder = folder
        self.machine = accelerate.Accelerator(cpu=not torch.accelerator.is_available())
        is_main = self.machine.is_main_process
        network = make_student(config, self.machine.device)
        average = get_ema_multi_avg_fn(config.ema)
        self.ema = AveragedModel(network, multi_avg_fn=average, use_buffers=True)
        self.batches = Batches(config, verbose=verbose and is_main)
        trained: dict[str, torch.nn.Module] = {"network": network}
        if self.batches.projections:
            size = len(self.batches.projections.bias)
            layer = torch.nn.Linear(network.adv.in_features, size)
            trained["imitation"] = layer.to(self.machine.device)
        optimisers = make_optimisers(network, trained.get("imitation"), config)
        optimisers[-1].register_step_post_hook(
            lambda *_: self.ema.update_parameters(network)
        )
        use_precision(network, config)
        identity = identify(self.batches)
        networks = {**trained, "ema": self.ema}
        self.state = State(folder, identity, networks, optimisers, names=DIMENSIONS)
        if is_main:
            write_record(self.batches.used, folder, config.start)
        prepared = {k: self.machine.prepare_model(n) for k, n in trained.items()}
        self.parallel, self.imitation = prepared["network"], prepared.get("imitation")
        self.make = self.batches.make
        if config.distinct:
            store = store or os.path.join(folder, "batches")
            self.make = Store(self.batches, store).make

    def prepare(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Signals and labels of a step of this process, on its device."""
        position = step * self.machine.num_processes + self.machine.process_index
        signals, labels = self.make(batch_number(position, self.config))
        if self.config.channel:
            rng = np.random.default_rng((self.config.seed, position))
            voices = signals.numpy()
            changed = [augment.change_channel(s, voices, rng) for s in voices]
            signals = torch.from_numpy(np.array(changed, np.float32))
        return signals.to(self.machine.device), labels.to(self.machine.device)

    def loss(self, signals: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Loss of a batch."""
        hidden_states, logits = self.parallel.train()(signals)
        values, projections = labels.tensor_split([NUM_VALUES], dim=1)
        loss = total_loss(values, logits, self.config.loss, self.config.dimensions)
        if self.imitation is None:
            return loss
        imitated = self.imitation(hidden_states)
        weight = self.config.imitation_weight
        return loss + weight * ccc_loss(projections, imitated).mean()

    def evaluate(self) -> tuple[dict[str, float], Tensors]:
        """CCC of the moving average on held-out speakers, and its weights."""
        scores = validate(self.ema.module, self.batches.held_out())
        return scores, self.ema.module.state_dict()

    def finish(self) -> torch.nn.Module:
        """Fit the last layer, and write the student with its configuration."""
        config = self.config
        if not self.machine.is_main_process:
            return self.ema.module
        student = STUDENTS[config.student]()
        is_best = config.keep == "best"
        weights = self.state.best if is_best else self.ema.module.state_dict()
        student.load_state_dict(weights)
        count = min(config.refitted, len(self.batches.clips))
        if can_fit_head(student, count):
            fit_head(student, self.batches.undisturbed(count))
        path = os.path.join(self.folder, "student.safetensors")
        write_tensors(student.state_dict(), path, {"student": config.student})
        write_json(dataclasses.asdict(config), os.path.join(self.folder, "config.json"))
        write_origins(self.batches.origins | of_settings(config), self.folder)
        return student.eval()


def make_student(config: Config, device: torch.device) -> AnyStudent:
    """Make the student of a configuration, or read the one that it starts from.

    Raises:
        FileNotFoundError: if that isn't there
        ValueError: if it is of another architecture

    """
    torch.manual_seed(config.seed)
    if config.start:
        path = os.path.join(config.start, "student.safetensors")
        name, network = load_student(path)
        if name != config.student:
            raise ValueError(
                f"'{path}' is of the student '{name}', and 'student' in the settings "
                f"is '{config.student}'."
            )
    else:
        network = STUDENTS[config.student]()
    # Twice as fast on processors, for convolutions with or without groups
    # (an argument that torch's own types don't know)
    network.body.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.to(device)


def make_optimisers(
    network: AnyStudent, imitation: torch.nn.Module | None, config: Config
) -> list[torch.optim.Optimizer]:
    """Make the optimisers, the first of which clips the gradients of all.

    Args:
        network: student
        imitation: layer that imitates projections of the teacher's hidden states
        config: settings

    """
    others = [] if imitation is None else list(imitation.parameters())
    matrices: list[torch.Tensor] = []
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            is_matrix = parameter.ndim > 1 and not name.startswith("adv.")
            learnt_by = matrices if config.muon_rate and is_matrix else others
            learnt_by.append(parameter)
    decay = config.weight_decay
    optimisers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(others, lr=config.learning_rate, weight_decay=decay)
    ]
    if matrices:
        optimisers.append(Muon(matrices, lr=config.muon_rate, weight_decay=decay))

    def clip(*_: object) -> None:
        torch.nn.utils.clip_grad_norm_([*others, *matrices], config.clip_norm)

    optimisers[0].register_step_pre_hook(clip)
    return optimisers


def use_precision(network: AnyStudent, config: Config) -> None:
    """Let the convolutions compute in the precision of the settings.

    The front end needs more than 8 bits.
    """
    if config.precision == "bf16":
        device = next(network.parameters()).device.type
        half = torch.autocast(device, torch.bfloat16)
        setattr(network.body, "forward", half(network.body.forward))


def identify(batches: Batches) -> dict[str, object]:
    """Settings and hashes that a training depends on, without paths."""
    config = batches.config
    start = config.start and sha256(os.path.join(config.start, "student.safetensors"))
    return {**batches.identity, **config.of_training(), "start": start}


def batch_number(position: int, config: Config) -> int:
    """Number of the batch at a position in a training.

    Examples:
        >>> config = Config({}, distinct=3)
        >>> [batch_number(position, config) for position in range(3)]
        [0, 1, 2]
        >>> sorted(batch_number(position, config) for position in range(3, 6))
        [0, 1, 2]

    """
    if not config.distinct:
        return position
    epoch, place = divmod(position, config.distinct)
    if epoch == 0:
        return place
    shuffled = np.random.default_rng((config.seed, epoch)).permutation(config.distinct)
    return int(shuffled[place])


def validate(
    network: torch.nn.Module, clips: list[tuple[torch.Tensor, torch.Tensor]]
) -> dict[str, float]:
    """CCC of a student with its teacher on whole clips of held-out speakers."""
    network.eval()
    device = next(network.parameters()).device
    with torch.inference_mode():
        values = [network(signal[None].to(device))[1].cpu() for signal, _ in clips]
    labels = torch.stack([label for _, label in clips])
    scores = ccc(labels, torch.cat(values))
    return dict(zip(DIMENSIONS, scores.tolist(), strict=True))
