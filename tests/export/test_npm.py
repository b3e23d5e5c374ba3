"""The npm package gives what Python gives, in Node."""

import functools
import importlib.resources
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np
import pytest
import soundfile
import soxr
from compilers import missing
from compilers import narrow
from typer.testing import CliRunner

import audw2s
from audw2s.commands.app import app
from audw2s.export.c.source import weights_of
from audw2s.export.npm import webassembly
from audw2s.export.npm.package import contents
from audw2s.export.npm.package import write
from audw2s.inference.network import Network
from audw2s.model.find import model_path

HERE = pathlib.Path(__file__).parent
SPEECH = HERE.parents[1] / "examples" / "speech"
NAMES = ["arousal", "dominance", "valence"]

with_node = pytest.mark.skipif(bool(missing("node")), reason=str(missing("node")))


@functools.cache
def package() -> str:
    """Folder of the npm package of wav2small."""
    folder = tempfile.mkdtemp(prefix="audw2s-npm-")
    write("wav2small", folder)
    return folder


def run(action, signal=(), rate=16000, sizes=(), folder=None):
    """What an action of ``run.mjs`` returns."""
    request = {"folder": folder or package(), "action": action, "rate": rate}
    line = json.dumps(request | {"sizes": list(sizes)}) + "\n"
    given = line.encode() + np.asarray(signal, "<f4").tobytes()
    command = ["node", str(HERE / "run.mjs")]
    done = subprocess.run(command, input=given, capture_output=True, check=True)
    return json.loads(done.stdout)


def numbers(values):
    return [np.nan if values[name] is None else values[name] for name in NAMES]


@pytest.fixture(scope="module")
def talk():
    return np.concatenate(
        [soundfile.read(path, dtype="float32")[0] for path in sorted(SPEECH.iterdir())]
    )


@with_node
@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_clip_and_curve_have_the_values_of_python(talk, rate):
    signal = soxr.resample(talk[:75000], 16000, rate)
    expected = audw2s.Feature().process_signal(signal, rate).to_numpy()[0]
    # Resamplers differ
    tolerance = {"atol": 1e-4 if rate == 16000 else 2e-3}
    np.testing.assert_allclose(
        numbers(run("analyse", signal, rate)), expected, **tolerance
    )
    curve = audw2s.curve(signal, sampling_rate=rate, rate=4)
    windows = run("curve", signal, rate)
    times = [window["time"] for window in windows]
    np.testing.assert_allclose(times, curve.index.total_seconds())
    np.testing.assert_allclose(
        [numbers(window) for window in windows], curve[NAMES], **tolerance
    )


@with_node
@pytest.mark.parametrize("length", [64, 100, 3000, 48000, 100_001])
def test_curves_of_any_length_have_the_values_of_python(talk, length):
    signal = talk[16000 : 16000 + length]
    curve = audw2s.curve(signal, sampling_rate=16000, rate=4)
    values = [numbers(window) for window in run("curve", signal)]
    np.testing.assert_allclose(values, curve[NAMES], atol=1e-4)


@with_node
def test_a_stream_has_the_values_of_python_each_fiftieth_of_a_second(talk):
    # Tokens are six hops behind
    sizes = [384, *(320 for _ in range(150))]
    signal = talk[: sum(sizes)]
    moments = run("stream", signal, 16000, sizes)
    stream = audw2s.Stream(update_dur=0.02)
    for number, chunk in enumerate(np.split(signal, np.cumsum(sizes)[:-1])):
        moment, found = stream.push(chunk), moments[number]
        assert found["numSamples"] == stream.num_samples
        assert found["time"] == pytest.approx(moment.time)
        expected = list(moment.window.values())
        np.testing.assert_allclose(numbers(found["window"]), expected, atol=1e-4)
    end = list(stream.finish().total.values())
    np.testing.assert_allclose(numbers(moments[-1]["total"]), end, atol=1e-4)
    # Chunks may have any size
    again = run("stream", signal, 16000, [len(signal)])
    assert numbers(again[-1]["total"]) == numbers(moments[-1]["total"])


@with_node
def test_mistakes_are_explained():
    assert run("analyse", np.zeros(63)) == (
        "RangeError: The signal has 63 samples, below 64."
    )
    assert "15999 Hz isn't supported" in run("analyse", np.zeros(9999), 15999)
    assert run("wrong", np.zeros(99)).startswith("TypeError: The signal has to be")
    facts = run("model")
    assert facts["name"] == "wav2small"
    assert facts["sha256"] == Network("wav2small").sha256


def test_the_compiled_code_is_that_of_the_source(talk, tmp_path):
    """Values are compared, as compilers differ in bytes."""
    folder = importlib.resources.files("audw2s.export.npm") / "code"
    facts = json.loads((folder / "wav2small.json").read_text())
    code = (folder / "wav2small.wasm").read_bytes()
    assert webassembly.sha256(code) == facts["sha256"]
    assert facts["command"] == webassembly.COMMAND
    if reason := missing("clang", "wasm-ld", "node"):
        pytest.skip(reason)
    weights = weights_of(Network("wav2small"))._replace(speech=None)
    try:
        again, new = webassembly.compiled(weights)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"clang has no WebAssembly: {error.stderr}")
    assert new["sizes"] == facts["sizes"]
    write("wav2small", str(tmp_path))
    (tmp_path / "wav2small.wasm").write_bytes(again)
    signal = talk[:40000]
    for action in ("analyse", "curve"):
        assert run(action, signal, 44100, folder=str(tmp_path)) == run(
            action, signal, 44100
        )


def test_command_writes_a_package(tmp_path):
    out = tmp_path / "npm"
    done = CliRunner().invoke(app, ["export", "wav2small", str(out), "--to", "npm"])
    assert done.exit_code == 0, done.output
    facts = json.loads((out / "package.json").read_text())
    assert facts["name"] == "wav2small"
    assert all((out / name).is_file() for name in facts["files"])
    assert "CC BY 4.0" in (out / "README.md").read_text()
    assert sum(path.stat().st_size for path in out.iterdir()) < 400_000


def test_a_folder_does_not_get_the_licence_of_a_model_of_its_name(tmp_path):
    folder = shutil.copytree(
        os.path.dirname(model_path("wav2small")), tmp_path / "mine"
    )
    readme = contents(str(folder))["README.md"].decode()
    assert "# wav2small for JavaScript" in readme
    assert "CC BY 4.0" not in readme


@with_node
def test_code_of_other_sizes_is_compiled(talk, tmp_path):
    if reason := missing("clang", "wasm-ld"):
        pytest.skip(reason)
    model, out = narrow(tmp_path), str(tmp_path / "npm")
    write(model, out)
    signal = 0.1 * talk[:20001]
    found = numbers(run("analyse", signal, folder=out))
    np.testing.assert_allclose(found, Network(model)(signal)[:3], atol=1e-4)
    found = numbers(run("stream", signal, sizes=[len(signal)], folder=out)[-1]["total"])
    stream = audw2s.Stream(model)
    stream.push(signal)
    expected = list(stream.finish().total.values())
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    "model, options, message",
    [
        ("whisper-tiny-adv", [], "has no tokens to pool"),
        ("wav2small-int8", [], "needs floats"),
        ("wav2small", ["--precision", "int8"], "isn't possible"),
    ],
)
def test_command_explains_what_it_cant_write(tmp_path, model, options, message):
    command = ["export", model, str(tmp_path / "npm"), "--to", "npm", *options]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
    assert not (tmp_path / "npm").exists()
