"""Published weights are read completely, or an error names what is wrong."""

import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from audw2s.distill.teachers.checkpoint import load_strictly
from audw2s.distill.teachers.checkpoint import read_json
from audw2s.distill.teachers.checkpoint import read_weights

WEIGHTS = {"a.weight": torch.arange(6.0).reshape(3, 2), "a.bias": torch.ones(3)}


def write_shards(folder, **changes):
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    for name, (key, value) in zip(names, WEIGHTS.items(), strict=True):
        save_file({key: value}, str(folder / name))
    weight_map = dict(zip(WEIGHTS, names, strict=True)) | changes
    index = {"metadata": {"total_size": 36}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def same(actual):
    return actual.keys() == WEIGHTS.keys() and all(
        torch.equal(actual[key], WEIGHTS[key]) for key in WEIGHTS
    )


def test_weights_are_read_from_one_file(tmp_path):
    save_file(WEIGHTS, str(tmp_path / "model.safetensors"))
    # Not opened
    (tmp_path / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    assert same(read_weights(str(tmp_path)))


def test_weights_are_read_from_shards(tmp_path):
    write_shards(tmp_path)
    assert same(read_weights(str(tmp_path)))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "last.ckpt"])
def test_pickles_are_not_opened(tmp_path, name):
    (tmp_path / name).write_bytes(b"cos\nsystem\n")
    expected = f"has only '{name}'. Pickles .* aren't opened, 'model.safetensors'"
    with pytest.raises(ValueError, match=expected):
        read_weights(str(tmp_path))


def test_a_folder_without_weights_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no 'model.safetensors' in"):
        read_weights(str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no folder '.*away'"):
        read_weights(str(tmp_path / "away"))


@pytest.mark.parametrize("part", ["half", "header", "nothing", "pickle", "longer"])
def test_a_damaged_file_is_an_error(tmp_path, part):
    path = tmp_path / "model.safetensors"
    save_file(WEIGHTS, str(path))
    content = path.read_bytes()
    path.write_bytes(
        {
            "half": content[: len(content) // 2],
            "header": b"\xff" * 8 + content[8:],
            "nothing": b"",
            "pickle": b"\x80\x02}q\x00." * 10,
            "longer": content + b"more",
        }[part]
    )
    with pytest.raises(ValueError, match="model.safetensors' is no whole safetensors"):
        read_weights(str(tmp_path))


@pytest.mark.parametrize(
    "changes, error, expected",
    [
        ({"a.bias": "../model.safetensors"}, ValueError, "files beside it"),
        ({"a.bias": 1}, ValueError, "files beside it"),
        ({"a.bias": "away.safetensors"}, FileNotFoundError, "'away.safetensors'"),
        (
            {"a.bias": "model-00001-of-00002.safetensors"},
            ValueError,
            "00001-of-00002.safetensors' doesn't hold what .*index.json' says: a.bias",
        ),
        (
            {"a.other": "model-00002-of-00002.safetensors"},
            ValueError,
            "00002-of-00002.safetensors' doesn't hold what .*: a.other",
        ),
    ],
)
def test_shards_that_differ_from_their_index_are_an_error(
    tmp_path, changes, error, expected
):
    write_shards(tmp_path, **changes)
    with pytest.raises(error, match=expected):
        read_weights(str(tmp_path))


@pytest.mark.parametrize(
    "content, expected",
    [
        (b"{", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"[]", "an object, not \\[\\]"),
    ],
)
def test_damaged_json_is_an_error(tmp_path, content, expected):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"config.json' .*{expected}"):
        read_json(str(path))
    (tmp_path / "model.safetensors.index.json").write_bytes(content)
    with pytest.raises(ValueError, match=f"index.json' .*{expected}"):
        read_weights(str(tmp_path))


def test_weights_replace_those_of_the_network():
    network = nn.Sequential(nn.Linear(2, 3))
    load_strictly(network, WEIGHTS, {"a.": "0."}, "folder")
    assert torch.equal(network[0].weight, WEIGHTS["a.weight"])
    with torch.no_grad():
        network[0].weight.zero_()
    assert WEIGHTS["a.weight"].any()


def test_weights_are_loaded_into_a_network_on_the_meta_device():
    with torch.device("meta"):
        network = nn.Linear(2, 3)
    half = {key: value.half() for key, value in WEIGHTS.items()}
    load_strictly(network, {**half, "b": torch.ones(1)}, {"a.": ""}, "folder", ("b",))
    assert network.weight.dtype == torch.float32
    assert torch.equal(network.weight, WEIGHTS["a.weight"])


def test_no_weight_is_loaded_if_one_does_not_fit():
    network = nn.Linear(2, 3)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    weights = {**WEIGHTS, **{f"a.{number}": torch.ones(1) for number in range(5)}}
    expected = (
        r"'folder' doesn't hold the weights of Linear: "
        r"5 unknown \(a.0, a.1, a.2, …\)\."
    )
    with pytest.raises(ValueError, match=expected):
        load_strictly(network, weights, {"a.": ""}, "folder")
    assert all(torch.equal(network.state_dict()[key], before[key]) for key in before)
