"""What a fit of the last layer at the end of a training changes, by its penalty.

The penalty holds it back at the layer that was trained, which is the first row. CCC
with people on the speakers of EmoTale that the training held out, AUC of emotions in
valence on RAVDESS, and CCC of its clips' valence with the same over a telephone.

    python tests/benchmark/last_layer.py settings.toml RUN emotale.csv ravdess.csv
"""

import argparse
import copy
import os
import pathlib

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.raters import raters_as_columns
from audw2s.corpus.lists.ratings import mean_rating
from audw2s.corpus.lists.ratings import rating_scale
from audw2s.corpus.lists.ratings import ratings
from audw2s.distill.batches import Batches
from audw2s.distill.clips import usable_clips
from audw2s.distill.codec import telephone
from audw2s.distill.config import Config
from audw2s.distill.fit_head import fit_head
from audw2s.distill.students import AnyStudent
from audw2s.distill.students import load_student
from audw2s.evaluation.ccc import ccc_by_dimension
from audw2s.evaluation.ranking import compare_all
from audw2s.model.registry import DIMENSIONS

TABLE = pathlib.Path(__file__).parents[2] / "docs" / "trainings" / "last_layer.csv"
NUM_CLIPS = 2000
PENALTIES = (None, 3.0, 300.0, 1000.0, 4000.0, 16000.0)
LONGEST = 5 * 16000


def hidden_states(network: AnyStudent, signals: list[np.ndarray]) -> torch.Tensor:
    """Hidden states of signals, of each alone."""
    with torch.inference_mode():
        return torch.cat(
            [
                network(torch.from_numpy(signal.astype(np.float32))[None])[0]
                for signal in tqdm(signals)
            ]
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("settings", help="settings of the training, TOML")
    parser.add_argument("run", help="folder of the training")
    parser.add_argument("rated", help="corpus with ratings and its held-out speakers")
    parser.add_argument("acted", help="corpus with emotions")
    arguments = parser.parse_args()
    config = Config.from_toml(arguments.settings)
    clips = Batches(config).undisturbed(NUM_CLIPS)
    _, network = load_student(os.path.join(arguments.run, "student.safetensors"))
    network.eval()
    rated = raters_as_columns(read_corpus(arguments.rated))
    scale = rating_scale(rated, None)
    unheard = [s for names in config.held_out_speakers.values() for s in names]
    rated, spoken = usable_clips(rated[rated["speaker"].isin(unheard)])
    targets = mean_rating(ratings(rated, *scale))
    acted, signals = usable_clips(read_corpus(arguments.acted))
    signals = [signal[:LONGEST] for signal in signals]
    emotions = acted["emotion"].to_numpy()
    people, whole = hidden_states(network, spoken), hidden_states(network, signals)
    heard = slice(None, None, 4)
    called = hidden_states(network, [telephone(s) for s in signals[heard]])
    rows = []
    for penalty in PENALTIES:
        fitted = copy.deepcopy(network)
        if penalty is not None:
            fit_head(fitted, clips, penalty)
        with torch.inference_mode():
            values, all_values, over_telephone = (
                fitted.adv(states).numpy() for states in (people, whole, called)
            )
        name = "as trained" if penalty is None else f"{penalty:g}"
        row = {"held out": ", ".join(unheard), "penalty": name}
        row |= ccc_by_dimension(targets, values)
        valence = all_values[:, DIMENSIONS.index("valence")]
        for above, below in [("happiness", "anger"), ("happiness", "sadness")]:
            pairs = valence[emotions == above], valence[emotions == below]
            row[f"{above} > {below}"] = float(np.mean(compare_all(*pairs)))
        agreement = ccc_by_dimension(all_values[heard], over_telephone)
        rows.append(row | {"valence over a telephone": agreement["valence"]})
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))
    known = pd.read_csv(TABLE, dtype={"held out": str})
    others = known[known["held out"] != table["held out"][0]]
    table = pd.concat([others, table])
    table.to_csv(TABLE, float_format="%.3f", index=False)
