"""Annotate an audformat database with arousal, dominance and valence of two models.

A small database of the example clips is made and annotated; tables and media stay as
they are, a copy of the text has the new table. Run it as a whole, or cell by cell in an
editor that knows ``# %%``:

    python examples/annotate_database.py [OUT]

OUT, ``annotated`` if left out, gets the copy, a report (HTML) and a picture.
"""

# %% A database of the clips: where yours is, if you have one
import os
import sys

import audformat
import pandas as pd
from matplotlib.figure import Figure

import audw2s
from audw2s.plots import STYLES

MODELS = ["wav2small", "whisper-tiny-adv"]
TABLE = "adv.both"

here = os.path.dirname(os.path.abspath(__file__))
clips = os.path.join(here, "speech")
out = sys.argv[1] if len(sys.argv) > 1 else "annotated"
root = os.path.join(out, "clips")

files = [os.path.join(clips, name) for name in sorted(os.listdir(clips))]
db = audformat.Database("clips", usage=audformat.define.Usage.UNRESTRICTED)
db["files"] = audformat.Table(audformat.filewise_index(files))
db.save(root)

# %% Annotate: the same call again goes on where it was interrupted
results = os.path.join(out, "results")
frame = audw2s.annotate(
    root,
    results,
    model=MODELS,
    table=TABLE,
    report=os.path.join(out, "report.html"),
    num_workers=2,
    verbose=True,
)
print(frame["status"].value_counts().to_string())

# %% The table is in a copy of the database, and says by what it was made
db = audformat.Database.load(os.path.join(results, "database"))
adv = db[TABLE].df
for model in db[TABLE].meta["audw2s"]["models"]:
    print(f"{model['name']} {model['sha256'][:8]}, {model['licence']}")
shown = adv.set_axis([os.path.basename(file) for file in adv.index])
print(shown.round(3).to_string())


# %% Arousal and valence of the clips, a line from what one model says to the other
def title(file: str) -> str:
    """Emotion of a clip if its name has it, else the first part of its name."""
    parts = os.path.splitext(os.path.basename(file))[0].split("-")
    return parts[2] if parts[0] == "emodb" else f"{parts[0]} {parts[1]}"


def plot(adv: pd.DataFrame) -> Figure:
    """Draw the arousal–valence plane."""
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    axes = figure.subplots()
    first, second = (
        adv[[f"{model}.valence", f"{model}.arousal"]].to_numpy() for model in MODELS
    )
    for start, end in zip(first, second, strict=True):
        axes.plot(*zip(start, end, strict=True), color="#999999", lw=1, zorder=1)
    for points, model, style, marker in zip(
        (first, second), MODELS, STYLES, "os", strict=False
    ):
        axes.scatter(*points.T, color=style[0], marker=marker, s=50, label=model)
    for file, start, end in zip(adv.index, first, second, strict=True):
        # On the side where the line isn't
        left = end[0] > start[0]
        about = {"ha": "right" if left else "left", "textcoords": "offset points"}
        axes.annotate(title(file), start, (-8 if left else 8, -4), **about)
    axes.set(xlim=(0, 1), ylim=(0, 1.1), xlabel="valence", ylabel="arousal")
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


plot(adv).savefig(os.path.join(out, "plane.png"), dpi=150)
