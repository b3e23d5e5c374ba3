"""What the interface costs over the bare model.

Side by side in one process, in interleaved rounds, on 200 five-second files:

- bare: ``soundfile.read`` and ``session.run`` of the same ONNX file, in a loop
- audw2s: ``Feature.process_index``

    python tests/benchmark/process_index.py [--files 200] [--rounds 7]
"""

import argparse
import statistics
import tempfile
import time

import audformat
import numpy as np
import onnxruntime
import pandas as pd
import soundfile
from recordings import speech

import audw2s
from audw2s.evaluation.processor import processor


def make_files(folder: str, count: int) -> list[str]:
    """Write five-second files of speech, each another segment of the clips."""
    files = []
    for number in range(count):
        files.append(f"{folder}/{number:04}.wav")
        soundfile.write(files[-1], speech(5, number), 16000)
    return files


def bare(files: list[str], session: onnxruntime.InferenceSession) -> np.ndarray:
    """Read and run, nothing else."""
    values = []
    for file in files:
        signal, _ = soundfile.read(file, dtype="float32")
        values.append(session.run(["logits"], {"signal": signal[None]})[0][0])
    return np.array(values)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(folder, arguments.files)
        index = audformat.filewise_index(files)
        for name in ("wav2small", "whisper-tiny-adv"):
            session, feature = audw2s.load(name).sess, audw2s.Feature(name)
            expected = bare(files, session)
            np.testing.assert_allclose(
                feature.process_index(index), expected, atol=1e-6
            )
            contestants = {
                "bare": lambda session=session: bare(files, session),
                "audw2s": lambda feature=feature: feature.process_index(index),
            }
            times: dict[str, list[float]] = {key: [] for key in contestants}
            for _ in range(arguments.rounds):
                for key, run in contestants.items():
                    start = time.perf_counter()
                    run()
                    times[key].append(time.perf_counter() - start)
            medians = {k: statistics.median(v) / len(files) for k, v in times.items()}
            row = {f"{key} ms/file": 1000 * value for key, value in medians.items()}
            ratio = medians["audw2s"] / medians["bare"]
            rows.append({"model": name, **row, "audw2s / bare": ratio})
    print(f"{processor()}, {arguments.files} files of 5 s, one thread,", end=" ")
    print(
        f"medians of {arguments.rounds} rounds, audw2s {audw2s.__version__},", end=" "
    )
    print(f"onnxruntime {onnxruntime.__version__}")
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
