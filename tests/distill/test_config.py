"""Settings of trainings, from files."""

import pytest

from audw2s.distill.config import Config

TOML = """
teacher = "{teacher}"
noise = ["noise"]
labels = "labels.parquet"
crop_dur = [1.0, 2.0]
[corpora]
"a/b.csv" = 1
"/absolute.csv" = 2
"""


def test_configuration_from_a_file(tmp_path):
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
def test_configurations_that_mean_nothing(tmp_path, text, message):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        Config.from_toml(str(path))
