"""The page says what the table says, and needs nothing but itself."""

import base64
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import soundfile

import audw2s
from audw2s.corpus.report.page import write_report
from audw2s.corpus.report.summary import DURATIONS
from audw2s.corpus.report.summary import EDGES
from audw2s.corpus.report.summary import Summary
from audw2s.corpus.table import table_schema

NAMES = list(audw2s.DIMENSIONS)


class Page:
    """A page as a reader of XML sees it."""

    def __init__(self, path):
        self.text = path.read_text(encoding="utf-8")
        doctype, _, rest = self.text.partition("\n")
        assert doctype == "<!DOCTYPE html>"
        self.root = ElementTree.fromstring(rest)

    def table(self, caption: str) -> list[list[str]]:
        """Cells of a table, found by the start of its caption."""
        for table in self.root.iter("table"):
            if "".join(table.find("caption").itertext()).startswith(caption):
                rows = [row for row in table.iter("tr") if row.find("td") is not None]
                return [["".join(c.itertext()) for c in row] for row in rows]
        raise AssertionError(f"no table {caption}")

    @property
    def pictures(self) -> list[str]:
        return [image.get("alt") for image in self.root.iter("img")]

    def check(self) -> None:
        """Nothing is loaded or run, all has a name, nothing refers to what isn't."""
        tags = {element.tag for element in self.root.iter()}
        assert not tags & {"script", "link", "iframe", "object", "embed"}
        for word in ("http:", "https:", "@import", "url(", "href"):
            assert word not in self.text
        for image in self.root.iter("img"):
            kind, _, content = image.get("src").partition(",")
            assert kind == "data:image/svg+xml;base64"
            svg = base64.b64decode(content).decode()
            ElementTree.fromstring(svg)
            svg = re.sub(r' xmlns(:\w+)?="[^"]*"|<!DOCTYPE[^>]*>', "", svg)
            assert "http" not in svg and "<script" not in svg
            for address in re.findall(r'url\(([^)]*)\)|(?:href|src)="([^"]*)"', svg):
                assert "".join(address).startswith(("#", "data:image/png"))
        assert self.root.get("lang") == "en"
        assert all(
            table.find("caption") is not None for table in self.root.iter("table")
        )
        assert "prefers-color-scheme: dark" in self.text


def ccc(x: np.ndarray, y: np.ndarray) -> float:
    spread = x.var() + y.var() + (x.mean() - y.mean()) ** 2
    return 2 * np.mean((x - x.mean()) * (y - y.mean())) / spread


@pytest.fixture
def folder(tmp_path, speech):
    root = tmp_path / "corpus <i>&amp;"
    root.mkdir()
    for number in range(6):
        part = speech[2000 * number :][: 6000 + 4000 * number]
        soundfile.write(root / f"{number}.wav", part, 16000)
    for name in ("<script>alert(1)<&.wav", 'a"b\x01.wav', "x.wav", "y.wav"):
        (root / name).write_bytes(b"bad")
    return root


def test_report_of_two_models(folder, tmp_path):
    models, path = ["wav2small", "whisper-tiny-adv"], tmp_path / "report.html"
    out = str(tmp_path / "out")
    frame = audw2s.annotate(str(folder), out, model=models, report=str(path))
    page = Page(path)
    page.check()
    counts = frame["status"].value_counts()
    found = {row[0]: int(row[1]) for row in page.table("How many rows")}
    assert found == counts.to_dict() == {"unreadable": 4, "ok": 5, "short": 1}
    shares = {row[0]: row[2] for row in page.table("How many rows")}
    assert shares["ok"] == "50.0\u00a0%"
    # Three of each, escaped
    examples = page.table("The first")
    bad = frame[frame["status"] == "unreadable"]
    names = [name.replace("\x01", "\\x01") for name in bad["file"]]
    assert [row[1] for row in examples if row[0] == "unreadable"] == names[:3]
    assert [row[3] for row in examples if row[0] == "unreadable"] == [
        *bad["message"][:3]
    ]
    assert any("<script>alert(1)<&.wav" in row[1] for row in examples)
    good = frame[frame["status"] != "unreadable"]
    values = {name: good[[f"{name}.{d}" for d in NAMES]].to_numpy() for name in models}
    for row in page.table("Mean"):
        mean, std = values[row[0]].mean(axis=0), values[row[0]].std(axis=0)
        assert row[1:] == [
            f"{m:.3f} ±\u00a0{s:.3f}" for m, s in zip(mean, std, strict=True)
        ]
    ((_, *said),) = page.table("Concordance")
    literal = [ccc(values[models[0]][:, k], values[models[1]][:, k]) for k in range(3)]
    np.testing.assert_allclose([float(text) for text in said], literal, atol=6e-4)
    facts = dict(page.table("What was annotated"))
    seconds = frame["duration"].sum()
    assert facts["inputs"] == f"10, {seconds:.0f} s of audio"
    assert facts["corpus"] == str(folder)
    assert facts["this run"].startswith(f"10 files, {seconds:.0f} s of audio in ")
    rows = {row[0]: row[1:] for row in page.table("By which")}
    assert rows["wav2small"] == ["CC BY 4.0", audw2s.models().sha256["wav2small"]]
    # Three of values, three of the pair, one of durations
    assert len(page.pictures) == 7
    assert f"CCC {literal[2]:.3f}" in page.pictures[5]
    # Of what is there already, with the numbers of all
    path.unlink()
    audw2s.annotate(str(folder), out, model=models, report=str(path))
    again = Page(path)
    assert again.table("Mean") == page.table("Mean")
    assert dict(again.table("What was"))["this run"].startswith("nothing was processed")


def test_report_of_one_model_with_windows(folder, tmp_path):
    path = tmp_path / "report.html"
    windows = {"win_dur": 0.5, "hop_dur": 0.25}
    frame = audw2s.annotate(str(folder), report=str(path), **windows)
    page = Page(path)
    page.check()
    assert len(page.pictures) == 4
    facts = dict(page.table("What was annotated"))
    assert facts["rows"] == str(len(frame))
    assert facts["windows"] == "0.5 s, each 0.25 s"
    # Windows overlap: each second counts once
    total = sum(6000 + 4000 * number for number in range(6)) / 16000
    assert facts["inputs"] == f"10, {total:.0f} s of audio"
    assert f"10 inputs, {total:.0f} s" not in page.text
    assert f"6 inputs, {total:.0f} s" in page.text
    with pytest.raises(AssertionError, match="no table"):
        page.table("Concordance")


def test_report_without_usable_files(tmp_path):
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(b"bad")
    path = tmp_path / "report.html"
    audw2s.annotate(
        str(tmp_path), model=["wav2small", "wav2small-int8"], report=str(path)
    )
    page = Page(path)
    page.check()
    assert page.pictures == []
    assert "No row has values." in page.text
    assert "No audio was analysed." in page.text


def rows(names, starts, durations, values) -> pa.Table:
    size = len(starts)
    columns = {
        "file": ["a.wav"] * size,
        "start": pd.to_timedelta(starts, unit="s"),
        "end": pd.to_timedelta(starts, unit="s"),
        **dict(zip(table_schema(names).names[3:-4], values.T, strict=True)),
        "duration": durations,
        "speech": durations,
        "status": ["ok"] * size,
        "message": [""] * size,
    }
    return pa.Table.from_pandas(pd.DataFrame(columns), table_schema(names), False)


def test_counts_are_those_of_all_rows(tmp_path):
    """However they come, and without keeping them."""
    rng = np.random.default_rng(0)
    names = ["a", "b", "c"]
    values = rng.normal(0.5, 0.4, (5000, 9)).astype(np.float32)
    values[::50] = np.nan
    values[1, 0] = 7.0
    numbers = np.repeat(np.arange(2500), 2)
    durations = rng.uniform(0.02, 9, 5000)
    starts = np.tile([0.0, 0.25], 2500)
    whole, pieces = Summary(names, True), Summary(names, True)
    table = rows(names, starts, durations, values)
    whole.update(numbers, table)
    for first in range(0, 5000, 1234):
        part = slice(first, first + 1234)
        pieces.update(numbers[part], table.slice(first, 1234))
    finite = values[np.isfinite(values).all(axis=1)]
    clipped = np.clip(finite, EDGES[0], EDGES[-1])
    for k in range(9):
        expected = np.histogram(clipped[:, k], EDGES)[0]
        for summary in (whole, pieces):
            np.testing.assert_array_equal(summary.values[k // 3, k % 3], expected)
    assert set(whole.pairs) == {(0, 1), (0, 2), (1, 2)}
    for pair, cells in whole.pairs.items():
        np.testing.assert_array_equal(cells, pieces.pairs[pair])
        np.testing.assert_array_equal(cells.sum(axis=(1, 2)), len(finite))
        # The first model along the first axis
        coarse = np.histogram(clipped[:, 3 * pair[0]], np.linspace(-0.5, 1.5, 61))[0]
        np.testing.assert_array_equal(cells[0].sum(axis=1), coarse)
    ends = (starts + durations).reshape(-1, 2).max(axis=1)
    expected = np.histogram(ends, DURATIONS)[0]
    np.testing.assert_array_equal(whole.durations, expected)
    models = [{"name": n, "sha256": "0" * 64, "licence": "MIT"} for n in names]
    provenance = {"models": models, "version": "1", "exact": True, "max_dur": 3.0}
    provenance |= {"win_dur": 1.0, "hop_dur": 0.5}
    path = tmp_path / "report.html"
    write_report(str(path), "x", whole, provenance, "fast")
    page = Page(path)
    page.check()
    assert [row[0] for row in page.table("Concordance")] == [
        *("a and b", "a and c", "b and c")
    ]
    assert "each window" in dict(page.table("What was"))["analysis"]
    # There are no other statuses
    assert "other than ok" not in page.text


def test_a_wrong_path_is_refused_before_the_work(folder, tmp_path):
    for report, message in [
        (tmp_path / "no" / "report.html", "There is no folder '.*no' for the report"),
        (tmp_path, "which is a folder"),
    ]:
        with pytest.raises(ValueError, match=message):
            audw2s.annotate(str(folder), str(tmp_path / "out"), report=str(report))
    assert not (tmp_path / "out").exists()
