import pathlib
import subprocess
import sys

import audformat
import numpy as np
import pytest

import audw2s

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
SCRIPT = str(EXAMPLES / "annotate_database.py")


def test_script_annotates_the_example_clips(clips, tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "out"
    command = [sys.executable, SCRIPT, str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("emodb-") == 4
    db = audformat.Database.load(str(out / "results" / "database"))
    table = db["adv.both"]
    assert list(table.df.index) == clips
    for model in ("wav2small", "whisper-tiny-adv"):
        expected = audw2s.Feature(model).process_index(audformat.filewise_index(clips))
        columns = [f"{model}.{dimension}" for dimension in audw2s.DIMENSIONS]
        np.testing.assert_allclose(table.df[columns], expected, atol=1e-6)
    models = table.meta["audw2s"]["models"]
    assert models[0]["sha256"] == audw2s.models().sha256["wav2small"]
    assert (out / "plane.png").read_bytes().startswith(b"\x89PNG")
    assert "Concordance correlation" in (out / "report.html").read_text()


def test_recipe_is_read():
    module = pytest.importorskip("audw2s.distill.config")
    config = module.Config.from_toml(str(EXAMPLES / "reproduce_wav2small.toml"))
    # The teacher is fitted by a command at the top of the recipe
    assert config.teacher == str(EXAMPLES / "whisper-tiny-7")
    assert sum(config.corpora.values()) == pytest.approx(1)


def test_settings_of_exits_are_read():
    module = pytest.importorskip("audw2s.distill.exits.study")
    studies = {
        "whisper": (2 * 3 * 5, {0, 1, 2}),
        "emotale": (3 * 3, {0, 1, 2}),
        "fair": (3 * (3 * 3 * 2 + 4 + 3), {0, 1, 2}),
        "demos": (3 * 5 + 4 + 3 + 4, {0}),
        "demos_layers": (11 * 2, {0}),
    }
    for name, (methods, seeds) in studies.items():
        study = module.Study.from_toml(str(EXAMPLES / f"exits_{name}.toml"))
        jobs = list(study.jobs())
        assert len(jobs) == methods
        assert {job.config.seed for job in jobs} == seeds


@pytest.mark.parametrize("name", ["demos", "demos_layers"])
def test_trainings_on_demos_have_the_settings_of_the_paper(name):
    module = pytest.importorskip("audw2s.distill.exits.study")
    study = module.Study.from_toml(str(EXAMPLES / f"exits_{name}.toml"))
    for job in study.jobs():
        config = job.config
        assert len(config.classes) == 7 and "neutral" not in config.classes
        assert (config.batch_size, config.learning_rate) == (16, 3e-5)
        assert (config.epochs, config.choose_epoch) == (20, False)
        assert config.samples / 16000 == 5.984
        assert (config.warmup, config.fall, config.head_rate) == (0, "none", 1.0)
        assert (config.alpha, config.beta, config.gamma) == (1.0, 1.0, 1.0)
        assert not config.detach_teacher or config.method != "distilled"


def test_results_of_exits_are_what_a_script_wrote():
    text = (EXAMPLES.parent / "docs" / "exits.md").read_text()
    assert text.count("<!-- results -->") == text.count("<!-- /results -->") == 1
