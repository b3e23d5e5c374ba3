"""Memory is bounded by the window, not by the recording."""

import subprocess
import sys

import formats
import numpy as np
import pytest
import soundfile
from full import full
from memory import PEAK
from memory import needs_peak

import audw2s

CODE = """
import sys, warnings
import audw2s
warnings.simplefilter("ignore")
feature = audw2s.Feature(win_dur=WIN, hop_dur=WIN)
rows = len(feature.process_file(sys.argv[1]))
print(rows, peak() / 1024)
"""


def peak(path, win_dur) -> tuple[int, float]:
    """Rows and peak memory in MB of a process that annotates a file."""
    code = PEAK + CODE.replace("WIN", repr(win_dur))
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    rows, memory = done.stdout.split()
    return int(rows), float(memory)


@needs_peak
@pytest.mark.parametrize("win_dur", [pytest.param(None, marks=full), 5])
def test_twelve_minutes_of_stereo(tmp_path, win_dur):
    rng = np.random.default_rng(0)
    minute = (0.1 * rng.standard_normal((60 * 44100, 2))).astype(np.float32)
    long, short = tmp_path / "long.flac", tmp_path / "short.flac"
    with soundfile.SoundFile(long, "w", 44100, 2) as sound:
        for _ in range(12):
            sound.write(minute)
    soundfile.write(short, minute[: 5 * 44100], 44100)
    rows_long, memory_long = peak(long, win_dur)
    rows_short, memory_short = peak(short, win_dur)
    assert rows_short == 1
    assert rows_long == (144 if win_dur else 1)
    # Read as a whole it would take 254 MB
    assert memory_long - memory_short < 150


@needs_peak
def test_ten_minutes_of_m4a(tmp_path, speech):
    long, short = tmp_path / "long.m4a", tmp_path / "short.m4a"
    formats.write_long(str(long), speech, 180)
    formats.write_long(str(short), speech, 2)
    # Read as a whole it would take 40 MB, and twice that while its parts are joined
    assert peak(long, None)[1] - peak(short, None)[1] < 30


def test_nan_in_a_later_block_spoils_the_value_of_the_whole():
    signal = np.random.default_rng(0).uniform(-0.1, 0.1, 16000 * 70)
    signal[16000 * 65] = np.nan
    feature = audw2s.Feature()
    with pytest.warns(UserWarning, match="not_finite"):
        assert feature.process_signal(signal, 16000).isna().all(axis=None)
    with pytest.raises(audw2s.UnusableSignalError, match="not_finite"):
        audw2s.Feature(on_error="raise").process_signal(signal, 16000)
