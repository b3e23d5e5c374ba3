"""The commands: outputs, errors and exit codes."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import typer
from fabricated import make_corpus
from typer.testing import CliRunner
from waiting import MAX_DUR
from waiting import wait_until

import audw2s
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.cli import app
from audw2s.distill.label import label
from audw2s.distill.students import load_student
from audw2s.model.find import model_sha256

BLOCKED = """
import sys
sys.modules[{module!r}] = None
from audw2s.distill.cli import app
app()
"""


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run_alone(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_importing_the_commands_imports_neither_torch_nor_numpy():
    code = "import audw2s.distill.cli, sys; print(sorted(sys.modules))"
    loaded = run_alone(code).stdout
    assert "'typer'" in loaded
    for module in ("torch", "numpy", "pandas", "onnx", "matplotlib", "audmetric"):
        assert f"'{module}'" not in loaded


@pytest.mark.parametrize(
    "module, extra, arguments",
    [
        ("torch", "distill", ("train", "config.toml", "--out", "run")),
        ("torch", "distill", ("teacher", "a.safetensors", "b.csv", "--out", "model")),
        ("torch", "distill", ("export", "run", "--out", "model")),
    ],
)
def test_missing_packages_are_named(module, extra, arguments):
    result = run_alone(BLOCKED.format(module=module), *arguments)
    assert result.returncode == 2
    sentence = f'{module} is missing, which this needs: pip install "audw2s[{extra}]"'
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.fixture(scope="module")
def trained(corpus, teacher, tmp_path_factory):
    """Folder with a training of two steps that the command made."""
    folder = tmp_path_factory.mktemp("trained")
    config = f'teacher = "{teacher}"\nsteps = 2\nbatch_size = 2\neval_every = 1\n'
    config += f'crop_dur = [0.2, 0.3]\n[corpora]\n"{corpus}" = 1\n'
    (folder / "config.toml").write_text(config)
    result = run("train", folder / "config.toml", "--out", folder / "run", "--quiet")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(folder / "run" / "student.safetensors")
    return str(folder / "run")


def test_a_student_is_trained_exported_and_evaluated(
    trained, corpus, teacher, tmp_path
):
    """Train, export, evaluate: the folder that a user gets."""
    out = str(tmp_path / "model")
    result = run("export", trained, "--out", out, "--name", "mine")
    assert result.exit_code == 0, result.output
    assert model_sha256(out) in result.output
    model = audw2s.load(out)
    metadata = model.sess.get_modelmeta().custom_metadata_map
    assert metadata == {
        "name": "mine",
        "sampling_rate": "16000",
        "max_dur": "30",
        "version": audw2s.__version__,
        "student": "wav2small",
        "parameters": "72659",
        "gmac": "0.390967",
        "token_hop": "64",
        "token_context": "6",
        "epsilon": "0",
        "origins": '{"corpora": {"clips": "unknown"}, "models": {"toy": "unknown"}}',
    }
    _, student = load_student(os.path.join(trained, "student.safetensors"))
    weight = student.adv.weight.detach().numpy()
    outputs = model(np.random.default_rng(0).random((1, 999), np.float32), 16000)
    actual = outputs["logits"] - outputs["hidden_states"] @ weight.T
    np.testing.assert_allclose(actual, student.adv.bias.detach()[None], atol=1e-5)

    with open(os.path.join(out, "card.md"), "w") as file:
        file.write("# Mine\n<!-- metrics -->\n<!-- /metrics -->\n")
    for against in ("humans", teacher):
        arguments = ["evaluate", out, corpus, "--against", against, "--out", out]
        result = run(*arguments, "--quiet")
        assert result.exit_code == 0, result.output
    names = [f"evaluation.{end}" for end in ("html", "json", "png")]
    assert sorted(os.listdir(out)) == ["card.md", *names, "model.onnx", "model.yaml"]
    with open(os.path.join(out, "evaluation.json")) as file:
        evaluations = json.load(file)
    assert [e["against"] for e in evaluations] == ["humans", "toy"]
    with open(os.path.join(out, "card.md")) as file:
        card = file.read()
    assert "| humans | clips | 24 of 6 speakers |" in card

    config = os.path.join(trained, "config.json")
    result = run("evaluate", out, corpus, "--trained-on", config, "--quiet")
    assert result.exit_code == 2
    assert "were trained on" in result.output


def test_an_evaluation_without_out_is_printed_only(
    corpus, teacher, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    result = run("evaluate", teacher, corpus, "--quiet")
    assert result.exit_code == 0
    assert result.stdout.startswith("toy (")
    assert os.listdir(tmp_path) == []


def test_several_corpora_are_labelled_in_one_table(corpus, teacher, tmp_path):
    out = tmp_path / "labels.parquet"
    folder = os.path.join(os.path.dirname(corpus), "audio")
    result = run("label", corpus, folder, "--teacher", teacher, "--out", out, "--quiet")
    assert result.exit_code == 0, result.output
    assert f"{out}: 48 clips" in result.output
    labels = pd.read_parquet(out)
    assert labels["file"].tolist() == [
        *read_corpus(corpus)["file"],
        *read_corpus(folder)["file"],
    ]


def test_an_interrupted_labelling_resumes(corpus, teacher, tmp_path):
    """Ctrl-C in a real process: 130, one sentence, and the same command goes on."""
    table = pd.concat([read_corpus(corpus)] * 25, ignore_index=True)
    path = str(tmp_path / "long.parquet")
    table.to_parquet(path)
    out = str(tmp_path / "labels.parquet")
    code = "from audw2s.distill.cli import app; app()"
    command = ["label", path, "--teacher", teacher, "--out", out, "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *command],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    parts = f"{out}.parts"
    wait_until(
        lambda: (
            process.poll() is not None
            or (os.path.isdir(parts) and len(os.listdir(parts)) > 1)
        ),
        "two parts are written",
        pause=0.005,
    )
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=MAX_DUR)
    assert process.returncode == 130, stderr
    expected = "audw2s: interrupted, run the same command to go on."
    assert stderr.splitlines()[-1] == expected
    assert not os.path.exists(out)
    result = run(*command)
    assert result.exit_code == 0, result.output
    expected = label(table, teacher, str(tmp_path / "whole.parquet"), verbose=False)
    pd.testing.assert_frame_equal(pd.read_parquet(out), expected)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("label", "nowhere", "--out", "l.parquet"), "is no folder, no list of files"),
        (("label", ".", "--out", "l.parquet"), "holds no clips"),
        (("train", "nowhere.toml", "--out", "run"), "nowhere.toml"),
        (("train", ".", "--out", "run"), "Is a directory"),
        (("export", "nowhere", "--out", "model"), "No trained student at"),
        (("evaluate", "nobody", "nowhere.csv"), "is no folder, no list of files"),
        (
            ("teacher", "no.safetensors", "no.csv", "--out", "m"),
            "is no folder, no list of files",
        ),
    ],
)
def test_errors_are_one_sentence(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stderr.startswith("audw2s: ")
    assert result.stdout == ""
    assert os.listdir(tmp_path) == []


def test_layers_that_are_no_numbers_are_an_error(corpus, tmp_path):
    out = tmp_path / "model"
    result = run("teacher", "x", corpus, "--out", out, "--layers", "one")
    assert result.exit_code == 2
    assert "Layers are numbers like '1,2,3', got 'one'." in result.stderr


def test_every_command_has_help():
    for name in ("teacher", "label", "train", "evaluate", "export"):
        result = run(name, "--help")
        assert result.exit_code == 0
        assert "Usage:" in result.output


def commands(group, name=""):
    for word, member in group.commands.items():
        if hasattr(member, "commands"):
            yield from commands(member, f"{name} {word}")
        else:
            yield f"{name} {word}".strip(), member


def test_every_parameter_has_help_and_is_required_where_it_has_no_default():
    found = dict(commands(typer.main.get_command(app)))
    assert {"exits evaluate", "finetune", "get-encoder", "ranking"} <= found.keys()
    for name, command in found.items():
        assert "Args:" not in command.help
        for parameter in command.params:
            assert parameter.help and parameter.help.endswith("."), (name, parameter)
    of_speech = {p.name: p for p in found["speech"].params}
    assert of_speech["noise"].opts == ["--noise"] and of_speech["noise"].required
    assert of_speech["corpus"].param_type_name == "argument"
    help = "Corpus of speech to test on, with --test-noise."
    assert of_speech["test"].help == help and not of_speech["test"].required


def test_a_layer_for_speech_is_tested_on_both_or_not_at_all(
    corpus, tmp_path, monkeypatch
):
    """And in the folder that was written, not in the catalogue's model of its name."""
    tested, module = [], "audw2s.distill.speech_layer"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(f"{module}.add_speech_layer", lambda *_, **__: "hash")

    def evaluate(model, *_, **__):
        tested.append(model)
        return 0.5

    monkeypatch.setattr(f"{module}.evaluate_speech_layer", evaluate)
    command = ["speech", "wav2small", corpus, "--noise", corpus, "--out", "wav2small"]
    for name in ("--test", "--test-noise"):
        result = run(*command, name, corpus, "--quiet")
        assert result.exit_code == 2
        assert "--test and --test-noise are needed both" in result.stderr
    result = run(*command, "--test", corpus, "--test-noise", corpus, "--quiet")
    assert result.stdout.endswith("speech and noise: 0.500\n")
    assert tested == [str(tmp_path / "wav2small")]


def test_the_command_ranks_emotions(tmp_path):
    path = make_corpus(str(tmp_path), 2, 4)
    table = pd.read_csv(path)
    table["emotion"] = ["anger", "sadness"] * 4
    table.to_csv(path, index=False)
    out = str(tmp_path / "ranking.json")
    command = ["ranking", "wav2small", path, "--quiet", "--out", out]
    done = run(*command, "--pair", "anger:sadness")
    assert done.exit_code == 0, done.output
    with open(out) as file:
        result = json.load(file)
    files = [str(tmp_path / file) for file in table["file"]]
    values = audw2s.Feature().process_files(files)["arousal"].to_numpy()
    auc = np.mean(values[::2, None] > values[1::2])
    assert result["pairs"][0]["arousal"]["auc"] == auc
    assert result["sha256"] == audw2s.models().sha256["wav2small"]
    assert result["corpus"] == os.path.basename(path).removesuffix(".csv")
    assert f"| anger above sadness | {auc:.2f} [" in done.output
    done = run(*command, "--by", "mood")
    assert done.exit_code == 2
    assert "no column 'mood'" in done.output
    done = run(*command, "--pair", "anger")
    assert done.exit_code == 2
    assert "ABOVE:BELOW" in done.output
