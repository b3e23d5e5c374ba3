"""Annotate an audformat database with arousal, dominance and valence.

A table ``adv.wav2small`` is added to a copy of the database's header and tables;
the audio stays where it is.

    python examples/annotate_database.py ROOT OUT

Without arguments a small database of the example clips is made and annotated.
"""

import os
import sys
import tempfile

import audformat

import audw2s

CLIPS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "speech")


def annotate(root: str, out: str, model: str = "wav2small") -> audformat.Database:
    """Add a table of A/D/V of all files, and save the database's text to a folder."""
    db = audformat.Database.load(root)
    interface = audw2s.Feature(model, num_workers=2, verbose=True)
    frame = interface.process_index(db.files, root=db.root, preserve_index=True)
    # No bounds: predictions are not clipped and can leave 0…1
    for name in frame.columns:
        scheme = audformat.Scheme("float", description=f"{name}, roughly 0…1")
        db.schemes[f"{model}.{name}"] = scheme
    table = audformat.Table(frame.index, description=f"A/D/V of {model}")
    table.meta["audw2s"] = interface.provenance
    db[f"adv.{model}"] = table
    for name in frame.columns:
        column = audformat.Column(scheme_id=f"{model}.{name}")
        db[f"adv.{model}"][name] = column
        db[f"adv.{model}"][name].set(frame[name])
    db.save(out)
    return db


def example_database(root: str) -> None:
    """Make a database of the clips that come with the examples."""
    db = audformat.Database("examples", usage=audformat.define.Usage.UNRESTRICTED)
    files = [os.path.join(CLIPS, name) for name in sorted(os.listdir(CLIPS))]
    db["files"] = audformat.Table(audformat.filewise_index(files))
    db.save(root)


def main() -> None:
    """Annotate the database that is named on the command line."""
    if len(sys.argv) == 3:
        db = annotate(*sys.argv[1:])
    elif len(sys.argv) == 1:
        with tempfile.TemporaryDirectory() as root:
            example_database(root)
            db = annotate(root, os.path.join(root, "annotated"))
    else:
        sys.exit("Usage: annotate_database.py [ROOT OUT]")
    frame = db["adv.wav2small"].df
    frame.index = [os.path.basename(file) for file in frame.index]
    print(frame.round(3).to_string())


if __name__ == "__main__":
    main()
