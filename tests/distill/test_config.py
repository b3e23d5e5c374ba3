"""Settings of trainings, from files."""

import dataclasses

import pytest
from typer.testing import CliRunner

from audw2s.distill.cli import app
from audw2s.distill.config import Config
from audw2s.distill.exits.config import Config as ExitsConfig
from audw2s.distill.exits.study import Study

TOML = """
teacher = "{teacher}"
noise = ["noise"]
labels = "labels.parquet"
crop_dur = [1.0, 2.0]
[corpora]
"a/b.csv" = 1
"/absolute.csv" = 2
"""


def test_settings_are_read_with_paths_relative_to_the_file(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(TOML.format(teacher="whisper-tiny-adv"))
    config = Config.from_toml(str(path))
    folder = str(tmp_path)
    assert config.corpora == {f"{folder}/a/b.csv": 1.0, "/absolute.csv": 2.0}
    assert config.noise == (f"{folder}/noise",)
    assert config.labels == f"{folder}/labels.parquet"
    assert config.teacher == "whisper-tiny-adv"
    assert config.crop_dur == (1.0, 2.0)
    path.write_text(TOML.format(teacher="models/mine"))
    assert Config.from_toml(str(path)).teacher == f"{folder}/models/mine"
    mean = "mean(wav2small, whisper-tiny-adv)"
    path.write_text(f'teacher = "{mean}"\n[corpora]\n"." = 1\n')
    assert Config.from_toml(str(path)).teacher == mean


def test_databases_of_audb_and_home_folders_are_no_relative_paths(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = tmp_path / "settings.toml"
    path.write_text('[corpora]\n"audb:emodb==1.4.1" = 1.0\n"~/a.csv" = 1.0\n')
    config = Config.from_toml(str(path))
    assert list(config.corpora) == ["audb:emodb==1.4.1", str(tmp_path / "home/a.csv")]


@pytest.mark.parametrize(
    "text, message",
    [
        ("rate = 1\n[corpora]\na = 1", r"unknown keys \['rate'\]"),
        ("steps = 1", "corpora"),
        ("[corpora]", "corpora"),
        ("corpora = ['a']", "corpora"),
        ("steps = ", "Invalid value"),
        ("student = 'x'\n[corpora]\na = 1", "'student' is one of"),
        ("keep = 'first'\n[corpora]\na = 1", "'keep' is one of"),
        ("loss = {x = 1}\n[corpora]\na = 1", "'loss' has weights of"),
        ("precision = 'fp8'\n[corpora]\na = 1", "'precision' is one of"),
    ],
)
def test_invalid_settings_are_refused(tmp_path, text, message):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        Config.from_toml(str(path))


def message(read, path, text, encoding="utf-8"):
    """The sentence on settings, without the path of their file."""
    path.write_text(text, encoding=encoding)
    with pytest.raises(ValueError) as error:
        read(str(path))
    sentence = str(error.value)
    assert sentence.startswith(str(path)) and "\n" not in sentence
    return sentence.removeprefix(str(path))


@pytest.mark.parametrize(
    "line, expected",
    [
        ("batch_size = 0", "'batch_size' has to be at least 2"),
        ("batch_size = 1", "'batch_size' has to be at least 2"),
        ("steps = 0", "'steps' has to be at least 1"),
        ("steps = '4'", "'steps' has to be at least 1"),
        ("steps = 4.5", "'steps' has to be at least 1"),
        ("steps = true", "'steps' has to be at least 1"),
        ("distinct = 0", "'distinct' has to be at least 1"),
        ("eval_every = 0", "'eval_every' has to be at least 1"),
        ("warmup = -1", "'warmup' has to be at least 0"),
        ("seed = -1", "'seed' has to be at least 0"),
        ("held_out = 1.0", "'held_out' is a number from 0 to below 1"),
        ("ema = 1.0", "'ema' is a number from 0 to below 1"),
        ("mixup = 1.5", "'mixup' is a number from 0 to 1"),
        ("noisy = nan", "'noisy' is a number from 0 to 1"),
        ("reverb = '0.1'", "'reverb' is a number from 0 to 1"),
        ("learning_rate = 0", "'learning_rate' is a number above 0"),
        ("weight_decay = inf", "'weight_decay' is a number of at least 0"),
        ("crop_dur = 2", "'crop_dur' is two numbers"),
        ("crop_dur = [3.0, 2.0]", "'crop_dur' is two numbers, the lowest first"),
        ("crop_dur = [0, 1]", "'crop_dur' is two numbers, the lowest first, at least"),
        ("crop_dur = [1, 2, 3]", "'crop_dur' is two numbers"),
        ("speed = [0, 1]", "'speed' is two numbers, the lowest first, above 0"),
        ("snr = [1, inf]", "'snr' is two numbers"),
        ("dimensions = [1, 1]", "'dimensions' is three numbers"),
        ("dimensions = [0, 0, 0]", "'dimensions' has a weight above 0"),
        ("noise = '/nowhere/noise.csv'", "'noise' is a list of paths"),
        ("rooms = [1]", "'rooms' is a list of paths"),
        ("labels = 3", "'labels' is a text in quotes"),
        ("teacher = 3", "'teacher' is a text in quotes"),
        ("start = ['a']", "'start' is a text in quotes"),
        ("loss = {ccc = 'x'}", "'loss' has weights of"),
        ("loss = 'ccc'", "'loss' has weights of"),
        ("loss = {ccc = 0}", "'loss' has a weight above 0"),
    ],
)
def test_an_error_names_the_setting_and_its_value(tmp_path, line, expected):
    text = f"{line}\n[corpora]\n'a.csv' = 1\n"
    sentence = message(Config.from_toml, tmp_path / "t.toml", text)
    assert expected in sentence
    assert "got " in sentence


def test_an_error_names_all_invalid_settings(tmp_path):
    text = "steps = 0\nmixup = 2\nwramup = 1\n[corpora]\n'a.csv' = 1\n'b.csv' = -1\n"
    sentence = message(Config.from_toml, tmp_path / "t.toml", text)
    for part in (
        "'steps' has to be at least 1, a whole number without quotes, got 0;",
        "'mixup' is a number from 0 to 1, got 2;",
        "unknown keys ['wramup'], the nearest known key is 'warmup'",
        "'corpora' has a share above 0 for each path, in a table [corpora], got {",
    ):
        assert part in sentence


def test_changes_of_speech_are_refused_with_fixed_labels(tmp_path):
    """They were left out without a word."""
    text = "labels = 'l.parquet'\nprosody = 0.5\n[corpora]\n'a.csv' = 1\n"
    expected = message(Config.from_toml, tmp_path / "t.toml", text)
    assert "['prosody'] change a teacher's values" in expected


def test_files_that_are_no_toml_are_named(tmp_path):
    path = tmp_path / "t.toml"
    expected = message(Config.from_toml, path, '[corpora]\n"..\\a.csv" = 1\n')
    assert "Unescaped" in expected and "write paths with /" in expected
    assert "is no TOML" in message(Config.from_toml, path, "# ü", "latin-1")
    assert "is no TOML" in message(Study.from_toml, path, "seeds = [")


def test_the_constructor_raises_the_same_errors():
    with pytest.raises(ValueError, match=r"^'steps' has to be .* got 0\.$"):
        Config({"a.csv": 1.0}, steps=0)
    with pytest.raises(ValueError, match=r"^'corpora' has a share .* got 3\.$"):
        Config(3)
    with pytest.raises(ValueError, match="^'corpus' is missing"):
        ExitsConfig("a")
    config = Config({"a.csv": 1}, crop_dur=[1, 2])
    assert config.crop_dur == (1.0, 2.0)
    with pytest.raises(ValueError, match="'keep' is one of"):
        dataclasses.replace(config, keep="first")


STUDY = "backbone = 'b'\n{line}\n[corpora.toy]\npath = 'a.csv'\n{entry}\n"


@pytest.mark.parametrize(
    "line, expected",
    [
        ("seeds = 3", "'seeds' is a list of whole numbers"),
        ("seeds = []", "'seeds' is a list of whole numbers"),
        ("methods = ['plane']", "'methods' is a list of some of"),
        ("blocks = 'lstm'", "'blocks' is a list of names"),
        ("blocks = ['rnn']", "'blocks' is a list of some of"),
        ("similarities = []", "'similarities' is a list of some of"),
        ("depths = [0]", "'depths' is a list of layers from 1 on"),
        ("levels = ['output']", "'levels' is a list of some of"),
        ("detached = true", "'detached' is a list of true and false"),
        ("exit_sets = [1, 2]", "'exit_sets' is a list of lists of layers"),
        ("exits = 3", "'exits' is a list of layers from 1 on"),
        ("epochs = 0", "'epochs' has to be at least 1"),
        ("batch_size = '8'", "'batch_size' has to be at least 1"),
        ("num_folds = 1", "'num_folds' has to be at least 2"),
        ("devel = 1.0", "'devel' is a number between 0 and 1"),
        ("learning_rate = -1", "'learning_rate' is a number above 0"),
        ("fall = 'linear'", "'fall' is one of ['none', 'cosine']"),
        ("epoch = 3", "unknown keys ['epoch'], the nearest known key is 'epochs'"),
        ("seed = 3", "unknown keys ['seed'], the nearest known key is 'seeds'"),
    ],
)
def test_an_error_names_the_setting_of_exits_and_its_value(tmp_path, line, expected):
    path = tmp_path / "t.toml"
    assert expected in message(Study.from_toml, path, STUDY.format(line=line, entry=""))
    if line.split()[0] in ("epochs", "batch_size", "exits", "devel", "fall", "epoch"):
        text = STUDY.format(line="", entry=line)
        assert expected in message(Study.from_toml, path, text)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("corpora = 3", "[corpora.NAME]"),
        ("[corpora]\ntoy = 'a.csv'", "'corpora.toy' is a table, got 'a.csv'"),
        ("[corpora.toy]\ntarget = 'x'", "'corpora.toy.path' is a path in quotes"),
        ("[corpora.toy]\npath = 'x'", "'backbone' is missing"),
        ("backbone = 3\n[corpora.toy]\npath = 'x'", "'backbone' is a text"),
    ],
)
def test_invalid_settings_of_a_study_are_refused(tmp_path, text, expected):
    assert expected in message(Study.from_toml, tmp_path / "t.toml", text)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("held_out", "'held_out'"),
        ("crop_dur", "'crop_dur'"),
        ("batch_size", "'batch_size'"),
        ("noise", "'noise'"),
        ("windows_path", "windows_path.toml"),
    ],
)
def test_the_command_names_the_file_and_the_setting(cases, tmp_path, name, expected):
    path = cases / "training" / "17_settings" / f"{name}.toml"
    arguments = ["train", str(path), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"audw2s: {path}") and expected in line


def test_a_path_in_place_of_a_list_of_paths_is_refused(cases):
    path = cases / "training" / "17_settings" / "noise_absolute.toml"
    with pytest.raises(ValueError, match="'noise' is a list of paths, in"):
        Config.from_toml(str(path))


def test_a_teacher_with_the_name_of_a_folder_is_refused(tmp_path):
    path = tmp_path / "t.toml"
    text = "teacher = '{}'\n[corpora]\n'a.csv' = 1\n"
    (tmp_path / "teacher").mkdir()
    expected = message(Config.from_toml, path, text.format("teacher"))
    assert "'./teacher' for the folder, or 'catalogue:teacher'" in expected
    path.write_text(text.format("./teacher"))
    assert Config.from_toml(str(path)).teacher == f"{tmp_path}/./teacher"
    path.write_text(text.format("catalogue:teacher"))
    assert Config.from_toml(str(path)).teacher == "catalogue:teacher"
    path.write_text(text.format("mean(wav2small, mine)"))
    assert Config.from_toml(str(path)).teacher == f"mean(wav2small, {tmp_path}/mine)"
