"""Damage lists, ratings, model folders, settings and shards at random, and read them.

What reads a damaged file has to give the rows that are in it, or an error that is a
sentence with the name of the file: no other exception, no wrong row, no more than 10 s,
no more than 300 MB beyond the whole file. The same seeds damage in the same ways. What
damages recordings is ``tests/corpus/test_fuzz.py``.

    python tests/benchmark/fuzz.py [--count 10000] [--first 0] [--targets list.csv ...]
        [--store docs/checks.csv] [--keep FOLDER]

It prints a table, adds it to ``--store``, prints faults with their seeds, and ends with
1 if there are any. Files that led to faults are kept in ``--keep``.
"""

import argparse
import collections
import contextlib
import csv
import dataclasses
import io
import json
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from collections.abc import Iterator

import numpy as np
import pandas as pd
from tally import Result
from tally import Tally

TESTS = pathlib.Path(__file__).parents[1]
sys.path[:0] = [str(TESTS)]

from mutations import flip_any_bit  # noqa: E402
from mutations import mutated_bytes  # noqa: E402
from mutations import mutated_words  # noqa: E402

import audw2s  # noqa: E402
from audw2s.corpus.inputs import read_inputs  # noqa: E402
from audw2s.corpus.lists.corpus import read_corpus  # noqa: E402
from audw2s.corpus.lists.ratings import has_ratings  # noqa: E402
from audw2s.corpus.lists.ratings import rating_scale  # noqa: E402
from audw2s.corpus.lists.ratings import ratings  # noqa: E402

MAX_DUR = 10
"""Seconds that a file may take."""

MAX_MEMORY = 300
"""MB that files may take beyond the whole one."""

ADDRESS_SPACE = 6 * 2**30
"""Bytes that a process may ask for."""

CHUNK = 500
"""Files that a process reads."""

TABLE = """file,start,end,speaker,rater1_arousal,rater1_valence,rater2_arousal,gender
a.wav,0,1.5,anna,1,2.5,3,female
b.wav,0.25,,bert,2,3,4,male
"c, d.wav",0,0:00:02,NA,5,1,,
e.wav,1,2,05,4,4,4,other
"""


@dataclasses.dataclass(frozen=True)
class Target:
    """A kind of file that is damaged.

    Args:
        make: writes a folder of whole files, and returns what is damaged in it
        read: reads the file, and checks what it gives against the whole one
        is_text: whether words are changed, and not bytes only

    """

    make: Callable[[pathlib.Path], pathlib.Path]
    read: Callable[[pathlib.Path], None]
    is_text: bool = True


def text(name: str, content: str) -> Callable[[pathlib.Path], pathlib.Path]:
    """Writer of a text."""

    def make(folder: pathlib.Path) -> pathlib.Path:
        (folder / name).write_text(content)
        return folder / name

    return make


def check_list(path: pathlib.Path) -> pd.DataFrame:
    """Read a list as ``annotate`` and as ``distill`` do."""
    table = read_inputs(str(path)).table
    assert (table["start"] >= pd.Timedelta(0)).all()
    assert not (table["end"] < table["start"]).any()
    corpus = read_corpus(str(path))
    assert len(corpus) == len(table)
    if has_ratings(corpus):
        low, high = rating_scale(corpus, name=str(path))
        values = ratings(corpus, low, high, name=str(path))
        known = values[~np.isnan(values)]
        assert ((known >= 0) & (known <= 1)).all(), known
    return table


def check_csv(path: pathlib.Path) -> None:
    """Compare the rows with those that Python's module reads."""
    table = check_list(path)
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    place = rows[0].index("file")
    assert [row[place] for row in rows[1:]] == [*table["file"]]


def make_parquet(folder: pathlib.Path) -> pathlib.Path:
    frame = pd.read_csv(io.StringIO(TABLE))
    frame["end"] = pd.to_timedelta([1.5, None, 2, 2], unit="s")
    frame["start"] = frame["start"].astype(float)
    frame.to_parquet(folder / "list.parquet")
    return folder / "list.parquet"


def make_scp(folder: pathlib.Path) -> pathlib.Path:
    (folder / "segments").write_text("u1 r1 0.5 1.5\nu2 r2 0 -1\n")
    return text("wav.scp", "r1 a.wav\nr2 folder/b c.wav\n")(folder)


def make_rttm(folder: pathlib.Path) -> pathlib.Path:
    (folder / "rec.wav").write_bytes(b"")
    turns = ["0.00 1.25", "1.50 2.00"]
    lines = [f"SPEAKER rec 1 {turn} <NA> <NA> anna <NA> <NA>\n" for turn in turns]
    return text("turns.rttm", "".join(lines))(folder)


def make_database(folder: pathlib.Path) -> pathlib.Path:
    import audformat.testing

    database = audformat.testing.create_db(minimal=True)
    database.schemes["arousal"] = audformat.Scheme("float", minimum=1, maximum=5)
    database.raters["gold"] = audformat.Rater()
    database["clips"] = audformat.Table(audformat.filewise_index(["a.wav", "b.wav"]))
    database["clips"]["arousal"] = audformat.Column(scheme_id="arousal")
    database["clips"]["arousal"].set([1.0, 4.5])
    database.save(str(folder))
    return folder / "db.yaml"


def make_database_table(folder: pathlib.Path) -> pathlib.Path:
    make_database(folder)
    (path,) = folder.glob("db.clips.*")
    return path


def check_database(path: pathlib.Path) -> None:
    check_list(path.parent)
    check_list(pathlib.Path(f"{path.parent}:clips"))


def make_model(folder: pathlib.Path) -> pathlib.Path:
    import onnx

    source = pathlib.Path(audw2s.load("wav2small").path)
    card = source.with_suffix(".yaml").read_text()
    (folder / "model.yaml").write_text(card)
    # With another hash than that of the package, whose labels are known
    model = onnx.load(source)
    model.doc_string = "damaged"
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


NOISE = np.random.default_rng(0).uniform(-0.1, 0.1, 4000).astype(np.float32)


def check_model(path: pathlib.Path) -> None:
    from audw2s.model.folder import _check

    # Else a file of the same size, changed within a tick of the clock, would be known
    _check.cache_clear()
    feature = audw2s.Feature(audw2s.load(str(path.parent)))
    frame = feature.process_signal(NOISE, 16000)
    assert list(frame.columns) == ["arousal", "dominance", "valence"]
    assert frame.shape == (1, 3)


SETTINGS = TESTS.parent / "examples" / "reproduce_wav2small.toml"


def make_settings(folder: pathlib.Path) -> pathlib.Path:
    lines = SETTINGS.read_text().splitlines(keepends=True)
    return text("settings.toml", "".join(x for x in lines if x[0] != "#"))(folder)


def check_settings(path: pathlib.Path) -> None:
    from audw2s.distill.config import Config

    config = Config.from_toml(str(path))
    assert config.corpora


def make_run(folder: pathlib.Path) -> pathlib.Path:
    import soundfile

    (folder / "corpus").mkdir()
    for number in range(6):
        path = folder / "corpus" / f"{number}.wav"
        soundfile.write(path, NOISE[: 2000 + 100 * number], 16000)
    audw2s.annotate(str(folder / "corpus"), str(folder / "out"), num_workers=1)
    (path,) = (folder / "out" / "parts").iterdir()
    return path


def check_shard(path: pathlib.Path) -> None:
    """Resume the run: what isn't damaged is used, and the table is that of the run."""
    table = finished(path)
    for name in table.columns:
        whole = WHOLE[0][name].loc[table.index]
        pd.testing.assert_series_equal(table[name], whole, check_exact=True)


def finished(path: pathlib.Path) -> pd.DataFrame:
    """Rows of finished inputs, by position."""
    from audw2s.corpus.options import Options
    from audw2s.corpus.shards import Shards
    from audw2s.corpus.storage import Folder

    root = path.parents[1]
    inputs = read_inputs(str(root.parent / "corpus"))
    options = Options(num_workers=1)
    shards = Shards(Folder(str(root)), options, inputs, options.identity)
    shards.find()
    inputs_of_rows = shards.places[:, 0] >= 0
    shards.places = shards.places[inputs_of_rows]
    parts = (
        [rows.to_pandas() for _, rows in shards.rows()] if len(shards.places) else []
    )
    if not parts:
        return WHOLE[0][:0] if WHOLE else pd.DataFrame()
    return pd.concat(parts).set_index(np.flatnonzero(inputs_of_rows))


WHOLE: list[pd.DataFrame] = []
"""Rows of the run."""

TARGETS = {
    "list.csv": Target(text("list.csv", TABLE), check_csv),
    "list.parquet": Target(make_parquet, check_list, is_text=False),
    "list.jsonl": Target(
        text(
            "list.jsonl",
            '{"audio_filepath": "a.wav", "offset": 0.5, "duration": 1, "arousal": 2}\n'
            '{"audio_filepath": "b.wav", "duration": 2, "text": "no", "arousal": 3}\n',
        ),
        check_list,
    ),
    "list.txt": Target(text("list.txt", "a.wav\nfolder/b c.wav\n/d.wav\n"), check_list),
    "wav.scp": Target(make_scp, check_list),
    "segments": Target(
        lambda folder: make_scp(folder).with_name("segments"),
        lambda path: check_list(path.parent / "wav.scp"),
    ),
    "turns.rttm": Target(make_rttm, check_list),
    "db.yaml": Target(make_database, check_database),
    "db.clips": Target(make_database_table, check_database, is_text=False),
    "model.yaml": Target(
        lambda folder: make_model(folder).with_suffix(".yaml"), check_model
    ),
    "model.onnx": Target(make_model, check_model, is_text=False),
    "settings.toml": Target(make_settings, check_settings),
    "shard": Target(make_run, check_shard, is_text=False),
}
"""What is damaged, by the name of the file."""


def damaged(target: Target, whole: bytes, seed: int) -> bytes:
    """Content of a seed."""
    rng = np.random.default_rng(seed)
    if target.is_text and rng.random() < 0.7:
        return mutated_words(whole.decode(), rng).encode()
    data = mutated_bytes(whole, rng)
    if rng.random() < 0.3:
        data = bytearray(whole)
        flip_any_bit(data, rng)
    return bytes(data)


def stop(*_: object) -> None:
    raise SystemExit


def peak() -> float:
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def outcome(target: Target, path: pathlib.Path) -> str:
    """What comes of a file: ``read``, ``refused``, or the fault."""
    signal.alarm(MAX_DUR)
    try:
        target.read(path)
    except (ValueError, OSError) as error:
        is_named = path.name in str(error) or str(path.parent) in str(error)
        # A run is named, not each of its shards
        is_named |= path.parent.name == "parts" and str(path.parents[1]) in str(error)
        if is_named and "\n" not in str(error):
            return "refused"
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"no sentence: {error!r} ({where.filename}, {where.lineno})"
    except SystemExit:
        return f"more than {MAX_DUR} s"
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{error!r} ({where.filename}, {where.lineno})"[:500]
    finally:
        signal.alarm(0)
    return "read"


def work(name: str, seeds: range, keep: pathlib.Path | None) -> None:
    """Read damaged files, in a process of its own, and print what came of each."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    signal.signal(signal.SIGALRM, stop)
    warnings.simplefilter("ignore")
    target, out = TARGETS[name], sys.stdout
    # ONNX Runtime prints a banner if it can't open a model
    sys.stdout = sys.stderr
    with tempfile.TemporaryDirectory() as folder:
        path = target.make(pathlib.Path(folder))
        if name == "shard":
            WHOLE.append(finished(path))
        # Imports what is needed
        target.read(path)
        whole, before = path.read_bytes(), peak()
        for seed in seeds:
            content = damaged(target, whole, seed)
            path.write_bytes(content)
            print(json.dumps([seed, ""]), file=out, flush=True)
            result = outcome(target, path)
            memory = peak() - before
            if memory > MAX_MEMORY:
                result, before = f"{memory:.0f} MB", peak()
            print(json.dumps([seed, result, memory]), file=out, flush=True)
            if keep and result not in ("read", "refused"):
                (keep / f"{seed}-{path.name}").write_bytes(content)


def results(name: str, seeds: range, keep: pathlib.Path | None) -> Iterator[list]:
    """Seed, what came of it, and memory; of processes that crash as well."""
    while seeds:
        command = [sys.executable, __file__, "--work", name]
        command += ["--first", str(seeds[0]), "--count", str(min(CHUNK, len(seeds)))]
        command += ["--keep", keep] if keep else []
        done = subprocess.run(command, capture_output=True, text=True)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        yield from (line for line in lines if line[1])
        if not lines:
            raise SystemExit(f"{name}: {done.stderr}")
        if not lines[-1][1]:
            yield [lines[-1][0], f"crash {done.returncode}: {done.stderr[-300:]}", 0]
        seeds = seeds[lines[-1][0] + 1 - seeds[0] :]


def main() -> None:
    """Damage and read all kinds, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="files of each kind")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=[*TARGETS])
    parser.add_argument("--keep", type=pathlib.Path, help="folder for files of faults")
    parser.add_argument("--store", type=pathlib.Path, help="file to add results to")
    parser.add_argument("--work", choices=TARGETS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.count)
    if arguments.work:
        return work(arguments.work, seeds, arguments.keep)
    tally = Tally(arguments.store, arguments.first)
    for name in arguments.targets:
        found = [*results(name, seeds, arguments.keep)]
        counts = collections.Counter(line[1] for line in found)
        survived = counts["read"] + counts["refused"]
        memory = max(line[2] for line in found)
        note = f"{counts['read']} read, {counts['refused']} refused, {memory:.0f} MB"
        tally.add(f"damaged {name}", Result(len(found), survived, {note: None}))
        for seed, fault, _ in found:
            if fault not in ("read", "refused"):
                print(f"{name}, seed {seed}: {fault}", file=sys.stderr, flush=True)
    sys.exit(bool(tally.lost))


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
