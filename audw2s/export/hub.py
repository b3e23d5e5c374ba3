"""A folder for a repository of the Hugging Face hub: model, configuration and card."""

import itertools
import os
import re
import shutil
from collections.abc import Iterator
from collections.abc import Sequence

import audonnx
from huggingface_hub import EvalResult
from huggingface_hub import ModelCardData

from audw2s.evaluation.card import folder_of
from audw2s.evaluation.card import measured
from audw2s.evaluation.render import card_table
from audw2s.evaluation.tables import clips_and_speakers
from audw2s.files import replacing
from audw2s.files import templates
from audw2s.files import write_json
from audw2s.files import write_text
from audw2s.inference.network import Network
from audw2s.model.find import exits_of
from audw2s.model.find import members
from audw2s.model.find import model_path
from audw2s.model.names import entry_of
from audw2s.model.origins import OTHER
from audw2s.model.origins import Origins
from audw2s.model.origins import origins_of
from audw2s.model.registry import DIMENSIONS
from audw2s.version import __version__

FILES = ("README.md", "config.json", "evaluation.json", "model.onnx", "model.yaml")
"""Files that are written."""

TAGS = ["audw2s", "onnx", "speech", "emotion", *DIMENSIONS]
"""Tags of the repository."""

TASK = "audio-classification"
"""Task of the hub that is nearest; it has none for dimensions."""


def write(model: str, folder: str) -> dict[str, int]:
    """Write a model as a folder for a repository of the Hugging Face hub.

    Nothing is uploaded.

    Args:
        model: name of a model in the package, or folder of a model
        folder: folder that is created; existing files are replaced

    Returns:
        size of each file in bytes

    Raises:
        ValueError: if there is no such model, or it isn't one file of one's own

    """
    _check(model)
    network = Network(model)
    evaluations = measured(model)
    os.makedirs(folder, exist_ok=True)
    paths = {name: os.path.join(folder, name) for name in FILES}
    with replacing(paths["model.onnx"]) as temporary:
        shutil.copyfile(model_path(model), temporary)
    # As audonnx writes it, also where the folder of the model has none
    copy = audonnx.Model(paths["model.onnx"], labels=network.labels)
    copy.to_yaml(paths["model.yaml"])
    write_json(configuration(network), paths["config.json"])
    write_json(evaluations, paths["evaluation.json"])
    write_text(card(model, network, evaluations), paths["README.md"])
    return {name: os.path.getsize(path) for name, path in paths.items()}


def _check(model: str) -> None:
    entry = entry_of(model)
    if entry is not None and not entry.packaged:
        raise ValueError(f"'{model}' is published already: {entry.source}.")
    if members(model) or exits_of(model):
        raise ValueError(f"'{model}' has several files, and the hub's form has one.")


def configuration(network: Network) -> dict[str, object]:
    """Content of ``config.json``."""
    names = dict(enumerate(itertools.chain(*network.labels.values())))
    return {
        "model_type": network.properties.get("student", network.name),
        "id2label": names,
        "label2id": {name: number for number, name in names.items()},
        "sampling_rate": 16000,
        "max_dur": network.max_dur,
        "sha256": network.sha256,
        "audw2s_version": __version__,
    }


def card(model: str, network: Network, evaluations: Sequence[dict]) -> str:
    """Content of ``README.md``."""
    origins = origins_of(model)
    template = templates(__file__).get_template("hub.md.jinja")
    return template.render(
        metadata=metadata(model, network.name, origins, evaluations).to_yaml(),
        name=network.name,
        labels=network.labels,
        max_dur=f"{network.max_dur:g}",
        sha256=network.sha256,
        terms=origins.in_words(),
        text=_text(os.path.join(folder_of(model), "card.md")),
        metrics=card_table(evaluations) if evaluations else "",
    )


def _text(path: str) -> str:
    """Text of a model card below its title, without links to other folders."""
    if not os.path.isfile(path):
        return ""
    with open(path, encoding="utf-8") as file:
        text = file.read().partition("\n")[2]
    return re.sub(r"\[([^]]*)\]\(\.\.[^)]*\)", r"\1", text).strip()


def metadata(
    model: str, name: str, origins: Origins, evaluations: Sequence[dict]
) -> ModelCardData:
    """Metadata of a card, which the hub reads.

    Args:
        model: name or folder of the model
        name: name of the model in its file
        origins: what it was made from
        evaluations: evaluations of this very file

    """
    entry = entry_of(model)
    is_other = origins.licence == OTHER
    return ModelCardData(
        model_name=name,
        license=origins.licence,
        license_name=origins.terms if is_other else None,
        library_name="audw2s",
        pipeline_tag=TASK,
        tags=TAGS,
        datasets=list(entry.corpora if entry else origins.corpora) or None,
        metrics=["ccc"] if evaluations else None,
        eval_results=list(_results(evaluations)) or None,
    )


def _results(evaluations: Sequence[dict]) -> Iterator[EvalResult]:
    for evaluation in evaluations:
        for corpus, result in evaluation["corpora"].items():
            for name in filter(result.get, DIMENSIONS):
                interval = {key: round(result[name][key], 4) for key in ("low", "high")}
                yield EvalResult(
                    task_type=TASK,
                    task_name="Arousal, dominance and valence",
                    dataset_type=corpus,
                    dataset_name=f"{corpus}, clips: {clips_and_speakers(result)}",
                    dataset_config=f"against {evaluation['against']}",
                    dataset_split="folds by speaker" if "folds" in result else None,
                    metric_type="ccc",
                    metric_name=f"CCC of {name}",
                    metric_value=round(result[name]["ccc"], 4),
                    metric_args={"confidence": evaluation["confidence"], **interval},
                )
