"""Model folders of others: labels, weights elsewhere, and damage in a sentence."""

import pathlib
import shutil
import subprocess
import sys
import warnings

import audonnx
import numpy as np
import onnx
import pytest
from test_cli import audw2s_command

import audw2s
from audw2s.inference.pipeline import Predictor
from audw2s.model.folder import UnverifiedModelWarning
from audw2s.model.registry import DIMENSIONS
from audw2s.model.registry import FOLDER

NUM_MUTANTS = 40


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    """Folder of a model that nobody knows."""
    found = tmp_path / "mine"
    shutil.copytree(pathlib.Path(FOLDER) / "wav2small", found)
    return found


def write_yaml(folder, labels, **more):
    lines = ["$audonnx.core.model.Model==1.0.1:"]
    labels = labels if isinstance(labels, dict) else {"logits": labels}
    values = {"path": "model.onnx", "labels": labels} | more
    lines += [f"  {name}: {value}" for name, value in values.items()]
    (folder / "model.yaml").write_text("\n".join(lines))


def permuted(folder, order):
    """Let the model in a folder give its values in another order."""
    model = onnx.load(folder / "model.onnx")
    for weight in model.graph.initializer:
        if weight.name in ("adv.weight", "adv.bias"):
            values = onnx.numpy_helper.to_array(weight)
            axis = values.shape.index(3)
            values = np.take(values, order, axis)
            weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(model, folder / "model.onnx")
    write_yaml(folder, [DIMENSIONS[number] for number in order])


@pytest.mark.filterwarnings("ignore::audw2s.model.folder.UnverifiedModelWarning")
@pytest.mark.parametrize("order", [(2, 0, 1), (0, 2, 1)])
def test_labels_may_have_any_order(folder, speech, order):
    permuted(folder, order)
    name = str(folder)
    theirs = audonnx.load(name)(speech[None], 16000)["logits"][0]
    expected = theirs[[order.index(number) for number in range(3)]]
    assert audw2s.load(name).labels("logits") == [DIMENSIONS[k] for k in order]
    for options in ({}, {"win_dur": 5}, {"win_dur": 5, "exact": True}):
        (row,) = Predictor(name, **options).signal(speech, 16000)
        np.testing.assert_allclose(row.values[0], expected, atol=1e-4)
    total = audw2s.Stream(name, win_dur=4).push(speech).total
    (plain,) = Predictor().signal(speech, 16000)
    known = audw2s.Stream(win_dur=4).push(speech).total
    assert total == pytest.approx(known, abs=1e-4)
    mean = Predictor(f"mean({name}, wav2small)").signal(speech, 16000)[0]
    np.testing.assert_allclose(mean.values, plain.values, atol=1e-4)


@pytest.mark.parametrize(
    "labels, more, said",
    [
        (["anger", "joy", "fear"], {}, "labels the values .*'anger'.*in any order"),
        (["arousal", "dominance"], {}, "labels the values"),
        (["arousal", "arousal", "valence"], {}, "labels the values"),
        ({"adv": list(DIMENSIONS)}, {}, "labels the values .*'adv'"),
        (list(DIMENSIONS), {"path": "../model.onnx"}, "names the file '../model.onnx'"),
        (list(DIMENSIONS), {"transform": {"$a.B": {}}}, "names a transform"),
    ],
)
def test_invalid_model_folders_are_refused(folder, labels, more, said):
    write_yaml(folder, labels, **more)
    with pytest.raises(ValueError, match=said):
        audw2s.load(str(folder))


def test_model_yaml_that_is_damaged(folder):
    (folder / "model.yaml").write_bytes(b"\xff\xfe: [")
    with pytest.raises(audw2s.CorruptModelError, match="model.yaml' can't be read"):
        audw2s.load(str(folder))


@pytest.mark.parametrize("location", ["weights.data", "../weights.data"])
def test_weights_in_another_file_are_refused(folder, location):
    model = onnx.load(folder / "model.onnx")
    weight = next(w for w in model.graph.initializer if w.name == "adv.weight")
    (folder / location).write_bytes(weight.raw_data)
    onnx.external_data_helper.set_external_data(weight, location)
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(audw2s.CorruptModelError, match=f"'{location}', which its hash"):
        audw2s.load(str(folder))


def test_nan_weights_are_refused(folder):
    model = onnx.load(folder / "model.onnx")
    weight = next(w for w in model.graph.initializer if w.name == "adv.weight")
    values = onnx.numpy_helper.to_array(weight).copy()
    values[1, 2] = np.nan
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(model, folder / "model.onnx")
    with pytest.raises(audw2s.CorruptModelError, match="are NaN, as 'adv.weight'"):
        audw2s.Feature(str(folder))


def test_an_unknown_hash_is_reported_once(folder, clips):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            audw2s.Feature(str(folder)).process_file(clips[0])
        audw2s.load(str(folder))
    told = [w for w in caught if w.category is UnverifiedModelWarning]
    assert len(told) == 1
    assert f"'{folder}' isn't verified" in str(told[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        audw2s.load("wav2small")


def test_commands_report_an_unknown_hash_once(folder, clips, tmp_path):
    (tmp_path / "list.txt").write_text(clips[0])
    corpus = ["annotate", tmp_path / "list.txt", "--out", tmp_path / "out"]
    for command in (["predict", clips[0]], corpus):
        done = audw2s_command(*command, "--model", str(folder))
        assert done.stderr.count("isn't verified") == 1
        assert "Warning:" not in done.stderr


def mutant(content: bytes, number: int) -> bytes:
    """Change bytes of a model: anywhere, in names and numbers of the graph, or cut."""
    rng = np.random.default_rng(number)
    kind = number % 4
    if kind == 3:
        return content[: rng.integers(len(content))]
    changed = bytearray(content)
    # Weights are most of the file, so damage there is no damage of the graph
    places = rng.integers(len(content), size=20)
    if kind:
        text = [k for k, byte in enumerate(content) if 32 <= byte < 127]
        places = rng.choice(text[-4000:] if kind == 1 else text, 3)
    for place in places:
        changed[place] ^= 1 << rng.integers(8)
    return bytes(changed)


CHILD = """
import sys
import warnings

import numpy as np

import audw2s

warnings.simplefilter("ignore")
signal = np.random.default_rng(0).uniform(-0.1, 0.1, 16000)
for name in sys.argv[1:]:
    try:
        for options in ({}, {"win_dur": 0.5}):
            audw2s.Feature(name, **options).process_signal(signal, 16000)
        print("given")
    except ValueError as error:
        assert "Traceback" not in str(error)
        print("told")
"""


def test_damaged_models_give_a_one_line_error(folder, tmp_path):
    content = (folder / "model.onnx").read_bytes()
    names = []
    for number in range(NUM_MUTANTS):
        names.append(str(shutil.copytree(folder, tmp_path / f"mutant{number}")))
        changed = mutant(content, number)
        (tmp_path / f"mutant{number}" / "model.onnx").write_bytes(changed)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *names],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, (len(done.stdout.split()), done.stderr[-2000:])
    told = done.stdout.split()
    assert len(told) == NUM_MUTANTS
    assert NUM_MUTANTS / 4 < told.count("told") < NUM_MUTANTS


@pytest.mark.filterwarnings("ignore::audw2s.model.folder.UnverifiedModelWarning")
@pytest.mark.parametrize("opened", [str, audw2s.load])
def test_a_model_that_fails_with_some_signals_is_named(folder, opened):
    nodes = [
        onnx.helper.make_node("Reshape", ["signal", "shape"], ["parts"]),
        onnx.helper.make_node(
            "ReduceMean", ["parts"], ["logits"], axes=[2], keepdims=0
        ),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "thirds",
        [onnx.helper.make_tensor_value_info("signal", kind, [1, "time"])],
        [onnx.helper.make_tensor_value_info("logits", kind, [1, 3])],
        [onnx.numpy_helper.from_array(np.array([1, 3, -1]), "shape")],
    )
    opset = [onnx.helper.make_opsetid("", 13)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    onnx.save(model, folder / "model.onnx")
    write_yaml(folder, list(DIMENSIONS))
    feature = audw2s.Feature(opened(str(folder)))
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, 16001).astype("float32")
    assert feature.process_signal(noise[:15000], 16000).notna().all(axis=None)
    with pytest.raises(ValueError, match=r"model.onnx' can't be run .*Reshape"):
        feature.process_signal(noise, 16000)
