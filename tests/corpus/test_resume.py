"""Whatever happens to a run, the next one goes on, and gives the same table."""

import json
import os
import pathlib
import shutil
import signal
import time

import filelock
import pandas as pd
import pytest
from commands import invoke
from full import sample
from pyarrow import parquet
from waiting import MAX_DUR

import audw2s
from audw2s.corpus.shards import Writer

SPEECH = pathlib.Path(__file__).parent.parent.parent / "examples" / "speech"

SHARDS = ("--shard-size", 8, "--quiet")

ALONE = ("--num-workers", 1, *SHARDS)

WORKERS = ("--num-workers", 2, *SHARDS)


def table(out) -> pd.DataFrame:
    return pd.read_parquet(out / "table.parquet")


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """The clips, annotated."""
    out = tmp_path_factory.mktemp("once") / "out"
    return out, audw2s.annotate(str(SPEECH), str(out), num_workers=1)


@pytest.fixture
def finished(once, tmp_path):
    """Folder of a finished run of its own, and its table."""
    out, frame = once
    return shutil.copytree(out, tmp_path / "out"), frame


def test_killed_at_any_moment(corpus, tmp_path, watched):
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert invoke("annotate", corpus, "--out", whole, *ALONE).exit_code == 0
    kills = sample((3, 20, 41, 55), 2)
    # Quick files are sent several at a time, the quicker the more
    watched.slow.write_text("0.06")
    for opened in kills:
        process = watched.start(corpus, "--out", out, *WORKERS)
        watched.wait_for(process, opened)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=MAX_DUR)
        watched.wait_for_end()
        assert not (out / "table.parquet").exists()
    watched.slow.unlink()
    done = watched.run(corpus, "--out", out, *ALONE)
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(table(out), table(whole))
    assert table(out).attrs == table(whole).attrs
    # Each time what was not written yet: a part, and what was sent ahead
    assert 60 <= len(watched.opened) <= 60 + len(kills) * (8 + 8)
    names = os.listdir(out / "parts")
    assert all(name.startswith(("part-", "tmp")) for name in names)
    assert set(os.listdir(out)) - {".lock"} == {"parts", "table.parquet"}


def test_workers_killed_while_they_start_are_started_again(
    clips, once, tmp_path, watched
):
    root, out = os.path.dirname(clips[0]), tmp_path / "out"
    watched.kill_while_starting(2)
    done = watched.run(root, "--out", out, "--num-workers", 1)
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(table(out), once[1])
    watched.kill_while_starting(3)
    done = watched.run(root, "--out", out, "--restart", "--num-workers", 1)
    assert done.returncode == 2
    assert "The worker process didn't start (SIGKILL)" in done.stderr


def test_ctrl_c_keeps_finished_files(corpus, tmp_path, watched):
    out = tmp_path / "out"
    process = watched.start(corpus, "--out", out, *WORKERS)
    watched.wait_for(process, 20)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=MAX_DUR)
    assert process.returncode == 130, told
    assert "run the same command to go on" in told
    assert "Traceback" not in told
    opened = len(watched.opened)
    assert opened < 60
    done = watched.run(corpus, "--out", out, *ALONE)
    assert done.returncode == 0, done.stderr
    # All that had been started was finished, and kept
    assert len(watched.opened) == len(table(out)) == 60
    assert table(out)["status"].eq("ok").all()


def test_second_ctrl_c_does_not_wait(corpus, tmp_path, watched):
    (corpus / "hang.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    out = tmp_path / "out"
    process = watched.start(corpus, "--out", out, "--num-workers", 1)
    watched.wait_for(process, 1)
    # Bytes of the bar are read until the sentence is there
    process.send_signal(signal.SIGINT)
    told = ""
    while "Ctrl-C again" not in told:
        read = process.stderr.read(1)
        assert read, f"it has ended: {told}"
        told += read
    process.send_signal(signal.SIGINT)
    assert "same command" in process.communicate(timeout=MAX_DUR)[1]
    assert process.returncode == 130
    watched.wait_for_end()


def test_changed_files_alone_are_processed_again(corpus, tmp_path, watched, speech):
    import soundfile

    out = tmp_path / "out"
    assert watched.run(corpus, "--out", out, *ALONE).returncode == 0
    assert sorted(watched.opened) == [f"{number:02d}.wav" for number in range(60)]
    before = table(out).set_index("file")
    assert watched.run(corpus, "--out", out, *ALONE).returncode == 0
    assert len(watched.opened) == 60
    pd.testing.assert_frame_equal(table(out).set_index("file"), before)
    changed, new = corpus / "speaker0" / "03.wav", corpus / "a.wav"
    soundfile.write(changed, speech[:12345], 16000)
    soundfile.write(new, speech, 16000)
    gone = corpus / "speaker1" / "04.wav"
    gone.unlink()
    assert watched.run(corpus, "--out", out, *ALONE).returncode == 0
    assert sorted(watched.opened[60:]) == ["03.wav", "a.wav"]
    after = table(out).set_index("file")
    assert after.index[0] == str(new)
    assert after.loc[str(changed), "duration"] == 12345 / 16000
    same = before.index.difference([str(changed), str(gone)])
    assert list(after.index) == sorted([*same, str(changed), str(new)])
    pd.testing.assert_frame_equal(after.loc[same], before.loc[same])


def test_a_damaged_shard_is_processed_again(corpus, tmp_path):
    out = tmp_path / "out"
    whole = audw2s.annotate(str(corpus), str(out), shard_size=8)
    part = sorted((out / "parts").iterdir())[2]
    part.write_bytes(part.read_bytes()[:1000])
    left = [out / "parts" / f"tmp{k}.part-00000009.parquet" for k in range(2)]
    for path, age in zip(left, (0, 4000), strict=True):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age, time.time() - age))
    done = invoke("annotate", corpus, "--out", out)
    assert done.exit_code == 0
    assert f"{part} is damaged or no shard, and isn't used" in done.stderr
    pd.testing.assert_frame_equal(table(out), whole)
    # One may still be written, for a run whose driver was killed
    assert [path.exists() for path in left] == [True, False]


def test_none_of_the_files_was_processed_before(clips, tmp_path):
    paths, out = tmp_path / "list.txt", str(tmp_path / "out")
    for clip in clips[:2]:
        paths.write_text(clip)
        frame = audw2s.annotate(str(paths), out, num_workers=1)
        assert list(frame["file"]) == [clip]


def test_other_files_among_the_shards_are_left_out(clips, tmp_path):
    root, out = os.path.dirname(clips[0]), tmp_path / "out"
    options = {"model": ["wav2small"], "embeddings": True}
    whole = audw2s.annotate(root, str(out), **options)
    (part,) = (out / "parts").iterdir()
    rows, folder = parquet.read_table(part), part.parent
    without_keys = rows.select(["file", "status", "arousal"])
    for number, odd in enumerate(
        [
            rows.replace_schema_metadata({}),
            rows.replace_schema_metadata({"audw2s": "{half"}),
            rows.replace_schema_metadata({"audw2s": "[1]"}),
            without_keys,
            rows.set_column(0, "file", rows["start"]),
        ]
    ):
        parquet.write_table(odd, folder / f"part-{number + 1:08}-0.parquet")
    (folder / "part-00000006-0.parquet").touch()
    for name in ("part-of-a-plan.parquet", "notes.txt"):
        (folder / name).write_text("words")
    before = sorted(os.listdir(folder))
    done = invoke("annotate", root, "--out", out, "--embeddings")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.count("is damaged or no shard, and isn't used") == 6
    pd.testing.assert_frame_equal(table(out), whole)
    assert sorted(os.listdir(folder)) == before


def test_pages_that_are_damaged_are_named(clips, finished):
    root, (out, _) = os.path.dirname(clips[0]), finished
    (part,) = (out / "parts").iterdir()
    column = parquet.ParquetFile(part).metadata.row_group(0).column(3)
    assert column.path_in_schema == "arousal"
    begin = column.dictionary_page_offset or column.data_page_offset
    with open(part, "r+b") as file:
        file.seek(begin)
        file.write(b"\xff" * 12)
    with pytest.raises(ValueError, match="part-.*is damaged .*: delete it, and run"):
        audw2s.annotate(root, str(out))


def test_intervals_are_added_to_a_finished_run(clips, finished):
    root, (out, before) = os.path.dirname(clips[0]), finished
    shards = os.listdir(out / "parts")
    for intervals in (0.9, 0.5, None):
        frame = audw2s.annotate(root, str(out), intervals=intervals)
        assert ("arousal_low" in frame) == (intervals is not None)
        assert frame.attrs["audw2s"]["intervals"] == intervals
        pd.testing.assert_frame_equal(frame[list(before)], before)
        pd.testing.assert_frame_equal(table(out), frame)
    assert os.listdir(out / "parts") == shards


def test_files_that_change_meanwhile_have_rows(clips, tmp_path, monkeypatch):
    root, fine = tmp_path / "corpus", Writer.flush
    shutil.copytree(os.path.dirname(clips[0]), root)

    def flush(self):
        fine(self)
        for path in root.iterdir():
            os.utime(path)

    monkeypatch.setattr(Writer, "flush", flush)
    whole = audw2s.annotate(str(root), str(tmp_path / "out"), num_workers=1)
    monkeypatch.setattr(Writer, "flush", fine)
    again = audw2s.annotate(str(root), num_workers=1)
    pd.testing.assert_frame_equal(whole, again)


def test_rows_of_several_attempts_count_once(clips, finished):
    root, (out, whole) = os.path.dirname(clips[0]), finished
    (part,) = (out / "parts").iterdir()
    shutil.copy(part, part.with_name(part.name.replace("part-0", "part-1")))
    pd.testing.assert_frame_equal(audw2s.annotate(root, str(out)), whole)
    assert len(list((out / "parts").iterdir())) == 2


def test_retry_failed(tmp_path, clips, watched, damaged):
    files = [damaged[name][0] for name in ("half.wav", "page.wav", "not_there.wav")]
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join([clips[0], *files]))
    out = tmp_path / "out"
    assert watched.run(listed, "--out", out, *ALONE).returncode == 1
    first, count = table(out), len(watched.opened)
    assert invoke("annotate", listed, "--out", out).exit_code == 1
    assert len(watched.opened) == count
    retry = ("--retry-failed", *ALONE)
    assert watched.run(listed, "--out", out, *retry).returncode == 1
    assert set(watched.opened[count:]) == {"half.wav", "page.wav"}
    pd.testing.assert_frame_equal(table(out), first)


def test_second_run_is_refused(clips, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with filelock.FileLock(out / ".lock"):
        done = invoke("annotate", os.path.dirname(clips[0]), "--out", out)
    assert done.exit_code == 2
    assert "Another run is writing to" in done.stderr
    assert os.listdir(out) in ([".lock"], [])


def test_other_settings_are_refused(clips, finished):
    root, (out, before) = os.path.dirname(clips[0]), finished
    for options, said in [
        ({"model": "wav2small-int8"}, "models wav2small .*, now wav2small-int8 "),
        ({"win_dur": 2.0}, "win_dur none, now 2.0; hop_dur none, now 1.0"),
        ({"max_dur": 9.0}, "max_dur none, now 9.0"),
    ]:
        with pytest.raises(ValueError, match=said):
            audw2s.annotate(root, str(out), **options)
    done = invoke("annotate", root, "--out", out, "--exact")
    assert done.exit_code == 2
    assert "exact False, now True" in done.stderr
    assert "Traceback" not in done.stderr
    pd.testing.assert_frame_equal(table(out), before)
    (part,) = (out / "parts").iterdir()
    rows = parquet.read_table(part)
    identity = json.loads(rows.schema.metadata[b"audw2s"])
    for stored, said in [
        (identity | {"version": "0.0.1"}, "version 0.0.1, now"),
        ({}, "models none, now wav2small"),
    ]:
        # Beside shards of this run
        metadata = {"audw2s": json.dumps(stored)}
        other = out / "parts" / "part-00000001-0.parquet"
        parquet.write_table(rows.replace_schema_metadata(metadata), other)
        with pytest.raises(ValueError, match=said):
            audw2s.annotate(root, str(out))
    audw2s.annotate(root, str(out), win_dur=2.0, restart=True, num_workers=1)
    assert len(table(out)) > len(clips)
    assert len(list((out / "parts").iterdir())) == 1


def test_folders_of_other_programs_are_not_changed(clips, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    root, said = os.path.dirname(clips[0]), "holds other things, such as 'thesis"
    for restart in (False, True):
        with pytest.raises(ValueError, match=said):
            audw2s.annotate(root, str(tmp_path), restart=restart)
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_folder_that_cannot_be_written_to(clips, tmp_path):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "out"
    done = invoke("annotate", os.path.dirname(clips[0]), "--out", out)
    assert done.exit_code == 2
    assert "can't be written to: Not a directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_stops_the_run(corpus, tmp_path, monkeypatch):
    out, fine = str(tmp_path / "out"), Writer.flush
    written = []

    def full(self):
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        written.append(self.rows)
        return fine(self)

    monkeypatch.setattr(Writer, "flush", full)
    with pytest.raises(OSError, match="No space left on device. Finished results"):
        audw2s.annotate(str(corpus), out, shard_size=8)
    monkeypatch.setattr(Writer, "flush", fine)
    whole = audw2s.annotate(str(corpus), out)
    assert len(whole) == 60
    assert whole["status"].eq("ok").all()
