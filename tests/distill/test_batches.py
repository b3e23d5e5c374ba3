"""Batches: what they depend on, and that those that are kept are the same."""

import dataclasses
import json
import os

import numpy as np
import pytest
import torch
from fabricated import make_corpus
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

import audw2s
from audw2s.catalogue import DIMENSIONS
from audw2s.distill.batches import Batches
from audw2s.distill.batches import as_float
from audw2s.distill.batches import as_pcm
from audw2s.distill.batches import read_clips
from audw2s.distill.corpora.table import read_corpus
from audw2s.distill.label import label
from audw2s.distill.store import Store
from audw2s.distill.store import prepare


def test_a_batch_is_a_function_of_its_number(config):
    first, second = Batches(config, verbose=False), Batches(config, verbose=False)
    second.make(0)
    for step in (3, 1):
        for one, other in zip(first.make(step), second.make(step), strict=True):
            assert torch.equal(one, other)
    assert not torch.equal(first.make(0)[0][0, :100], first.make(1)[0][0, :100])


def test_labels_are_what_the_teacher_hears(config, teacher):
    signals, labels = Batches(config, verbose=False).make(0)
    model = audw2s.load(teacher)
    for signal, found in zip(signals.numpy(), labels.numpy(), strict=True):
        # A copy: how ONNX runtime sums depends on where in memory a signal begins
        expected = model(signal[None].copy(), 16000)["logits"][0]
        np.testing.assert_array_equal(expected, found)
    assert signals.dtype == labels.dtype == torch.float32
    assert 3200 <= signals.shape[1] <= 4800


def test_speakers_are_held_out(config, corpus):
    batches = Batches(config, verbose=False)
    table = read_corpus(corpus)
    clips = [clip.tobytes() for clip in read_clips(table, verbose=False)]
    heard = table["speaker"][[clips.index(c.tobytes()) for c in batches.clips]]
    held = [clips.index(c.tobytes()) for c, _ in batches.validation]
    assert len(heard) + len(held) == len(table)
    assert set(heard).isdisjoint(table["speaker"][held])


def test_stored_labels(config, corpus, teacher, tmp_path):
    out = str(tmp_path / "labels.parquet")
    labels = label(read_corpus(corpus), teacher, out, verbose=False)
    alone = {"noise": (), "mixup": 0.0}
    fixed = dataclasses.replace(config, labels=out, **alone)
    batches = Batches(fixed, verbose=False)
    known = {row.tobytes() for row in labels[list(DIMENSIONS)].to_numpy(np.float32)}
    _, found = batches.make(0)
    assert all(row.tobytes() in known for row in found.numpy())
    labels.head(3).to_parquet(out)
    with pytest.raises(ValueError, match=r"\d+ clips have no label"):
        Batches(fixed, verbose=False)


def test_nobody_to_hold_out(config, tmp_path):
    lonely = make_corpus(str(tmp_path / "lonely"), 1, 3)
    with pytest.raises(ValueError, match="none can be held out"):
        Batches(dataclasses.replace(config, corpora={lonely: 1.0}), verbose=False)


@pytest.mark.parametrize("verbose", [True, False])
def test_progress_is_shown_if_wanted(corpus, capsys, verbose):
    read_clips(read_corpus(corpus), verbose=verbose)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert ("Read audio" in captured.err) == verbose


def test_clips_are_kept_with_sixteen_bits(corpus):
    table = read_corpus(corpus).head(1)
    (clip,) = read_clips(table, verbose=False)
    expected = audw2s.signal.load(table["file"][0])
    assert clip.dtype == np.int16
    np.testing.assert_allclose(as_float(clip), expected, atol=1e-4)


@pytest.mark.parametrize("prosody", [0.0, 0.3])
def test_undisturbed_clips_are_as_they_were_read(config, teacher, prosody):
    batches = Batches(dataclasses.replace(config, prosody=prosody), verbose=False)
    clips = batches.undisturbed(1000)
    read = {clip.tobytes() for clip in batches.clips}
    assert len(clips) == len(batches.clips)
    model = audw2s.load(teacher)
    for signal, values in clips:
        heard = model(signal.numpy()[None].copy(), 16000)["logits"][0]
        np.testing.assert_array_equal(values, heard)
    same = [(s.numpy() * 32768).astype(np.int16).tobytes() in read for s, _ in clips]
    assert all(same) if prosody == 0 else 0.2 < np.mean(same) < 0.8


@pytest.mark.parametrize("kind", ["prosody", "rooms"])
def test_each_change_is_heard(config, tmp_path, kind):
    rooms = (make_corpus(str(tmp_path / "rooms"), 1, 2, seed=4),)
    changed = {"prosody": {"prosody": 1.0}, "rooms": {"rooms": rooms}}[kind]
    plain = dataclasses.replace(config, reverb=1.0, prosody=0.0)
    other = dataclasses.replace(plain, **changed)
    one, two = (Batches(c, verbose=False).make(0)[0] for c in (plain, other))
    assert one.shape == two.shape
    assert not torch.equal(one, two)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-3, 3, width=32), max_size=50))
def test_sixteen_bits_stay_what_they_are(values):
    pcm = as_pcm(np.array(values, np.float32))
    np.testing.assert_array_equal(as_pcm(as_float(pcm)), pcm)


def test_kept_batches_are_those_that_were_made(config, tmp_path):
    batches = Batches(config, verbose=False)
    store = Store(batches, str(tmp_path / "store"))
    made = [batches.make(number) for number in (0, 7)]
    for _ in range(2):
        for number, (signals, labels) in zip((0, 7), made, strict=True):
            found = store.make(number)
            assert torch.equal(found[0], signals)
            torch.testing.assert_close(found[1], labels, rtol=0, atol=1e-6)


def test_batches_of_other_settings_are_not_mixed(config, tmp_path):
    folder = str(tmp_path / "store")
    kept = dataclasses.replace(config, distinct=2)
    prepare(kept, folder, num_workers=2, verbose=False)
    files = {name: os.stat(os.path.join(folder, name)) for name in os.listdir(folder)}
    assert sorted(files) == ["000000.safetensors", "000001.safetensors", "batches.json"]
    prepare(dataclasses.replace(kept, steps=9, seed=4), folder, verbose=False)
    for name, before in files.items():
        assert os.stat(os.path.join(folder, name)).st_mtime_ns == before.st_mtime_ns
    with pytest.raises(ValueError, match=r"another \['snr'\].*Choose another folder"):
        prepare(dataclasses.replace(kept, snr=(1.0, 2.0)), folder, verbose=False)
    with pytest.raises(ValueError, match="Give 'distinct'"):
        prepare(config, str(tmp_path / "none"), verbose=False)
    with open(os.path.join(folder, "batches.json")) as file:
        said = json.load(file)
    assert len(said["teacher_sha256"]) == 64
    assert said["version"] == audw2s.__version__
