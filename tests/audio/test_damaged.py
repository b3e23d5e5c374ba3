"""What is no audio, or no longer whole: its status, and why."""

import io
import os
import re
import subprocess
import sys

import formats
import numpy as np
import pytest
from decoding import MIN_DUR
from decoding import read
from memory import PEAK
from memory import needs_peak

from audw2s.audio import decode


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


def test_missing_files_and_folders(tmp_path):
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
def test_truncated_files(name, share, status):
    content = formats.recording(name)
    content = content[: round(share * len(content))]
    found, message = read(io.BytesIO(content))[1].status(MIN_DUR)
    assert found == status
    assert bool(re.search(r"of [12]\.\d+ s", message)) == (
        status in ("truncated", "short")
    )


@needs_peak
def test_sizes_that_damaged_headers_name_take_no_memory(tmp_path):
    content = formats.recording("adpcm_ima.wav")
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
