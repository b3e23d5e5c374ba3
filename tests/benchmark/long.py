"""Memory and time of long recordings: peak of a whole process, seconds per hour.

python tests/benchmark/long.py [--hours 10] [--model wav2small]
"""

import argparse
import json
import subprocess
import sys
import tempfile

import pandas as pd
import soundfile
from recordings import speech

from audw2s.evaluation.processor import processor

CODE = """
import json, re, sys, time
import audw2s

path, model, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
feature = audw2s.Feature(model, **options)
start = time.process_time()
frame = feature.process_file(path)
seconds = time.process_time() - start
peak = re.search(r"^VmHWM:\\s+(\\d+)", open("/proc/self/status").read(), re.M)[1]
print(json.dumps([seconds, int(peak) / 1000, len(frame)]))
"""


def write_speech(path: str, duration: float) -> None:
    """Write the example clips over and over, a minute at a time."""
    minute = speech(60)
    with soundfile.SoundFile(path, "w", 16000, 1, format="WAV") as file:
        left = round(duration * 16000)
        while left:
            file.write(minute[:left])
            left -= min(left, len(minute))


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=10)
    parser.add_argument("--model", default="wav2small")
    arguments = parser.parse_args()
    rows = []
    durations = [5, arguments.hours * 360, arguments.hours * 3600]
    for options in ({}, {"win_dur": 4, "hop_dur": 2}):
        for duration in durations:
            with tempfile.NamedTemporaryFile(suffix=".wav") as file:
                write_speech(file.name, duration)
                command = [sys.executable, "-c", CODE, file.name, arguments.model]
                done = subprocess.run(
                    [*command, json.dumps(options)],
                    capture_output=True,
                    text=True,
                    check=True,
                )
            seconds, peak, count = json.loads(done.stdout)
            row = {"windows": str(options or "whole file"), "duration s": duration}
            row |= {"rows": count, "CPU s": seconds, "peak MB": peak}
            row["CPU s per hour"] = 3600 * seconds / duration
            rows.append(row)
    print(f"{processor()}, {arguments.model}")
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.1f"))


if __name__ == "__main__":
    main()
