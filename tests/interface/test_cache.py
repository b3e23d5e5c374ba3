"""cache_root keeps values, by all that they depend on, and nothing else."""

import os
import shutil

import audformat
import numpy as np
import pytest
from results import values

import audw2s

INTERFACES = [
    audw2s.Feature(),
    audw2s.Feature(win_dur=1),
    audw2s.Process(),
    audw2s.Segment(tolerance=0.05),
    audw2s.Feature(segment=audw2s.Segment(tolerance=0.05)),
]
IDS = ["feature", "windows", "process", "segment", "feature of segments"]


@pytest.fixture
def folder(clips, tmp_path):
    for number, clip in enumerate(clips[:3]):
        shutil.copy(clip, tmp_path / f"{number}.flac")
    return tmp_path


def same(found, expected) -> bool:
    if not hasattr(found, "index"):
        return found.equals(expected)
    assert found.attrs == expected.attrs
    return found.index.equals(expected.index) and np.array_equal(
        values(found), values(expected), equal_nan=True
    )


def reads(monkeypatch) -> list[str]:
    """Names of the files that are read from now on."""
    from audw2s.interface import rows

    found = []
    blocks = rows.file_blocks

    def noted(file, *args, **kwargs):
        found.append(os.path.basename(file))
        return blocks(file, *args, **kwargs)

    monkeypatch.setattr(rows, "file_blocks", noted)
    return found


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("interface", INTERFACES, ids=IDS)
def test_only_values_are_cached(interface, folder, clips, monkeypatch):
    (folder / "1.flac").unlink()
    (folder / "2.flac").write_bytes(b"broken")
    names = ["0.flac", "1.flac", "2.flac"]
    index = audformat.filewise_index([str(folder / name) for name in names])
    cache = str(folder / "cache")
    first = interface.process_index(index, cache_root=cache)
    assert same(first, interface.process_index(index))
    found = reads(monkeypatch)
    assert same(interface.process_index(index, cache_root=cache), first)
    # What had values isn't read again, what had none is
    assert "0.flac" not in found
    assert {*found} == {"1.flac", "2.flac"}
    shutil.copy(clips[1], folder / "1.flac")
    second = interface.process_index(index, cache_root=cache)
    assert same(second, interface.process_index(index))
    assert not same(second, first)


@pytest.mark.parametrize("interface", INTERFACES, ids=IDS)
def test_a_file_that_changes_is_read(interface, folder, clips):
    index = audformat.filewise_index(["0.flac", "1.flac"])
    kwargs = {"root": str(folder), "cache_root": str(folder / "cache")}
    first = interface.process_index(index, **kwargs)
    shutil.copy(clips[4], folder / "0.flac")
    changed = interface.process_index(index, **kwargs)
    assert not same(changed, first)
    assert same(changed, interface.process_index(index, root=str(folder)))
    # Another one of the same size, with another time
    stat = os.stat(folder / "1.flac")
    content = (folder / "1.flac").read_bytes()
    (folder / "1.flac").write_bytes(content[: len(content) // 2].ljust(len(content)))
    os.utime(folder / "1.flac", ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    with pytest.warns(UserWarning, match="truncated|unreadable"):
        interface.process_index(index, **kwargs)


@pytest.mark.parametrize("interface", INTERFACES, ids=IDS)
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_cache_is_replaced(interface, damage, clips, tmp_path):
    index = audformat.filewise_index(clips[:2])
    expected = interface.process_index(index, cache_root=str(tmp_path))
    for path in tmp_path.rglob("*.pkl"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        made = {"cut": content[:-9], "flipped": content, "empty": b""}
        path.write_bytes(made[damage])
    for _ in range(2):
        found = interface.process_index(index, cache_root=str(tmp_path))
        assert same(found, expected)


def test_ends_stay_open_only_where_they_should(clips, tmp_path):
    index = audformat.filewise_index(clips[:2])
    for keep_nat in (True, False, True):
        feature = audw2s.Feature(keep_nat=keep_nat)
        for _ in range(2):
            found = feature.process_index(index, cache_root=str(tmp_path))
            assert same(found, feature.process_index(index))


def test_cached_values_are_not_computed_again(clips, tmp_path, monkeypatch):
    index = audformat.filewise_index(clips)
    feature = audw2s.Feature()
    expected = feature.process_index(index, cache_root=str(tmp_path))
    found = reads(monkeypatch)
    kept = feature.process_index(index, cache_root=str(tmp_path), preserve_index=True)
    assert not found
    assert kept.index.equals(index)
    np.testing.assert_array_equal(kept, expected)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_segments_keep_their_order(clips, tmp_path):
    """Also where files take turns, and one of them fails."""
    missing = str(tmp_path / "none.flac")
    for files in (
        [clips[0], missing, clips[1]],
        [clips[0], missing, clips[0], missing, clips[1]],
        [clips[1], clips[0], clips[1]],
    ):
        starts = 0.1 * np.arange(len(files))
        index = audformat.segmented_index(files, list(starts), list(starts + 1))
        for interface in (audw2s.Feature(), audw2s.Process(win_dur=0.5)):
            expected = interface.process_index(index)
            for _ in range(2):
                found = interface.process_index(index, cache_root=str(tmp_path))
                assert same(found, expected)


def test_failures_are_not_cached(tmp_path):
    feature = audw2s.Feature(segment=audw2s.Segment())
    for index in (audformat.filewise_index(), audformat.segmented_index()):
        for _ in range(2):
            assert len(feature.process_index(index, cache_root=str(tmp_path))) == 0
    assert not list(tmp_path.rglob("tmp*"))
