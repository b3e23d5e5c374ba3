"""Each recording is read whole, whatever its format and its name."""

import io
import os
import pathlib
import re
import subprocess
import sys

import formats
import numpy as np
import pytest
import soundfile
from memory import PEAK
from memory import needs_peak

from audw2s.audio import container
from audw2s.audio import decode
from audw2s.audio import flac
from audw2s.audio.mp3 import is_free_format
from audw2s.audio.preprocess import load_as_found
from audw2s.audio.quality import Report

MIN_DUR = 0.004

LIKENESS = {"a.3gp": 0.85, "a.amr": 0.85, "a.mp2": 0.96}
LIKENESS |= dict.fromkeys(["chained.ogg", "joined.mp3"], 0.7)
"""How alike what is decoded is to the original, where it isn't by 0.97.

FFmpeg leaves in what encoders put before the second of two streams.
"""


@pytest.fixture(scope="module")
def original() -> np.ndarray:
    """Speech of 2.048 s, which is a whole number of frames in all codecs."""
    path = pathlib.Path(__file__).parents[2] / "examples/speech"
    signal, _ = soundfile.read(path / "emodb-03a05Wa-anger.flac", dtype="float32")
    return signal[4000 : 4000 + 2**15]


def read(file, **kwargs) -> tuple[np.ndarray, Report]:
    report = Report()
    blocks = [report.update(b) for b in decode.file_blocks(file, report, **kwargs)]
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((1, 0)), report


def similarity(signal: np.ndarray, original: np.ndarray) -> tuple[float, int]:
    """Highest correlation of two signals over all delays, and the delay."""
    size = len(signal) + len(original)
    both = np.fft.rfft(signal, size) * np.conj(np.fft.rfft(original, size))
    found = np.fft.irfft(both, size)
    norm = np.linalg.norm(signal) * np.linalg.norm(original)
    delay = int(np.argmax(found))
    return float(found[delay] / norm), delay if delay < size // 2 else delay - size


@pytest.mark.parametrize("name", formats.FILES)
def test_formats(tmp_path, original, name):
    # A name that says nothing
    path = tmp_path / "recording.bin"
    path.write_bytes(formats.FILES[name](original))
    report = Report()
    signal = load_as_found(str(path), report)
    status, message = report.status(MIN_DUR)
    assert status == "ok"
    assert (message == "the first of 2 audio streams") == (name == "two_streams.m4a")
    # Some don't say how long encoder and decoder take
    assert -0.04 < report.duration - 2.048 < 0.13
    alike, delay = similarity(signal, original)
    assert alike > LIKENESS.get(name, 0.97)
    assert -0.04 < delay / 16000 < 0.12


@pytest.mark.parametrize(
    "name", ["s16.wav", "a.flac", "vorbis.ogg", "a.m4a", "cbr.mp3"]
)
@pytest.mark.parametrize("kind", ["path", "file", "bytes", "name"])
def test_paths_and_file_objects(tmp_path, original, name, kind):
    content = formats.FILES[name](original)
    path = tmp_path / "misleading.txt"
    path.write_bytes(content)
    expected, _ = read(str(path))
    assert expected.shape[1] > 30000
    if kind == "file":
        with open(path, "rb") as file:
            for _ in range(2):
                np.testing.assert_array_equal(read(file)[0], expected)
            assert not file.closed
        return
    source = {"path": path, "bytes": io.BytesIO(content), "name": str(path)}[kind]
    for _ in range(2):
        np.testing.assert_array_equal(read(source)[0], expected)


@pytest.mark.parametrize("name", formats.FILES)
def test_segments_lie_where_they_are_in_the_whole(
    tmp_path, original, name, monkeypatch
):
    monkeypatch.setattr(container, "SEEK_DUR", 0.6)
    monkeypatch.setattr(container, "WARM_UP_DUR", 0.4)
    path = tmp_path / "recording"
    path.write_bytes(formats.FILES[name](original))
    whole, report = read(path)
    rate = report.sampling_rate
    for start, end in [(0.25, 0.5), (0.7, 1.1), (1.234, 1.777), (1.5, None)]:
        found, own = read(path, start=start, end=end)
        last = None if end is None else round(end * rate)
        expected = whole[:, round(start * rate) : last]
        assert found.shape == expected.shape
        # AAC fills bands with noise, which depends on where decoding begins
        np.testing.assert_allclose(found, expected, atol=0.03)
        alike, delay = similarity(found.mean(axis=0), expected.mean(axis=0))
        assert (alike > 0.999, delay) == (True, 0)
        assert own.status(MIN_DUR)[0] in ("ok", "short")


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "no bytes"),
        (b"\n<!DOCTYPE html>\n<html><body>404</body></html>", "an HTML page, no audio"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "git-lfs"),
        (b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X" + bytes(4000), "AppleDouble"),
        (b"file,start\na.wav,0\n" * 300, "text, no audio"),
        ("größe,datei\n".encode("latin-1") * 9, "text, no audio"),
        (("größe,datei\n" * 9).encode("utf-16"), "text, no audio"),
        (b"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n", "text, no audio"),
        (b"ffconcat version 1.0\nfile '/etc/hostname'\n", "text, no audio"),
        (b"PK\x03\x04" + bytes(99), "a ZIP archive"),
        (bytes(5000), "no audio that can be decoded"),
        (np.random.default_rng(0).bytes(20000), "no audio that can be decoded"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "no audio that can be decoded"),
    ],
)
@pytest.mark.parametrize("extension", ["wav", "mp3", "au", "gsm", "vox", "txt", "m4a"])
def test_files_without_audio_are_unreadable(tmp_path, content, said, extension):
    path = tmp_path / f"a.{extension}"
    path.write_bytes(content)
    samples, report = read(str(path))
    status, message = report.status(MIN_DUR)
    assert (status, samples.size) == ("unreadable", 0)
    assert said in message
    with pytest.raises(ValueError, match="^" + message[:9]):
        decode.facts(str(path))
    assert decode.duration(str(path)) == 0


def test_video_without_sound():
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as opened:
        stream = opened.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for packet in stream.encode(av.VideoFrame(64, 64, "yuv420p")):
            opened.mux(packet)
        for packet in stream.encode(None):
            opened.mux(packet)
    assert read(file)[1].problem == ("unreadable", "no audio stream in it, only video")


def test_missing_files_and_folders(tmp_path, original):
    missing = {
        "s3://bucket/a.wav": "a URL, no file: mount or copy it",
        str(tmp_path): "a folder, no file",
        str(tmp_path / "a.wav"): "no such file",
        os.devnull: "no regular file",
    }
    for name, reason in missing.items():
        assert read(name)[1].problem == ("missing", reason)
    (tmp_path / "a.txt").write_text("text")
    with open(tmp_path / "a.txt") as file:
        status, message = read(file)[1].problem
    assert status == "unreadable"
    assert "mode 'rb'" in message
    with os.popen("true") as file:
        assert "it can't seek: read it" in read(file.buffer)[1].problem[1]


@pytest.mark.parametrize(
    "name, share, status",
    [
        ("s16.wav", 0.5, "truncated"),
        ("adpcm_ms.wav", 0.5, "truncated"),
        ("mp3_inside.wav", 0.5, "truncated"),
        ("a.aiff", 0.5, "truncated"),
        ("a.w64", 0.5, "truncated"),
        ("rf64.wav", 0.5, "truncated"),
        ("a.flac", 0.5, "truncated"),
        ("cbr.mp3", 0.5, "truncated"),
        ("vbr.mp3", 0.5, "truncated"),
        ("opus.webm", 0.5, "truncated"),
        ("aac.mkv", 0.5, "truncated"),
        # Nothing says how long they were
        ("unknown_length.flac", 0.5, "ok"),
        ("piped.wav", 0.5, "ok"),
        ("unpatched.wav", 0.5, "ok"),
        ("cbr_no_header.mp3", 0.5, "ok"),
        ("a.amr", 0.5, "ok"),
        ("a.aac", 0.5, "ok"),
        # So little may be missing
        ("s16.wav", 0.98, "ok"),
        # Both hold, and what is short has unsure values first of all
        ("s16.wav", 0.2, "short"),
        # What says where its samples are comes last
        ("video.mp4", 0.5, "unreadable"),
        ("alac.caf", 0.5, "unreadable"),
    ],
)
def test_truncated_files(original, name, share, status):
    content = formats.FILES[name](original)
    content = content[: round(share * len(content))]
    found, message = read(io.BytesIO(content))[1].status(MIN_DUR)
    assert found == status
    assert bool(re.search(r"of [12]\.\d+ s", message)) == (
        status in ("truncated", "short")
    )


@needs_peak
def test_sizes_that_damaged_headers_name_take_no_memory(tmp_path, original):
    content = formats.FILES["adpcm_ima.wav"](original)
    place = content.index(b"LIST") + 4
    (tmp_path / "a.wav").write_bytes(content)
    (tmp_path / "b.wav").write_bytes(
        content[:place] + (3 * 2**28).to_bytes(4, "little") + content[place + 4 :]
    )
    code = (
        "import sys\n"
        "from audw2s.audio.decode import facts\n"
        "facts(sys.argv[1])\n"
        "before = peak()\n"
        "try:\n    facts(sys.argv[2])\nexcept ValueError as error:\n    print(error)\n"
        "print(peak() - before)\n"
    )
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    command = [sys.executable, "-c", PEAK + code, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said, kilobytes = done.stdout.splitlines()
    assert said == "a chunk of its header is larger than the file"
    assert int(kilobytes) < 100_000


def test_highest_rate_and_most_channels(original):
    wav = bytearray(formats.FILES["s16.wav"](original))
    for rate, status in [(768_000, "short"), (768_001, "sampling_rate")]:
        wav[24:28] = rate.to_bytes(4, "little")
        assert read(io.BytesIO(wav))[1].status(MIN_DUR)[0] == status
    for count, status in [(64, "ok"), (65, "channels")]:
        content = formats.channels(count)(original)
        found = read(io.BytesIO(content))[1].status(MIN_DUR)
        assert found[0] == status
    assert found[1] == "65 channels, a file may have 64"


def test_blocks_are_bounded_in_bytes(monkeypatch, original):
    monkeypatch.setattr(decode, "BLOCK_SIZE", 100_000)
    for name in ("six_channels.wav", "six_channels.m4a"):
        file = io.BytesIO(formats.FILES[name](original))
        blocks = list(decode.file_blocks(file, Report()))
        # What PyAV decodes comes in frames
        assert max(block.nbytes for block in blocks) < 100_000 + 4 * 6 * 1024
        assert len(blocks) > 7


@pytest.mark.parametrize("sizes", [(1000, 1000), (1000, 500), (500, 1000), (32768, 9)])
def test_short_flac_streams_that_follow(original, sizes):
    parts = [formats.written(original[:n], "FLAC", "PCM_16") for n in sizes]
    samples, report = read(io.BytesIO(b"".join(parts)))
    expected = np.concatenate([original[:n] for n in sizes])
    np.testing.assert_allclose(samples[0], expected, atol=1e-4)
    assert report.notes == []


def test_a_flac_that_declares_too_few_samples(original):
    whole, _ = read(io.BytesIO(formats.FILES["a.flac"](original)))
    for count in (1, 4096, 30000, 32767):
        content = bytearray(formats.FILES["a.flac"](original))
        content[22:26] = count.to_bytes(4, "big")
        samples, report = read(io.BytesIO(content))
        assert report.status(MIN_DUR) == ("ok", "")
        np.testing.assert_array_equal(samples, whole)
        assert decode.facts(io.BytesIO(content)).duration is None
        samples, _ = read(io.BytesIO(content), start=1.5, end=2.0)
        np.testing.assert_array_equal(samples, whole[:, 24000:32000])


@pytest.mark.parametrize("rate", [8000, 44100, 96000, 12345])
@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
def test_the_last_frame_of_a_flac_tells_its_length(rate, subtype):
    rng = np.random.default_rng(rate)
    for num_samples in (*rng.integers(1, 150_000, 5), 4096, 8192):
        signal = rng.normal(0, 0.1, (num_samples, 2)) * rng.integers(2)
        file = io.BytesIO()
        soundfile.write(file, signal, rate, format="FLAC", subtype=subtype)
        assert flac.num_samples(file, file.getvalue()[:4096]) == num_samples


def test_mp3_is_free_format_if_no_frame_names_a_bit_rate(original):
    free, plain = formats.free_format(original), formats.mp3(original, xing=False)
    damaged = plain[:2] + bytes([plain[2] & 0x0F]) + plain[3:]
    for content, expected in ((free, True), (plain, False), (damaged, False)):
        assert is_free_format(io.BytesIO(content), content[:4096]) == expected


def test_segments_of_free_format_mp3_and_what_was_cut(original):
    content = formats.free_format(original)
    whole, report = read(io.BytesIO(content))
    assert report.duration == 87 * 1152 / 48000
    samples, _ = read(io.BytesIO(content[: len(content) // 2]))
    np.testing.assert_array_equal(samples, whole[:, : samples.shape[1]])
    assert 0.99 < samples.shape[1] / 48000 < 1.05


@pytest.mark.parametrize("name", ["opus.webm", "video.webm", "mp3.mkv", "aac.mkv"])
def test_far_segments_are_reached_by_seeking(original, name, monkeypatch):
    content = formats.FILES[name](np.tile(original, 20))
    whole, report = read(io.BytesIO(content))
    decoded = []
    convert = container.planes

    def counted(frame):
        decoded.append(frame.samples)
        return convert(frame)

    monkeypatch.setattr(container, "planes", counted)
    rate = report.sampling_rate
    for start in (20.123, 37.5):
        decoded.clear()
        samples, _ = read(io.BytesIO(content), start=start, end=start + 0.5)
        expected = whole[:, round(start * rate) : round((start + 0.5) * rate)]
        np.testing.assert_allclose(samples, expected, atol=0.03)
        # Matroska is sought by clusters of at most 5 s
        assert sum(decoded) < 7 * rate


def test_packets_that_can_not_be_decoded(original):
    content = bytearray(formats.mp3(original, xing=False))
    middle = len(content) // 2
    content[middle : middle + 900] = np.random.default_rng(0).bytes(900)
    _, report = read(io.BytesIO(content))
    status, message = report.status(MIN_DUR)
    assert status == "ok"
    assert "can't be decoded, left out" in message
    assert 1.9 < report.duration < 2.05


def test_flac_with_damage_before_its_first_frame(original):
    flac = formats.written(original, "FLAC", "PCM_16")
    first = flac.index(b"\xff\xf8")
    content = flac[:first] + b"\xff\xf8\x00\x00" + flac[first:]
    _, report = read(io.BytesIO(content))
    assert report.status(MIN_DUR) == ("ok", "")
    assert report.duration == 2.048


def test_streams_of_another_kind_follow(original):
    stereo = formats.channels(2, "FLAC")(original)
    for second, rate in ((formats.FILES["96_kHz.flac"](original), 16000),):
        found, report = read(io.BytesIO(stereo + second))
        assert (found.shape[0], report.sampling_rate) == (2, rate)
        assert abs(report.duration - 2 * 2.048) < 0.01


def test_declared_durations_are_counted(original):
    wav, m4a = (formats.FILES[name](original) for name in ("s16.wav", "a.m4a"))
    assert decode.facts(io.BytesIO(wav)) == (16000, 1, 2.048)
    assert decode.facts(io.BytesIO(m4a))[:2] == (44100, 1)
    flac = bytearray(formats.FILES["a.flac"](original))
    flac[22:26] = (2**31).to_bytes(4, "big")
    assert decode.facts(io.BytesIO(flac)).duration > 100_000
    assert decode.duration(io.BytesIO(flac)) == 2.048
    assert decode.duration(io.BytesIO(flac), 1.0) > 100_000
    assert decode.duration(io.BytesIO(wav)) == 2.048
    streamed = formats.FILES["unknown_length.flac"](original)
    assert decode.facts(io.BytesIO(streamed)).duration is None
    assert decode.duration(io.BytesIO(streamed)) == 2.048


NO_PROGRAM = """
import resource, sys, warnings
# No byte can be written, as on a disk that is full
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
import audw2s
print(audw2s.Feature().process_files(sys.argv[1:]).notna().all(axis=None))
"""


def test_no_program_no_temporary_file_no_chatter(tmp_path, original):
    names = [*formats.FILES]
    for name in names:
        (tmp_path / name).write_bytes(formats.FILES[name](original))
    done = subprocess.run(
        [sys.executable, "-B", "-c", NO_PROGRAM, *map(str, tmp_path.iterdir())],
        env={**os.environ, "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


CASES = {
    "01_streamed_unknown_length.flac": ("ok", 3.441),
    "02_vbr_no_xing_3.4s.mp3": ("ok", 3.448),
    "03_two_mp3_concatenated_7s.mp3": ("ok", 7.06),
    "06_alac.caf": ("ok", 3.441),
    "06_chrome_webm_named.wav": ("ok", 3.441),
    "06_m4a_named.mp3": ("ok", 3.441),
    "06_m4a_named.wav": ("ok", 3.441),
    "07_chrome.webm": ("ok", 3.441),
    "07_iphone.m4a": ("ok", 3.441),
    "07_voice.amr": ("ok", 3.46),
    "17a_sox_pipe_healthy.wav": ("ok", 3.441),
    "17b_cbr_no_xing_healthy.mp3": ("ok", 3.432),
    "19_git_lfs_pointer.wav": ("unreadable", 0),
    "19_html404.mp3": ("unreadable", 0),
    "19_video_without_sound.mp4": ("unreadable", 0),
    "19_zero_byte.mp3": ("unreadable", 0),
    "19_zero_byte.wav": ("unreadable", 0),
    "22_appledouble_is_._base.wav": ("unreadable", 0),
    "folder_of_formats/base.wav": ("ok", 3.441),
    "folder_of_formats/v.mkv": ("ok", 3.441),
    "folder_of_formats/v.mov": ("ok", 3.441),
    "folder_of_formats/voice.amr": ("ok", 3.46),
    "folder_of_formats/x.3gp": ("ok", 3.441),
    "folder_of_formats/x.aac": ("ok", 3.52),
    "folder_of_formats/x.aifc": ("ok", 3.441),
    "folder_of_formats/x.mp2": ("ok", 3.456),
    "folder_of_formats/x.sph": ("ok", 1.0),
    "folder_of_formats/x.w64": ("ok", 3.441),
    "folder_of_formats/x.wave": ("ok", 3.441),
    "mutants/aifcf_0196.aif": ("unreadable", 0),
    "mutants/text.au": ("unreadable", 0),
    "mutants/flac16_0022.flac": ("ok", 2.2),
    "mutants/two.m4a": ("ok", 2.2),
}


@pytest.mark.parametrize("name", CASES)
def test_recordings_that_went_wrong(shared, name):
    status, seconds = CASES[name]
    _, report = read(shared.parent / "cases" / name)
    assert report.status(MIN_DUR)[0] == status
    assert report.duration == pytest.approx(seconds, abs=0.002)
