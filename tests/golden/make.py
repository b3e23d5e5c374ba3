"""Write the values that the packaged models give, for this version of the package.

    python tests/golden/make.py

Run it only after models were changed on purpose, and look at the difference.
`values.json` holds the present values, and `versions.csv` those of the example clips
for each version.
"""

import json
import pathlib

import numpy as np
import pandas as pd
import soundfile

import audw2s
from audw2s.model.registry import CATALOGUE

HERE = pathlib.Path(__file__).parent
CLIPS = HERE.parents[1] / "examples" / "speech"


def signals() -> dict[str, np.ndarray]:
    """Signals at 16 kHz by name: the example clips and seeded noise."""
    found = {
        path.name: soundfile.read(path, dtype="float32")[0]
        for path in sorted(CLIPS.iterdir())
    }
    for length in (64, 1001, 33333):
        noise = np.random.default_rng(length).standard_normal(length)
        found[f"noise {length}"] = (0.1 * noise).astype(np.float32)
    return found


def main() -> None:
    """Run all models on all signals."""
    values = {}
    for name, entry in CATALOGUE.items():
        if not entry.packaged:
            continue
        model = audw2s.load(name)
        logits = {k: model(s[None], 16000)["logits"][0] for k, s in signals().items()}
        rounded = {k: [round(float(x), 6) for x in v] for k, v in logits.items()}
        values[name] = {"sha256": entry.sha256, "logits": rounded}
    (HERE / "values.json").write_text(json.dumps(values, indent=1) + "\n")
    write_version(values)


def write_version(values: dict) -> None:
    """Replace the rows of this version in `versions.csv`."""
    path = HERE / "versions.csv"
    rows = [
        [audw2s.__version__, name, value["sha256"], key, *np.round(logits, 4)]
        for name, value in values.items()
        for key, logits in value["logits"].items()
        if (CLIPS / key).is_file()
    ]
    columns = ["version", "model", "sha256", "file", *audw2s.DIMENSIONS]
    table = pd.DataFrame(rows, columns=columns)
    if path.is_file():
        before = pd.read_csv(path, dtype={"version": str})
        table = pd.concat([before[before.version != audw2s.__version__], table])
    table.to_csv(path, index=False)


if __name__ == "__main__":
    main()
