"""Faults that tests have to find: each is put into a copy of the code, and one by one
its tests are run, which have to fail.

    python tests/mutants.py [--only grid pooling statuses resume labels]

The tests are run on the copy without a fault first. A text that isn't in its file any
more, or more than once, is an error: the fault has to be written anew.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[1]


class Mutant(NamedTuple):
    """Fault, and the tests that find it."""

    topic: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


WINDOWS = "tests/test_windows.py"
POOLING = "tests/test_pooling.py"
STATUSES = "tests/test_statuses.py"
RESUME = "tests/corpus/test_resume.py"
LISTS = "tests/corpus/test_lists.py"

MUTANTS = [
    Mutant(
        "grid",
        "audw2s/audio/times.py",
        "num_samples - first >= MIN_SAMPLES",
        "num_samples - first > MIN_SAMPLES",
        (f"{WINDOWS}::test_a_remainder_of_64_samples_is_a_window",),
    ),
    Mutant(
        "grid",
        "audw2s/audio/times.py",
        "first = round(number * step / 10**9)",
        "first = number * round(step / 10**9)",
        (f"{WINDOWS}::test_no_drift_over_hours",),
    ),
    Mutant(
        "grid",
        "audw2s/inference/pooling.py",
        "start = first * SAMPLING_RATE // rate",
        "start = -(-first * SAMPLING_RATE // rate)",
        (f"{WINDOWS}::test_no_segment_reaches_beyond_the_samples_at_16_khz",),
    ),
    Mutant(
        "grid",
        "audw2s/audio/times.py",
        "return (2 * num_samples * SAMPLING_RATE + sampling_rate) //",
        "return (2 * num_samples * SAMPLING_RATE) //",
        (f"{WINDOWS}::test_size_after_resampling_is_that_of_soxr",),
    ),
    Mutant(
        "pooling",
        "audw2s/inference/pooling.py",
        "peak = peaks.max(axis=0)",
        "peak = peaks[-1]",
        (f"{POOLING}::test_pooling_equals_a_softmax_over_each_range",),
    ),
    Mutant(
        "pooling",
        "audw2s/inference/pooling.py",
        "RELIABLE = 1e-7",
        "RELIABLE = 0.0",
        (f"{POOLING}::test_pooling_equals_a_softmax_over_each_range",),
    ),
    Mutant(
        "pooling",
        "audw2s/inference/pooling.py",
        "shares = np.exp(peaks - peak)",
        "shares = np.ones_like(peaks)",
        (f"{POOLING}::test_pooling_equals_a_softmax_over_each_range",),
    ),
    Mutant(
        "pooling",
        "audw2s/inference/pooling.py",
        "if begin > end:",
        "if begin > 100 + end:",
        (f"{POOLING}::test_gaps_are_skipped",),
    ),
    Mutant(
        "pooling",
        "audw2s/inference/pooling.py",
        "self.is_speech.append(np.zeros(first - self.end, bool))",
        "pass",
        (f"{POOLING}::test_shares_of_speech_beside_a_gap",),
    ),
    Mutant(
        "statuses",
        "audw2s/audio/statuses.py",
        "CLIPPED_SHARE = 0.001",
        "CLIPPED_SHARE = 0.002",
        (f"{WINDOWS}::test_windows_are_clipped_on_their_own",),
    ),
    Mutant(
        "statuses",
        "audw2s/inference/row.py",
        'elif row.status == "ok" and truncated:',
        'elif row.status == "silent" and truncated:',
        (f"{WINDOWS}::test_windows_of_truncated_files_are_truncated",),
    ),
    Mutant(
        "statuses",
        "audw2s/audio/quality.py",
        'return "cancelled" if num_cancelled else "quiet"',
        'return "quiet"',
        (f"{STATUSES}::test_channels_and_level",),
    ),
    Mutant(
        "statuses",
        "audw2s/audio/quality.py",
        "runs[0, 0] = self.edges[-1, 0]",
        "pass",
        ("tests/test_signal.py::test_a_run_over_several_blocks_is_silent",),
    ),
    Mutant(
        "statuses",
        "audw2s/audio/quality.py",
        "values[:, :1] += self.last_hop",
        "pass",
        ("tests/test_signal.py::test_loudness_does_not_depend_on_blocks",),
    ),
    Mutant(
        "resume",
        "audw2s/corpus/shards.py",
        "current(file) == seen",
        "current(file) != seen",
        (f"{RESUME}::test_changed_files_alone_are_processed_again",),
    ),
    Mutant(
        "resume",
        "audw2s/corpus/shards.py",
        'done["failed"].eq(False)',
        'done["failed"].eq(True)',
        (f"{RESUME}::test_retry_failed",),
    ),
    Mutant(
        "resume",
        "audw2s/interface/cache.py",
        "{states}",
        "",
        ("tests/interface/test_cache.py::test_a_file_that_changes_is_read",),
    ),
    Mutant(
        "labels",
        "audw2s/corpus/lists/ratings.py",
        "/ (high - low)",
        "/ high",
        (f"{LISTS}::test_ratings_that_are_no_numbers",),
    ),
    Mutant(
        "labels",
        "audw2s/corpus/lists/ratings.py",
        'rater.startswith("rater")',
        "True",
        (f"{LISTS}::test_only_columns_of_raters_count",),
    ),
]


def copied(folder: str) -> pathlib.Path:
    """Copy the files of the repository."""
    place = pathlib.Path(folder)
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    return place


def failures(place: pathlib.Path, tests: tuple[str, ...]) -> str:
    """What pytest prints on tests that fail in a copy; empty if they pass.

    Raises:
        RuntimeError: if they can't be run

    """
    options = ["-q", "-x", "-p", "no:cacheprovider", "--doctest-modules"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(tests)}:\n{done.stdout[-3000:]}{done.stderr}")
    return done.stdout if done.returncode else ""


def main() -> int:
    """Run all mutants; 1 if one survives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    topics = list(dict.fromkeys(mutant.topic for mutant in MUTANTS))
    parser.add_argument("--only", nargs="+", choices=topics, default=topics)
    wanted = [m for m in MUTANTS if m.topic in parser.parse_args().only]
    for mutant in wanted:
        count = (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old)
        if count != 1:
            raise ValueError(f"{mutant.file} holds {mutant.old!r} {count} times, not 1")
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        place = copied(folder)
        tests = tuple(dict.fromkeys(test for m in wanted for test in m.tests))
        if failed := failures(place, tests):
            raise RuntimeError(f"Tests fail without a fault:\n{failed[-3000:]}")
        for mutant in wanted:
            file = place / mutant.file
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
            survives = not failures(place, mutant.tests)
            file.write_text(text, encoding="utf-8")
            survivors += survives
            fate = "SURVIVES" if survives else "dies"
            print(
                f"{mutant.topic:9} {fate}: {mutant.new}  in {mutant.file}", flush=True
            )
    print(f"{len(wanted) - survivors} of {len(wanted)} mutants die")
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
