"""Windows of one length in a batch have the values they have alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import soundfile
from waiting import wait_until

import audw2s
from audw2s.corpus.batching import Batcher
from audw2s.inference.network import Network

MEAN = "mean(whisper-tiny-adv, whisper-tiny-adv)"


class Counted:
    """A session that notes what it is given."""

    def __init__(self, session, most=100):
        self.session = session
        self.most = most
        self.shapes = []
        self.first = threading.Event()

    def run(self, outputs, inputs):
        (signals,) = inputs.values()
        self.shapes.append(signals.shape)
        if len(signals) > self.most or signals.max() > 5:
            raise MemoryError("too much")
        # All others ask while the first one runs
        self.first.wait(60)
        return self.session.run(outputs, inputs)


def windows():
    rng = np.random.default_rng(0)
    sizes = rng.choice([16000, 8001, 999], 48, p=[0.5, 0.3, 0.2])
    return [(0.1 * rng.standard_normal(size)).astype(np.float32) for size in sizes]


def ask(batcher, signals):
    """Let a thread ask for each three windows."""
    parts = [signals[k : k + 3] for k in range(0, len(signals), 3)]
    with ThreadPoolExecutor(len(parts)) as pool:
        found = [pool.submit(batcher, part) for part in parts]
        try:
            wait_until(
                lambda: len(batcher.waiting) + 8 >= len(signals),
                "all threads ask",
                max_dur=30,
            )
        finally:
            # Or the pool would wait for its threads
            batcher.session.first.set()
        return np.stack([values for part in found for values in part.result()])


@pytest.mark.parametrize("hidden_states", [False, True])
@pytest.mark.parametrize("name", ["whisper-tiny-adv", MEAN])
def test_threads_share_batches(name, hidden_states):
    network = Network(name, hidden_states=hidden_states)
    batcher = Batcher(network, 8)
    batcher.session = Counted(batcher.session)
    signals = windows()
    found = ask(batcher, signals)
    expected = np.stack([network(signal) for signal in signals])
    assert expected[:, :3].std(axis=0).min() > 0.01
    np.testing.assert_allclose(found[:, :3], expected[:, :3], atol=1e-5)
    np.testing.assert_allclose(found[:, 3:], expected[:, 3:], rtol=1e-3, atol=1e-3)
    counts = [count for count, _ in batcher.session.shapes]
    assert sum(counts) == len(signals)
    assert max(counts) == 8
    assert len(counts) <= 12
    assert not batcher.waiting


def test_large_windows_are_processed_alone():
    network = Network("whisper-tiny-adv")
    batcher = Batcher(network, 8)
    batcher.session = Counted(batcher.session, most=1)
    signals = windows()
    found = ask(batcher, signals)
    expected = np.stack([network(signal) for signal in signals])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_an_error_is_raised_in_its_own_thread_only():
    network = Network("whisper-tiny-adv")
    batcher = Batcher(network, 8)
    batcher.session = Counted(batcher.session)
    good = np.ones(8000, np.float32)
    with ThreadPoolExecutor(2) as pool:
        fails = pool.submit(batcher, [9 * good, good])
        works = pool.submit(batcher, [good])
        batcher.session.first.set()
        with pytest.raises(MemoryError, match="too much"):
            fails.result()
        np.testing.assert_allclose(works.result()[0], network(good), atol=1e-5)
    assert not batcher.waiting


@pytest.mark.parametrize("options", [{"win_dur": 0.5}, {}])
def test_a_corpus_in_batches(damaged, tmp_path, speech, options):
    # Processed in blocks of 30 s, one of which is short
    soundfile.write(tmp_path / "long.wav", np.tile(speech, 13)[: 40 * 16000], 16000)
    files = [str(tmp_path / "long.wav"), *(file for file, _ in damaged.values())]
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(files))
    options["model"] = ["whisper-tiny-adv", "wav2small"]
    exact = audw2s.annotate(str(listed), **options)
    out = str(tmp_path / "out")
    many = audw2s.annotate(str(listed), out, batch_size=4, **options)
    pd.testing.assert_frame_equal(many, exact, atol=1e-5, rtol=0)
    assert many["whisper-tiny-adv.arousal"].notna().sum() > 10
    # Another size is no other run
    again = audw2s.annotate(str(listed), out, **options)
    pd.testing.assert_frame_equal(again, many)


def test_models_that_take_one_at_a_time(tmp_path, clips):
    path = tmp_path / "list.txt"
    path.write_text("\n".join(clips))
    with pytest.raises(
        ValueError, match="'wav2small' processes whole recordings. Leave"
    ):
        audw2s.annotate(str(path), batch_size=2)
    with pytest.raises(ValueError, match="'batch_size' has to be at least 1, got 0"):
        audw2s.annotate(str(path), batch_size=0)
    with pytest.raises(ValueError, match="processes one window at a time"):
        Batcher(Network("wav2small-int8"), 2)
