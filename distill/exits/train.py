"""Train exits: choose the epoch on devel, train again on train and devel, test."""

import dataclasses
import json
import os
import shutil
from typing import Any

import numpy as np
import pandas as pd
import torch

from audw2s.distill.exits.backbones import Backbone
from audw2s.distill.exits.backbones import FrontEnd
from audw2s.distill.exits.config import Config
from audw2s.distill.exits.data import Data
from audw2s.distill.exits.data import identify
from audw2s.distill.exits.epochs import Loss
from audw2s.distill.exits.epochs import autocast
from audw2s.distill.exits.epochs import run_epochs
from audw2s.distill.exits.epochs import seeded
from audw2s.distill.exits.layerwise import Predictors
from audw2s.distill.exits.layerwise import prediction_loss
from audw2s.distill.exits.losses import total_loss
from audw2s.distill.exits.metrics import score
from audw2s.distill.exits.model import ExitNetwork
from audw2s.distill.exits.model import ExitOutput
from audw2s.distill.exits.networks import NETWORK
from audw2s.distill.exits.networks import Network
from audw2s.distill.exits.networks import make_network
from audw2s.distill.exits.networks import save_network
from audw2s.distill.exits.networks import targets_of
from audw2s.distill.exits.scratch import ADVERSARIAL
from audw2s.distill.exits.scratch import adversarial
from audw2s.distill.settings import check_unchanged
from audw2s.distill.state import CHECKPOINT
from audw2s.distill.state import State
from audw2s.distill.state import Tensors
from audw2s.files import write_json
from audw2s.tables import write_table
from audw2s.version import __version__

OUTCOME = "outcome.json"


def train(
    config: Config,
    data: Data,
    front: FrontEnd,
    folder: str,
    *,
    verbose: bool = True,
) -> dict[str, Any]:
    """Train exits; called again, resume the training.

    The network is trained on the training part, and its predictions of the development
    part are those of the epoch with the best mean score of all exits, or of the last
    one. Then it is trained for as many epochs on both parts, and tested once.

    Args:
        config: settings of the training
        data: see :func:`audw2s.distill.exits.data.read_data`
        front: published encoder, which is copied, or the spectrogram of networks from
            scratch, see :func:`audw2s.distill.exits.networks.load_front_end`
        folder: folder for ``network.safetensors``, ``outcome.json``, predictions in
            ``devel.parquet`` and ``test.parquet``; both trainings have a folder with
            curves in it
        verbose: show progress bars

    Returns:
        content of ``outcome.json``: the number of epochs as ``epoch``, ``depths`` of
        the exits and ``parameters`` of each, and ``labels``

    Raises:
        FloatingPointError: if the loss isn't finite
        ValueError: if the folder holds another training

    """
    path, identity = os.path.join(folder, OUTCOME), identify(config, data)
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            outcome = json.load(file)
        check_unchanged(path, outcome.get("identity", {}), identity)
        return outcome
    network, state = run_part(config, data, front, folder, "devel", verbose=verbose)
    epoch, outputs = config.epochs, state.best
    # Deviation: the paper trains all epochs, on train and then on train and devel
    if config.choose_epoch:
        # The first of equals
        epoch = max(state.history, key=state.score)["epoch"]
    else:
        outputs = logits_of_exits(network, data, data.part(config, "devel"))
    write_predictions(outputs, config, data, folder, "devel")
    network, _ = run_part(
        config, data, front, folder, "test", epochs=epoch, verbose=verbose
    )
    outputs = logits_of_exits(network, data, data.part(config, "test"))
    write_predictions(outputs, config, data, folder, "test")
    outcome = {
        "epoch": epoch,
        "depths": list(network.depths),
        "parameters": {
            str(depth): network.num_parameters(depth) for depth in network.depths
        },
        "labels": list(data.labels),
        "version": __version__,
        "config": dataclasses.asdict(config),
        "identity": identity,
    }
    save_network(network, outcome, os.path.join(folder, NETWORK))
    write_json(outcome, path)
    # Curves stay; checkpoints are three times as large as the network
    for part in ("devel", "test"):
        os.remove(os.path.join(folder, part, CHECKPOINT))
        shutil.rmtree(os.path.join(folder, f"{part}-layers"), ignore_errors=True)
    return outcome


def run_part(
    config: Config,
    data: Data,
    front: FrontEnd,
    folder: str,
    part: str,
    *,
    epochs: int | None = None,
    verbose: bool = True,
) -> tuple[Network, State]:
    """Run one of both trainings, in a folder of its name.

    Args:
        config: settings of the training
        data: clips
        front: see :func:`train`
        folder: folder of both trainings
        part: part of the corpus that the network is for: ``"devel"`` to train on train
            and choose the epoch on devel, ``"test"`` to train on train and devel
        epochs: number of epochs, all by default
        verbose: show a progress bar

    Returns:
        trained network, and the state of its training

    """
    choosing, devel = part == "devel", data.part(config, "devel")
    learnt = data.part(config, "train", *([] if choosing else ["devel"]))
    network = make_network(config, front, len(data.labels))
    folder = os.path.join(folder, part)
    if isinstance(front, Backbone) and isinstance(network, ExitNetwork):
        if config.method == "layerwise":
            predict_layers(config, data, front, learnt, network, folder, verbose)

    def measure(network: Network) -> tuple[dict[str, float], Tensors]:
        outputs = logits_of_exits(network, data, devel, config.precision)
        truth = data.truth[devel].numpy()
        scores = {f"exit {k}": score(truth, v.numpy()) for k, v in outputs.items()}
        return scores, outputs

    state = run_epochs(
        network,
        config,
        data,
        learnt,
        folder,
        loss=exit_loss(config),
        measure=measure if choosing else None,
        names=[f"exit {depth}" for depth in network.depths],
        epochs=epochs,
        desc=f"{config.method}, {'train' if choosing else 'train and devel'}",
        verbose=verbose,
    )
    return network, state


def exit_loss(config: Config) -> Loss[Network]:
    """Loss of a configuration, as a function of network, inputs and truth."""

    def clean(
        network: Network,
        inputs: torch.Tensor,
        truth: torch.Tensor,
    ) -> torch.Tensor:
        with autocast(config.precision, inputs.device):
            outputs = network(inputs)
        outputs = {
            k: ExitOutput(*(values.float() for values in s)) for k, s in outputs.items()
        }
        return total_loss(
            outputs,
            truth,
            alpha=config.alpha,
            beta=config.beta,
            gamma=config.gamma,
            similarity=config.similarity,
            compared=config.compared,
            reference_kl=config.reference_kl,
            detach_teacher=config.detach_teacher,
        )

    def hardened(
        network: Network,
        inputs: torch.Tensor,
        truth: torch.Tensor,
    ) -> torch.Tensor:
        changed = adversarial(
            inputs, lambda values: clean(network, values, truth), config.epsilon
        )
        return (clean(network, inputs, truth) + clean(network, changed, truth)) / 2

    return hardened if config.method == ADVERSARIAL else clean


def predict_layers(
    config: Config,
    data: Data,
    backbone: Backbone,
    learnt: np.ndarray,
    network: ExitNetwork,
    folder: str,
    verbose: bool,
) -> None:
    """Learn the encoder's layers without labels, the first stage of the baseline."""
    teacher = backbone.cut(config.depth or len(backbone.layers)).eval()
    teacher.requires_grad_(False)
    targets = targets_of(config, backbone)
    with seeded(config.seed, 0, torch.device("cpu")):
        short = backbone.cut(config.layerwise_depth)
        predictors = Predictors(short, targets, config.block)

    def loss(
        predictors: Predictors, inputs: torch.Tensor, _: torch.Tensor
    ) -> torch.Tensor:
        with autocast(config.precision, inputs.device):
            return prediction_loss(teacher.to(inputs.device), predictors, inputs)

    run_epochs(
        predictors,
        config,
        data,
        learnt,
        f"{folder}-layers",
        loss=loss,
        desc="layers",
        verbose=verbose,
    )
    predictors.cpu().copy_to(network)


def logits_of_exits(
    network: Network,
    data: Data,
    numbers: np.ndarray,
    precision: str = "fp32",
) -> Tensors:
    """Logits ``(num_clips, num_outputs)`` of each exit.

    Args:
        network: network with exits
        data: clips
        numbers: numbers of the clips
        precision: precision of the computation, ``"fp32"`` or ``"bf16"``

    """
    device = next(network.parameters()).device
    outputs: dict[str, list[torch.Tensor]] = {str(k): [] for k in network.depths}
    with torch.inference_mode(), autocast(precision, device):
        for part in np.array_split(numbers, -(-len(numbers) // 32)):
            inputs = data.inputs[torch.from_numpy(part)].to(device)
            for depth, output in network.eval()(inputs).items():
                outputs[str(depth)].append(output.logits.float().cpu())
    return {depth: torch.cat(parts) for depth, parts in outputs.items()}


def write_predictions(
    outputs: Tensors,
    config: Config,
    data: Data,
    folder: str,
    part: str,
) -> None:
    """Write predictions for a part: a row for each exit and clip.

    Columns: ``file``, ``start``, ``speaker``, ``exit``, the truth as ``truth`` (the
    class) or ``reference_arousal`` and so on, and logits or values by label.
    """
    numbers = data.part(config, part)
    clips = data.table.iloc[numbers][["file", "start", "speaker"]]
    truth = data.truth[numbers].numpy()
    if config.of_classes:
        clips = clips.assign(truth=[data.labels[k] for k in truth])
    else:
        clips[[f"reference_{name}" for name in data.labels]] = truth
    parts = [
        clips.assign(
            exit=int(depth), **dict(zip(data.labels, values.numpy().T, strict=True))
        )
        for depth, values in outputs.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    write_table(table, os.path.join(folder, f"{part}.parquet"))
