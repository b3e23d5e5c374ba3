"""Train exits: on train, chosen on devel; then on both, heard on test."""

import dataclasses
import json
import os
import shutil

import numpy as np
import pandas as pd
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from audw2s.distill.config import changed_settings
from audw2s.distill.exits.backbones import Backbone
from audw2s.distill.exits.backbones import make_backbone
from audw2s.distill.exits.config import Config
from audw2s.distill.exits.data import Data
from audw2s.distill.exits.data import identify
from audw2s.distill.exits.layerwise import Predictors
from audw2s.distill.exits.layerwise import default_targets
from audw2s.distill.exits.layerwise import prediction_loss
from audw2s.distill.exits.losses import total_loss
from audw2s.distill.exits.metrics import score
from audw2s.distill.exits.model import ExitNetwork
from audw2s.distill.exits.model import Said
from audw2s.distill.exits.model import SingleExit
from audw2s.distill.exits.model import num_parameters
from audw2s.distill.exits.phase import State
from audw2s.distill.exits.phase import autocast
from audw2s.distill.exits.phase import run_epochs
from audw2s.distill.exits.phase import seeded
from audw2s.distill.snapshot import Tensors
from audw2s.distill.teachers.checkpoint import SAME_KEYS
from audw2s.distill.teachers.checkpoint import load_strictly
from audw2s.files import replacing
from audw2s.files import write_json
from audw2s.files import write_table
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
    """Train exits; called again, go on where it stopped.

    The epoch with the best mean score of all exits on the development part is
    chosen; then so many epochs are learnt from the training and the development part
    together, and the test part is heard once.

    Args:
        config: of the training
        data: see :func:`audw2s.distill.exits.data.read_data`
        backbone: the published encoder; it is copied
        folder: for ``network.safetensors``, ``outcome.json``, ``devel.parquet`` and
            ``test.parquet`` with what each exit says of each clip, and a folder for
            each of both trainings with curves
        verbose: show progress bars

    Returns:
        what is in ``outcome.json``: the chosen ``epoch``, ``depths`` of the exits
        and ``parameters`` of each, and ``labels``

    Raises:
        FloatingPointError: if the loss isn't finite
        ValueError: if the folder holds another training

    """
    path = os.path.join(folder, OUTCOME)
    if os.path.exists(path):
        return read_outcome(path, identify(config, data))
    devel, test = data.part(config, "devel"), data.part(config, "test")
    state = run_part(
        config, data, backbone, os.path.join(folder, "devel"), devel, verbose=verbose
    )
    said = {int(depth): values.numpy() for depth, values in state.best.items()}
    write_said(said, data, devel, os.path.join(folder, "devel.parquet"))
    epoch = state.best_epoch
    network = run_part(
        config,
        data,
        backbone,
        os.path.join(folder, "test"),
        epochs=epoch,
        verbose=verbose,
    ).network
    said = hear(network, data, test)
    write_said(said, data, test, os.path.join(folder, "test.parquet"))
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
        "identity": identify(config, data),
    }
    save_network(network, outcome, os.path.join(folder, NETWORK))
    # Their checkpoints are three times as large as the network
    for name in ("devel", "devel-layers", "test", "test-layers"):
        remove_checkpoint(os.path.join(folder, name))
    write_json(outcome, path)
    return outcome


def read_outcome(path: str, identity: dict[str, object]) -> dict:
    """Read what a training gave.

    Args:
        path: of the file
        identity: see :func:`audw2s.distill.exits.data.identify`

    Raises:
        ValueError: if its settings were others, its corpus or its backbone

    """
    with open(path, encoding="utf-8") as file:
        outcome = json.load(file)
    if changed := changed_settings(outcome.get("identity", {}), identity):
        raise ValueError(
            f"{path} was made with other settings of {changed}, or other content. "
            "Choose another output folder, or delete this one."
        )
    return outcome


def remove_checkpoint(folder: str) -> None:
    """Remove what a training would go on from; its curves stay."""
    if folder.endswith("-layers"):
        shutil.rmtree(folder, ignore_errors=True)
    elif os.path.exists(path := os.path.join(folder, "checkpoint.safetensors")):
        os.remove(path)


def run_part(
    config: Config,
    data: Data,
    backbone: Backbone,
    folder: str,
    heard: np.ndarray | None = None,
    *,
    epochs: int | None = None,
    verbose: bool = True,
) -> State:
    """One of both trainings.

    Args:
        config: of the training
        data: holds the clips
        backbone: the published encoder
        folder: of its checkpoint and its curves
        heard: numbers of the clips that choose the epoch; without them train and
            devel are learnt from
        epochs: to learn, all by default
        verbose: show a progress bar

    """
    learnt = data.part(config, "train", *(() if heard is not None else ("devel",)))
    network = make_network(config, backbone, len(data.labels))
    if config.method == "layerwise":
        predict_layers(config, data, backbone, learnt, network, folder, verbose)
    choosing = heard is not None

    def measure(network: ExitNetwork) -> tuple[dict[str, float], Tensors]:
        said = hear(network, data, heard, config)
        truth = data.truth[heard].numpy()
        scores = {f"exit {k}": score(truth, values) for k, values in said.items()}
        return scores, {str(k): torch.from_numpy(v) for k, v in said.items()}

    return run_epochs(
        network,
        config,
        data,
        learnt,
        folder,
        loss=exit_loss(config),
        measure=measure if choosing else None,
        epochs=epochs,
        desc=f"{config.method}, {'train' if choosing else 'train and devel'}",
        verbose=verbose,
    )


def exit_loss(config: Config):
    """The loss of a configuration, of a network, inputs and truth."""

    def loss(
        network: ExitNetwork,
        inputs: torch.Tensor,
        truth: torch.Tensor,
    ) -> torch.Tensor:
        with autocast(config, inputs.device):
            said = network(inputs)
        said = {k: Said(*(values.float() for values in s)) for k, s in said.items()}
        return total_loss(
            said,
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
        with autocast(config, inputs.device):
            return prediction_loss(teacher.to(inputs.device), predictors, inputs)

    state = run_epochs(
        predictors,
        config,
        data,
        learnt,
        f"{folder}-layers",
        loss=loss,
        desc="layers",
        verbose=verbose,
    )
    state.network.cpu().hand_over(network)


def make_network(config: Config, backbone: Backbone, num_outputs: int) -> ExitNetwork:
    """Make the network of a configuration; what isn't published is drawn.

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


def hear(
    network: ExitNetwork,
    data: Data,
    numbers: np.ndarray,
    config: Config | None = None,
) -> dict[int, np.ndarray]:
    """Logits ``(num_clips, num_outputs)`` of each exit.

    Args:
        network: with exits
        data: holds the clips
        numbers: of the clips
        config: whose precision is used, float32 without one

    """
    device = next(network.parameters()).device
    network.eval()
    said: dict[int, list] = {depth: [] for depth in network.depths}
    half = (
        autocast(config, device) if config else torch.autocast(device.type, None, False)
    )
    with torch.inference_mode(), half:
        for part in np.array_split(numbers, -(-len(numbers) // 32)):
            inputs = data.inputs[torch.from_numpy(part)].to(device)
            for depth, found in network(inputs).items():
                said[depth].append(found.logits.float().cpu().numpy())
    return {depth: np.concatenate(parts) for depth, parts in said.items()}


def write_said(
    said: dict[int, np.ndarray],
    data: Data,
    numbers: np.ndarray,
    path: str,
) -> None:
    """Write what exits say: a row for each exit and clip.

    Columns: ``file``, ``start``, ``speaker``, ``exit``, the truth as ``truth`` (the
    class) or ``reference_arousal`` and so on, and logits or values by label.
    """
    clips = data.table.iloc[numbers][["file", "start", "speaker"]]
    truth = data.truth[numbers].numpy()
    if truth.ndim == 1:
        clips = clips.assign(truth=[data.labels[k] for k in truth])
    else:
        names = [f"reference_{name}" for name in data.labels]
        clips = clips.assign(**dict(zip(names, truth.T, strict=True)))
    parts = [
        clips.assign(exit=depth, **dict(zip(data.labels, values.T, strict=True)))
        for depth, values in said.items()
    ]
    write_table(pd.concat(parts, ignore_index=True), path)


def save_network(network: ExitNetwork, outcome: dict, path: str) -> None:
    """Write a trained network, and all that is needed to build it again."""
    about = {"backbone": network.backbone.config.to_dict(), **outcome}
    weights = {k: v.cpu().contiguous() for k, v in network.state_dict().items()}
    with replacing(path) as temporary:
        save_file(weights, temporary, {"about": json.dumps(about)})


def load_network(folder: str) -> tuple[ExitNetwork, dict]:
    """Read a trained network; published weights aren't needed for it.

    Args:
        folder: of a training

    Returns:
        the network, and what is known of it

    Raises:
        FileNotFoundError: if the training isn't finished, or there is none
        ValueError: if the file is damaged

    """
    path = os.path.join(folder, NETWORK)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"No trained network at '{path}'.")
    with safe_open(path, "pt") as file:
        about = json.loads((file.metadata() or {}).get("about", "null"))
        weights = {key: file.get_tensor(key) for key in file.keys()}
    if about is None:
        raise ValueError(f"'{path}' doesn't say what it holds.")
    config = Config(**about["config"])
    backbone = make_backbone(about["backbone"], config.samples)
    network = make_network(config, backbone, len(about["labels"]))
    load_strictly(network, weights, SAME_KEYS, path)
    return network.eval(), about
