"""Train exits: choose the epoch on devel, train again on train and devel, test."""

import dataclasses
import json
import os
import shutil

import numpy as np
import pandas as pd
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from audw2s.distill.exits.backbones import Backbone
from audw2s.distill.exits.backbones import make_backbone
from audw2s.distill.exits.config import Config
from audw2s.distill.exits.data import Data
from audw2s.distill.exits.data import identify
from audw2s.distill.exits.epochs import autocast
from audw2s.distill.exits.epochs import run_epochs
from audw2s.distill.exits.epochs import seeded
from audw2s.distill.exits.layerwise import Predictors
from audw2s.distill.exits.layerwise import default_targets
from audw2s.distill.exits.layerwise import prediction_loss
from audw2s.distill.exits.losses import total_loss
from audw2s.distill.exits.metrics import score
from audw2s.distill.exits.model import ExitNetwork
from audw2s.distill.exits.model import ExitOutput
from audw2s.distill.exits.model import SingleExit
from audw2s.distill.export import num_parameters
from audw2s.distill.settings import check_unchanged
from audw2s.distill.state import CHECKPOINT
from audw2s.distill.state import State
from audw2s.distill.state import Tensors
from audw2s.distill.teachers.checkpoint import SAME_KEYS
from audw2s.distill.teachers.checkpoint import load_strictly
from audw2s.files import replacing
from audw2s.files import write_json
from audw2s.tables import write_table
from audw2s.version import __version__

NETWORK = "network.safetensors"
OUTCOME = "outcome.json"


def train(
    config: Config,
    data: Data,
    backbone: Backbone,
    folder: str,
    *,
    verbose: bool = True,
) -> dict:
    """Train exits; called again, resume the training.

    The number of epochs with the best mean score of all exits on the development part
    is chosen; then the network is trained for as many epochs on training and
    development part, and tested once.

    Args:
        config: settings of the training
        data: see :func:`audw2s.distill.exits.data.read_data`
        backbone: published encoder, which is copied
        folder: folder for ``network.safetensors``, ``outcome.json``, predictions in
            ``devel.parquet`` and ``test.parquet``; both trainings have a folder with
            curves in it
        verbose: show progress bars

    Returns:
        content of ``outcome.json``: the chosen ``epoch``, ``depths`` of the exits
        and ``parameters`` of each, and ``labels``

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
    state = run_part(config, data, backbone, folder, "devel", verbose=verbose)
    outputs = {int(depth): values.numpy() for depth, values in state.best.items()}
    write_predictions(outputs, config, data, folder, "devel")
    # The first of equals
    epoch = max(state.history, key=state.score)["epoch"]
    state = run_part(
        config, data, backbone, folder, "test", epochs=epoch, verbose=verbose
    )
    network = state.networks["network"]
    outputs = logits_of_exits(network, data, data.part(config, "test"))
    write_predictions(outputs, config, data, folder, "test")
    outcome = {
        "epoch": epoch,
        "depths": list(network.depths),
        "parameters": {
            str(depth): num_parameters(SingleExit(network, depth))
            for depth in network.depths
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
    backbone: Backbone,
    folder: str,
    part: str,
    *,
    epochs: int | None = None,
    verbose: bool = True,
) -> State:
    """Run one of both trainings, in a folder of its name.

    Args:
        config: settings of the training
        data: clips
        backbone: published encoder
        folder: folder of both trainings
        part: part of the corpus that the network is for: ``"devel"`` to train on train
            and choose the epoch on devel, ``"test"`` to train on train and devel
        epochs: number of epochs, all by default
        verbose: show a progress bar

    """
    choosing, devel = part == "devel", data.part(config, "devel")
    learnt = data.part(config, "train", *([] if choosing else ["devel"]))
    network = make_network(config, backbone, len(data.labels))
    folder = os.path.join(folder, part)
    if config.method == "layerwise":
        predict_layers(config, data, backbone, learnt, network, folder, verbose)

    def measure(network: ExitNetwork) -> tuple[dict[str, float], Tensors]:
        outputs = logits_of_exits(network, data, devel, config.precision)
        truth = data.truth[devel].numpy()
        scores = {f"exit {k}": score(truth, values) for k, values in outputs.items()}
        return scores, {str(k): torch.from_numpy(v) for k, v in outputs.items()}

    return run_epochs(
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


def exit_loss(config: Config):
    """Loss of a configuration, as a function of network, inputs and truth."""

    def loss(
        network: ExitNetwork,
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
        )

    return loss


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
    targets = config.layerwise_targets or default_targets(len(teacher.layers))
    with seeded(config.seed, 0, torch.device("cpu")):
        short = backbone.cut(config.layerwise_depth)
        predictors = Predictors(short, targets, config.block)

    def loss(predictors: Predictors, inputs: torch.Tensor, _) -> torch.Tensor:
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


def make_network(config: Config, backbone: Backbone, num_outputs: int) -> ExitNetwork:
    """Make the network of a configuration; new layers have random weights.

    Raises:
        ValueError: if the encoder doesn't have the layers

    """
    depth = config.depth or len(backbone.layers)
    exits, deepest_block = (), None
    if config.method == "distilled":
        exits = config.exits
    elif config.method == "layerwise":
        depth, deepest_block = config.layerwise_depth, config.block
    with seeded(config.seed, 0, torch.device("cpu")):
        short = backbone.cut(depth)
        return ExitNetwork(short, exits, num_outputs, config.block, deepest_block)


def logits_of_exits(
    network: ExitNetwork,
    data: Data,
    numbers: np.ndarray,
    precision: str = "fp32",
) -> dict[int, np.ndarray]:
    """Logits ``(num_clips, num_outputs)`` of each exit.

    Args:
        network: network with exits
        data: clips
        numbers: numbers of the clips
        precision: precision of the computation, ``"fp32"`` or ``"bf16"``

    """
    device = next(network.parameters()).device
    outputs: dict[int, list] = {depth: [] for depth in network.depths}
    with torch.inference_mode(), autocast(precision, device):
        for part in np.array_split(numbers, -(-len(numbers) // 32)):
            inputs = data.inputs[torch.from_numpy(part)].to(device)
            for depth, output in network.eval()(inputs).items():
                outputs[depth].append(output.logits.float().cpu().numpy())
    return {depth: np.concatenate(parts) for depth, parts in outputs.items()}


def write_predictions(
    outputs: dict[int, np.ndarray],
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
        clips.assign(exit=depth, **dict(zip(data.labels, values.T, strict=True)))
        for depth, values in outputs.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    write_table(table, os.path.join(folder, f"{part}.parquet"))


def save_network(network: ExitNetwork, outcome: dict, path: str) -> None:
    """Write a trained network, with the settings to build it again."""
    metadata = {"backbone": network.backbone.config.to_dict(), **outcome}
    weights = {k: v.cpu().contiguous() for k, v in network.state_dict().items()}
    with replacing(path) as temporary:
        save_file(weights, temporary, {"about": json.dumps(metadata)})


def load_network(folder: str) -> tuple[ExitNetwork, dict]:
    """Read a trained network, without the published weights.

    Args:
        folder: folder of a training

    Returns:
        network, and its metadata

    Raises:
        FileNotFoundError: if the training isn't finished, or there is none
        ValueError: if the file is damaged

    """
    path = os.path.join(folder, NETWORK)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"No trained network at '{path}'.")
    with safe_open(path, "pt") as file:
        metadata = json.loads((file.metadata() or {}).get("about", "null"))
        weights = {key: file.get_tensor(key) for key in file.keys()}
    if metadata is None:
        raise ValueError(f"'{path}' doesn't say what it holds.")
    config = Config(**metadata["config"])
    backbone = make_backbone(metadata["backbone"], config.samples)
    network = make_network(config, backbone, len(metadata["labels"]))
    load_strictly(network, weights, SAME_KEYS, path)
    return network.eval(), metadata
