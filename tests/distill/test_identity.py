"""Identities of batches and trainings, and clips that are left out."""

import dataclasses
import os
import shutil
import warnings

import numpy as np
import onnx
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
import torch
from fabricated import make_corpus
from fabricated import noise
from full import FULL

from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.batches import Batches
from audw2s.distill.clip_list import check_list
from audw2s.distill.clips import as_float
from audw2s.distill.config import Config
from audw2s.distill.label import label
from audw2s.distill.store import prepare
from audw2s.distill.train import train
from audw2s.errors import DataWarning
from audw2s.model.find import sha256

BLOCK = 30


@pytest.fixture(scope="module")
def made(corpus, teacher, tmp_path_factory):
    """A copy of the corpus with its labels."""
    folder = tmp_path_factory.mktemp("made") / "corpus"
    shutil.copytree(os.path.dirname(corpus), folder)
    out = str(folder / "labels.parquet")
    label(read_corpus(str(folder / "clips.csv")), teacher, out, verbose=False)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """Another one, to change and to move."""
    return shutil.copytree(made, tmp_path / "corpus")


@pytest.fixture
def settings(folder, teacher):
    return Config(
        {str(folder / "clips.csv"): 1.0},
        teacher=teacher,
        steps=2,
        eval_every=2,
        batch_size=2,
        distinct=2,
        crop_dur=(0.2, 0.3),
    )


@pytest.fixture
def labelled(settings, folder):
    """The same with labels in a table."""
    return dataclasses.replace(settings, labels=str(folder / "labels.parquet"))


def moved(config, old, new):
    shutil.move(old, new)
    corpora = {str(new / "clips.csv"): 1.0}
    labels = config.labels and str(new / "labels.parquet")
    return dataclasses.replace(config, corpora=corpora, labels=labels)


def change_labels(path, row=slice(None), value=0.9):
    """As another teacher would; what the file says of itself stays."""
    known = pq.read_schema(path).metadata
    table = pd.read_parquet(path)
    table.loc[row, "arousal"] = np.float32(value)
    pq.write_table(pa.Table.from_pandas(table).replace_schema_metadata(known), path)


def change_audio(folder):
    file = folder / "audio" / "03_003.wav"
    samples, rate = soundfile.read(file)
    soundfile.write(file, -samples, rate)


@pytest.mark.parametrize("kind", ["settings", "labelled"])
def test_a_moved_corpus_has_the_same_identity(kind, request, folder, tmp_path):
    config = request.getfixturevalue(kind)
    run, store = str(tmp_path / "run"), str(tmp_path / "batches")
    one = train(config, run, store=store, verbose=False)
    there = moved(config, folder, tmp_path / "there")
    prepare(there, store, verbose=False)
    again = train(there, run, store=store, verbose=False).state_dict()
    assert all(torch.equal(v, again[k]) for k, v in one.state_dict().items())


def test_stored_batches_of_other_labels_are_refused(labelled, tmp_path):
    store = str(tmp_path / "batches")
    prepare(labelled, store, verbose=False)
    change_labels(labelled.labels)
    with pytest.raises(ValueError, match=r"made with other settings of \['labels'\]"):
        prepare(labelled, store, verbose=False)


def test_only_the_clips_of_a_list_are_trained_on(settings, folder, tmp_path):
    """The list that ``prepare`` writes names the clips relative to their corpus."""
    prepare(settings, str(tmp_path / "batches"), verbose=False)
    path = str(tmp_path / "batches" / "clips.csv")
    listed = pd.read_csv(path)
    assert len(listed) == 24 and listed["name"][0] == "audio/00_000.wav"
    assert listed["sha256"][0] == sha256(str(folder / "audio" / "00_000.wav"))
    config = dataclasses.replace(settings, clips=path)
    there = moved(config, folder, tmp_path / "there")
    without = dataclasses.replace(there, clips=None)
    made = [Batches(one, verbose=False).identity for one in (there, without)]
    assert made[0] == made[1]
    change_audio(tmp_path / "there")
    listed.iloc[1:].to_csv(path, index=False)
    with pytest.raises(ValueError, match="aren't those of .*") as caught:
        Batches(there, verbose=False)
    assert "1 are not listed (audio/00_000.wav)" in str(caught.value)
    assert "1 are of other content (audio/03_003.wav)" in str(caught.value)


def test_clips_of_two_corpora_may_have_the_same_name(tmp_path):
    clips = pd.DataFrame({"name": ["1.wav", "1.wav"], "sha256": ["a", "b"]})
    path = str(tmp_path / "clips.csv")
    clips.to_csv(path, index=False)
    check_list(path, clips)
    with pytest.raises(ValueError, match=r"1 are of other content \(1.wav\)\.$"):
        check_list(path, clips.assign(sha256=["a", "c"]))


EXAMPLES = os.path.join(os.path.dirname(__file__), "..", "..", "examples")


def test_the_recipe_lists_its_clips():
    recipe = os.path.join(EXAMPLES, "reproduce_wav2small.toml")
    listed = pd.read_csv(Config.from_toml(recipe).clips)
    counts = listed["name"].str.split("/").str[0].value_counts()
    # Of EmoTale's 475 clips, 50 of each of three speakers are held out
    expected = {"emotale": 325, "emodb": 535, "librispeech": 351, "emogator": 5866}
    assert counts.to_dict() == {**expected, "esc10": 400}
    with open(recipe, encoding="utf-8") as file:
        header = file.read()
    assert all(f"{number:,}" in header for number in [475, *counts[counts != 325]])


def test_the_recipe_lists_the_clips_as_they_are(shared):
    listed = pd.read_csv(os.path.join(EXAMPLES, "reproduce_wav2small.csv"))
    for name, known in listed.to_numpy()[:: 1 if FULL else 97]:
        assert sha256(os.path.join(shared, name)) == known


def test_stored_batches_of_other_audio_are_refused(settings, folder, tmp_path):
    store = str(tmp_path / "batches")
    prepare(settings, store, verbose=False)
    change_audio(folder)
    with pytest.raises(ValueError, match=r"settings of \['(corpora|held)"):
        prepare(settings, store, verbose=False)


def test_stored_batches_of_other_noise_are_refused(settings, tmp_path):
    path = make_corpus(str(tmp_path / "noise"), 1, 2, seed=9)
    config = dataclasses.replace(settings, noise=(path,))
    store = str(tmp_path / "batches")
    prepare(config, store, verbose=False)
    make_corpus(str(tmp_path / "noise"), 1, 2, seed=8)
    with pytest.raises(ValueError, match=r"made with other settings of \['noise'\]"):
        prepare(config, store, verbose=False)


def test_a_training_with_other_labels_or_audio_is_refused(labelled, folder, tmp_path):
    config = dataclasses.replace(labelled, distinct=None)
    run = str(tmp_path / "run")
    train(config, run, verbose=False)
    train(config, run, verbose=False)
    change_labels(config.labels)
    with pytest.raises(
        ValueError, match="other settings of .*'labels'.*, or other content"
    ):
        train(config, run, verbose=False)
    other = dataclasses.replace(config, labels=None)
    train(other, str(tmp_path / "other"), verbose=False)
    change_audio(folder)
    with pytest.raises(
        ValueError, match="settings of .*'(corpora|held).*, or other content"
    ):
        train(other, str(tmp_path / "other"), verbose=False)


def test_a_training_with_another_start_or_teacher_is_refused(
    settings, teacher, tmp_path
):
    first, run = str(tmp_path / "first"), str(tmp_path / "run")
    copied = str(tmp_path / "teacher")
    shutil.copytree(teacher, copied)
    train(settings, first, verbose=False)
    config = dataclasses.replace(settings, start=first, teacher=copied, distinct=None)
    train(config, run, verbose=False)
    shutil.rmtree(first)
    train(dataclasses.replace(settings, seed=5), first, verbose=False)
    with pytest.raises(ValueError, match=r"of \['start'\]"):
        train(config, run, verbose=False)
    path = os.path.join(copied, "model.onnx")
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {"name": "other"})
    onnx.save(model, path)
    with pytest.raises(ValueError, match=r"of .*'teacher'"):
        train(config, run, verbose=False)


def test_labels_of_changed_audio_are_not_used(labelled, folder):
    change_audio(folder)
    with pytest.raises(ValueError, match="1 clips have no label in .*03_003.wav"):
        Batches(labelled, verbose=False)


def with_bad_files(folder):
    """Clips that can't be read, of the first and of the last speaker."""
    table = pd.read_csv(folder / "clips.csv", dtype={"speaker": str})
    for number in (0, 5):
        os.remove(folder / table["file"][number])
    (folder / table["file"][1]).write_bytes(b"no audio at all" * 100)
    return [os.path.basename(table["file"][number]) for number in (0, 1, 5)]


def test_unreadable_clips_are_left_out_with_a_warning(settings, folder):
    whole = len(Batches(settings, verbose=False).clips)
    bad = with_bad_files(folder)
    with pytest.warns(DataWarning, match="left out") as record:
        batches = Batches(settings, verbose=False)
    text = " ".join(str(warning.message) for warning in record)
    assert all(text.count(name) == 1 for name in bad)
    assert whole - 3 <= len(batches.clips) < whole
    assert torch.isfinite(batches.make(0)[1]).all()


def test_clips_without_a_finite_label_are_left_out_with_a_warning(
    settings, folder, teacher
):
    bad = with_bad_files(folder)
    table = pd.read_csv(folder / "clips.csv", dtype={"speaker": str})
    out = str(folder / "other.parquet")
    label(read_corpus(str(folder / "clips.csv")), teacher, out, verbose=False)
    # They can be read by now
    soundfile.write(folder / table["file"][2], noise(9600), 16000)
    labels = pd.read_parquet(out)
    assert labels["arousal"].isna().sum() == 3
    config = dataclasses.replace(settings, labels=out)
    with pytest.raises(ValueError, match="1 clips have no label"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Batches(config, verbose=False)
    shutil.copy(folder / table["file"][3], folder / table["file"][2])
    with pytest.warns(DataWarning) as record:
        batches = Batches(config, verbose=False)
    text = " ".join(str(warning.message) for warning in record)
    assert all(text.count(name) == 1 for name in bad)
    assert np.isfinite(batches.labels).all()


def test_a_crop_without_a_finite_label_is_an_error_that_names_the_file(
    labelled, folder
):
    table = pd.read_parquet(labelled.labels)
    name = os.path.basename(table["file"][7])
    change_labels(labelled.labels, 7, np.nan)
    with pytest.warns(DataWarning, match=f"1 of .* left out: .*{name}: its label"):
        batches = Batches(labelled, verbose=False)
    assert np.isfinite(batches.labels).all()


def test_a_corpus_without_usable_clips_is_an_error(settings, folder):
    shutil.rmtree(folder / "audio")
    with pytest.warns(DataWarning), pytest.raises(ValueError, match="no clip to learn"):
        Batches(settings, verbose=False)


@pytest.mark.parametrize("share", [0.0, 0.95])
def test_at_least_one_speaker_is_held_out_and_never_all(settings, share):
    config = dataclasses.replace(settings, held_out=share)
    batches = Batches(config, verbose=False)
    assert batches.clips and batches.validation
    assert len(batches.clips) == (20 if share == 0 else 4)


@pytest.mark.parametrize("model", ["teacher", "whisper-tiny-adv"])
def test_long_clips_are_labelled_in_blocks(tmp_path, model, request):
    """They are predicted in blocks, as everywhere else."""
    if model == "teacher":
        model = request.getfixturevalue("teacher")
    long = noise(16000 * (BLOCK + 5))
    os.mkdir(tmp_path / "audio")
    for name in ("a", "b"):
        soundfile.write(tmp_path / "audio" / f"{name}.wav", long, 16000)
    table = pd.DataFrame(
        {"file": ["audio/a.wav", "audio/b.wav"], "speaker": ["a", "b"]}
    )
    table.to_csv(tmp_path / "c.csv", index=False)
    corpora = {str(tmp_path / "c.csv"): 1.0}
    config = Config(corpora, teacher=model, batch_size=2, crop_dur=(0.2, 0.2))
    batches = Batches(config, verbose=False)
    ((clip, value),) = batches.validation
    assert len(clip) == len(long)
    if model != "whisper-tiny-adv":
        return
    parts = [as_float(clip)[: BLOCK * 16000], as_float(clip)[BLOCK * 16000 :]]
    values = [batches.label(part) for part in parts]
    expected = np.average(values, 0, [len(part) for part in parts])
    np.testing.assert_allclose(value, expected, atol=1e-6)
    # A crop of such a length, too
    assert np.isfinite(batches.label(as_float(clip))).all()
