"""Export trained exits: an ONNX file per exit, and one per segment of layers."""

import os
import shutil
from collections.abc import Iterator

import numpy as np
import onnx
import onnxruntime
import torch

from audw2s.distill.exits.metrics import good_margin
from audw2s.distill.exits.model import ExitNetwork
from audw2s.distill.exits.model import LayerSegment
from audw2s.distill.exits.model import SingleExit
from audw2s.distill.exits.networks import load_network
from audw2s.distill.exits.results import Predictions
from audw2s.distill.exits.tables import render
from audw2s.distill.export import check_parity
from audw2s.distill.export import export_graph
from audw2s.distill.export import num_parameters
from audw2s.distill.export import probes
from audw2s.distill.export import to_onnx
from audw2s.files import replacing
from audw2s.files import write_json
from audw2s.files import write_text
from audw2s.model.cascade import CascadeSession
from audw2s.model.early_exit import INDEX
from audw2s.model.store import save
from audw2s.version import __version__


def export_exits(run: str, folder: str, name: str) -> float:
    """Export a training to a model folder.

    Args:
        run: folder of one training, see :func:`audw2s.distill.exits.train.train`
        folder: folder of the model: ``exit3.onnx`` and ``exit3.yaml`` and so on,
            ``model.yaml`` for the deepest, ``part3.onnx`` and so on for classes,
            ``exits.json`` with their sha256, and a ``card.md``
        name: name of the model

    Returns:
        largest difference to torch

    Raises:
        FileNotFoundError: if the training isn't finished
        ValueError: if the network has no exits, or a logit differs by more than 1e-4;
            that file isn't written

    """
    network, metadata = load_network(run)
    if not isinstance(network, ExitNetwork):
        raise ValueError(f"'{run}' is a network from scratch: it has no exits.")
    labels, config = metadata["labels"], metadata["config"]
    of_classes = config["target"] != "dimensions"
    properties = {
        "name": name,
        "sampling_rate": "16000",
        "max_dur": f"{config['samples'] / 16000:g}",
        "outputs": "classes" if of_classes else "dimensions",
        "version": __version__,
    }
    worst = 0.0
    exits: dict[str, dict[str, str | int]] = {}
    for depth in network.depths:
        single = SingleExit(network, depth).eval()
        model, count = to_onnx(single), num_parameters(single)
        worst = max(worst, check_parity(single, model, signals=odd_probes()))
        entries = properties | {"parameters": str(count), "exit": str(depth)}
        sha256 = save(model, folder, entries, f"exit{depth}", labels)
        file = f"exit{depth}.onnx"
        exits[str(depth)] = {"file": file, "sha256": sha256, "parameters": count}
    # audonnx.load(folder) finds the deepest exit
    source = os.path.join(folder, f"exit{network.deepest}.yaml")
    with replacing(os.path.join(folder, "model.yaml")) as temporary:
        shutil.copyfile(source, temporary)
    margin, parts = 1.0, exits
    if of_classes:
        devel = Predictions(os.path.join(run, "devel.parquet"))
        margin = good_margin(devel.truth, devel.logits)
        parts, difference = export_parts(network, folder, properties, labels)
        worst = max(worst, difference)
    index = {"name": name, "labels": labels, "classes": of_classes, "margin": margin}
    index |= {"exits": exits, "parts": parts, "version": __version__}
    write_json(index, os.path.join(folder, INDEX))
    card = render("card.md.jinja", index=index, metadata=metadata, config=config)
    write_text(f"{card}\n", os.path.join(folder, "card.md"))
    return worst


def odd_probes() -> Iterator[tuple[str, np.ndarray]]:
    """Signals of odd lengths, shorter and longer than the input of the encoder."""
    yield from probes()
    rng = np.random.default_rng(1)
    for length in (95_743, 95_744, 95_745):
        yield f"noise {length}", rng.standard_normal(length).astype(np.float32)


def export_parts(
    network: ExitNetwork, folder: str, properties: dict[str, str], labels: list[str]
) -> tuple[dict, float]:
    """Write the layers from one exit to the next, for exits chosen by a margin.

    Args:
        network: network with exits
        folder: folder of the model
        properties: properties of each file
        labels: names of the outputs

    Returns:
        entries of the index, and largest difference to torch

    Raises:
        ValueError: if a logit differs by more than 1e-4

    """
    after, example, name = 0, torch.randn(1, 32000), "signal"
    models: dict[int, onnx.ModelProto] = {}
    for depth in network.depths:
        part = LayerSegment(network, depth, after).eval()
        outputs = ["states", "hidden_states", "logits"]
        models[depth] = export_graph(part, name, example, outputs)
        with torch.inference_mode():
            example = part(example)[0].clone()
        after, name = depth, "before"
    files = (model.SerializeToString() for model in models.values())
    sessions = [onnxruntime.InferenceSession(file) for file in files]
    # No logits reach this margin, so all parts run
    chain = CascadeSession(list(models), sessions, margin=2.0)
    whole = SingleExit(network, network.deepest).eval()
    worst = check_parity(whole, chain, signals=odd_probes())
    entries = {}
    for depth, model in models.items():
        part_properties = {**properties, "exit": str(depth)}
        sha256 = save(model, folder, part_properties, f"part{depth}", labels)
        entries[str(depth)] = {"file": f"part{depth}.onnx", "sha256": sha256}
    return entries, worst
