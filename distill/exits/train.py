"""Train exits: choose the epoch on devel, train again on train and devel, test."""

import dataclasses
import os
import shutil
from functools import partial
from typing import Any
from typing import cast

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
from audw2s.distill.exits.epochs import logits_of_exits
from audw2s.distill.exits.epochs import run_epochs
from audw2s.distill.exits.layerwise import Predictors
from audw2s.distill.exits.layerwise import prediction_loss
from audw2s.distill.exits.losses import total_loss
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
from audw2s.distill.teachers.checkpoint import read_json
from audw2s.files import write_json
from audw2s.tables import write_table
from audw2s.version import __version__

OUTCOME = "outcome.json"


def train(
    config: Config, data: Data, front: FrontEnd, folder: str, *, verbose: bool = True
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
        outcome = read_json(path)
        check_unchanged(path, outcome.get("identity", {}), identity)
        return outcome
    training = Training(config, data, front, folder, verbose)
    network, state = training.run("devel")
    epoch, outputs = config.epochs, state.best
    # Deviation: the paper trains all epochs, on train and then on train and devel
    if config.choose_epoch:
        # The first of equals
        epoch = max(state.history, key=state.score)["epoch"]
    else:
        outputs = logits_of_exits(network, data, data.part(config, "devel"))
    training.write(outputs, "devel")
    network, _ = training.run("test", epoch)
    training.write(logits_of_exits(network, data, data.part(config, "test")), "test")
    outcome = {
        "epoch": epoch,
        "depths": list(network.depths),
        "parameters": {str(k): network.num_parameters(k) for k in network.depths},
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


@dataclasses.dataclass(frozen=True)
class Training:
    """Both trainings of a configuration; arguments are those of :func:`train`."""

    config: Config
    data: Data
    front: FrontEnd
    folder: str
    verbose: bool

    def run(self, part: str, epochs: int | None = None) -> tuple[Network, State]:
        """Run one of both trainings, in a folder of its name.

        Args:
            part: part of the corpus that the network is for: ``"devel"`` to train on
                train and choose the epoch on devel, ``"test"`` to train on train and
                devel
            epochs: number of epochs, all by default

        Returns:
            trained network, and the state of its training

        """
        config, data = self.config, self.data
        choosing, devel = part == "devel", data.part(config, "devel")
        learnt = data.part(config, "train", *([] if choosing else ["devel"]))
        network = make_network(config, self.front, len(data.labels))
        folder = os.path.join(self.folder, part)
        if config.method == "layerwise":
            self.predict_layers(learnt, network, f"{folder}-layers")
        state = run_epochs(
            network,
            config,
            data,
            learnt,
            folder,
            loss=exit_loss(config),
            devel=devel if choosing else (),
            epochs=epochs,
            desc=f"{config.method}, {'train' if choosing else 'train and devel'}",
            verbose=self.verbose,
        )
        return network, state

    def predict_layers(self, learnt: np.ndarray, network: Network, folder: str) -> None:
        """Learn the encoder's layers without labels, the first stage of the baseline.

        Args:
            learnt: numbers of the clips to learn from
            network: network with one exit, which is trained in place
            folder: folder of this stage

        """
        config, backbone = self.config, cast(Backbone, self.front)
        teacher = backbone.cut(config.depth or len(backbone.layers)).eval()
        teacher.requires_grad_(False)
        targets = targets_of(config, backbone)
        predictors = Predictors(cast(ExitNetwork, network), targets)

        def loss(
            predictors: Predictors, inputs: torch.Tensor, _: torch.Tensor
        ) -> torch.Tensor:
            with autocast(config.precision, inputs.device):
                return prediction_loss(teacher.to(inputs.device), predictors, inputs)

        run_epochs(
            predictors,
            config,
            self.data,
            learnt,
            folder,
            loss=loss,
            desc="layers",
            verbose=self.verbose,
        )

    def write(self, outputs: Tensors, part: str) -> None:
        """Write predictions for a part: a row for each exit and clip.

        Columns: ``file``, ``start``, ``speaker``, ``exit``, the truth as ``truth`` (the
        class) or ``reference_arousal`` and so on, and logits or values by label.
        """
        data, numbers = self.data, self.data.part(self.config, part)
        clips = data.table.iloc[numbers][["file", "start", "speaker"]]
        truth = data.truth[numbers].numpy()
        if self.config.of_classes:
            clips = clips.assign(truth=[data.labels[k] for k in truth])
        else:
            clips[[f"reference_{name}" for name in data.labels]] = truth
        parts = []
        for depth, values in outputs.items():
            table = clips.assign(exit=int(depth))
            table[list(data.labels)] = values.numpy()
            parts.append(table)
        table = pd.concat(parts, ignore_index=True)
        write_table(table, os.path.join(self.folder, f"{part}.parquet"))


def exit_loss(config: Config) -> Loss:
    """Loss of a configuration, as a function of network, inputs and truth."""

    def loss(
        network: Network, inputs: torch.Tensor, truth: torch.Tensor
    ) -> torch.Tensor:
        with autocast(config.precision, inputs.device):
            outputs = network(inputs)
        outputs = {k: ExitOutput(*(v.float() for v in s)) for k, s in outputs.items()}
        return total_loss(outputs, truth, config)

    def with_adversarial(
        network: Network, inputs: torch.Tensor, truth: torch.Tensor
    ) -> torch.Tensor:
        clean = partial(loss, network, truth=truth)
        changed = adversarial(inputs, clean, config.epsilon)
        return (clean(inputs) + clean(changed)) / 2

    return with_adversarial if config.method == ADVERSARIAL else loss
