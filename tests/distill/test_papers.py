"""What the two papers print: copied whole, and met by the networks."""

import pathlib

import pytest
import torch
from encoders import paper_count
from transformers import Wav2Vec2Config

from audw2s.distill.exits.backbones import make_backbone
from audw2s.distill.exits.blocks import make_block
from audw2s.distill.exits.config import Config
from audw2s.distill.exits.model import ExitNetwork
from audw2s.distill.exits.networks import make_network
from audw2s.distill.exits.scratch import ScratchNetwork
from audw2s.distill.exits.tables import table1
from audw2s.distill.exits.tables import table2
from audw2s.distill.export import num_parameters
from audw2s.distill.students import STUDENTS
from audw2s.evaluation.papers import papers

ROWS = {
    ("cnn", "l2"): [88.3, 89.3, 70.2, 81.6, 88.6, 89.4, 88.2, 89.2, 86.8, 88.5],
    ("lstm", "l1"): [91.4, 90.2, 83.3, 85.7, 91.7, 90.7, 91.8, 90.5, 90.5, 89.9],
    ("gru", "l2+cosine"): [88.1, 91.6, 72.2, 85.1, 87.5, 91.5, 86.5, 91.7, 86.8, 90.7],
}


def test_table_1_is_the_printed_one():
    table = table1()
    assert table.shape == (15, 10)
    assert table.to_numpy().sum() == pytest.approx(13155.8)
    assert {row: table.loc[row].to_list() for row in ROWS} == ROWS


def test_table_2_is_the_printed_one():
    table = table2()
    assert len(table) == 15
    assert table[["devel", "test"]].to_numpy().sum() == pytest.approx(2505.1)
    assert table["parameters"].sum() == pytest.approx(723.4)
    rows = table.set_index("method").loc[["resnet-50", "plain-8", "layerwise-gru"]]
    assert rows.to_numpy().tolist() == [
        ["", 71.9, 81.3, 23.5],
        ["8", 90.1, 90.9, 66.9],
        ["2", 73.1, 77.4, 35.0],
    ]


def test_rows_of_self_distillation_are_two_runs_of_table_1():
    table = table2()
    runs = table[table["method"].str.startswith("distilled-")]
    assert len(runs) == 4
    for row in runs.itertuples():
        run = tuple(row.method.split("-")[1:])
        printed = table1().loc[run]
        assert (row.devel, row.test) == tuple(printed[row.exit])


def test_documents_quote_table_2_as_it_is_printed():
    text = (pathlib.Path(__file__).parents[2] / "docs" / "exits.md").read_text()
    for row in table2().itertuples():
        score = f"{row.devel} / {row.test}"
        exit_name = row.exit or "–"
        line = f"| {row.method} | {exit_name} | {row.parameters}M | {score} |"
        assert line in text
    plain = table2().set_index("method").loc["plain-3"]
    gains = {
        similarity: [
            f"{table1().loc[('lstm', similarity), ('3', part)] - plain[part]:.1f}"
            for part in ("devel", "test")
        ]
        for similarity in ("l1", "l2")
    }
    assert gains == {"l1": ["6.2", "2.3"], "l2": ["1.4", "3.3"]}


def network_of(method):
    """Network of a row of table 2, without memory for its weights."""
    backbone = make_backbone(Wav2Vec2Config().to_dict())
    if method.startswith("distilled"):
        # The paper's deepest exit is counted with a block
        return ExitNetwork(backbone, (3, 8, 10), 7, "lstm", make_block("lstm", 768))
    kind, _, variant = method.partition("-")
    if kind == "plain":
        depth = None if variant == "deepest" else int(variant)
        return make_network(Config("", "", method=kind, depth=depth), backbone, 7)
    return make_network(Config("", "", method=kind, block=variant), backbone, 7)


@pytest.mark.parametrize("row", list(table2().itertuples()), ids=lambda row: row.method)
def test_networks_have_the_printed_parameters(row):
    with torch.device("meta"):
        if row.exit:
            count = paper_count(network_of(row.method), int(row.exit))
            open_share = 0.01
        else:
            count = ScratchNetwork(row.method, 7).num_parameters()
            open_share = 0.01 if row.method == "cnn-4" else 0.02
    assert count / 1e6 == pytest.approx(row.parameters, rel=open_share)
    # Rounded as printed, all are met
    assert f"{count / 1e6:.1f}" == f"{row.parameters:.1f}"


@pytest.mark.parametrize("name", ["Wav2Small", "MobileNetV4-Small"])
def test_students_have_the_printed_parameters(name):
    (paper,) = (entry for entry in papers() if entry["model"] == name)
    count = num_parameters(STUDENTS[name.lower()](), mel=True)
    assert count == pytest.approx(paper["cost"]["parameters"]["value"], rel=0.01)
