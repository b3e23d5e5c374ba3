"""What a student imitates beside arousal, dominance and valence.

Three values tell a student little of what its teacher bases them on. So it also learns
projections of the teacher's hidden states, by a linear layer on its own hidden states
that is dropped at the end, as in FitNets (Romero et al. 2015, arXiv 1412.6550):
scores of categories and of the ratings of single raters, and principal components.
"""

import dataclasses
import json
import os

import numpy as np
import pandas as pd
from safetensors import safe_open
from safetensors.numpy import save_file

from audw2s.corpus.lists.columns import as_text
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.ratings import is_rating
from audw2s.distill.model_head import outputs
from audw2s.distill.model_head import recordings
from audw2s.distill.origins import of_corpus
from audw2s.distill.teachers.ridge import fit_ridge
from audw2s.files import replacing
from audw2s.model.find import model_sha256
from audw2s.model.load import load
from audw2s.model.origins import PROPERTY
from audw2s.model.origins import UNKNOWN
from audw2s.model.origins import Origins


@dataclasses.dataclass(frozen=True)
class Projections:
    """Linear projections of a teacher's hidden states.

    Attributes:
        weight: ``(num_projections, num_features)``
        bias: ``(num_projections,)``
        teacher: sha256 of the teacher
        origins: corpora that they were fitted to

    """

    weight: np.ndarray
    bias: np.ndarray
    teacher: str
    origins: Origins = Origins()

    def __call__(self, hidden_states: np.ndarray) -> np.ndarray:
        """Projections ``(..., num_projections)`` of ``(..., num_features)``."""
        return hidden_states @ self.weight.T + self.bias

    @classmethod
    def read(cls, path: str) -> "Projections":
        """Read projections that :func:`fit_projections` wrote.

        Raises:
            FileNotFoundError: if there is no such file
            ValueError: if it is no file of projections

        """
        try:
            with safe_open(path, "numpy") as file:
                known = file.metadata()
                if "about" in known:
                    known = json.loads(known["about"])
                # Earlier versions didn't write them
                unknown = Origins(models={os.path.basename(path): UNKNOWN})
                text = known.get(PROPERTY, unknown.to_json())
                weight, bias = map(file.get_tensor, ("weight", "bias"))
                return cls(weight, bias, known["teacher"], Origins.from_json(text))
        except FileNotFoundError:
            raise
        except Exception as error:
            raise ValueError(f"'{path}' has no projections: {error}") from None


def fit_projections(
    teacher: str,
    corpora: list[str],
    out: str,
    *,
    by: str = "emotion",
    num_components: int = 16,
    penalty: float = 3000.0,
    verbose: bool = False,
) -> Projections:
    """Fit projections of a teacher's hidden states to clips, and write them.

    Each clip is used as it is and in another recording, see
    :func:`audw2s.distill.model_head.recordings`.

    Args:
        teacher: name or folder of the teacher
        corpora: paths, see :func:`audw2s.corpus.lists.corpus.read_corpus`
        out: safetensors file to write
        by: column of the categories; clips without one, and without ratings, count for
            the components only
        num_components: number of principal components
        penalty: penalty of the scores, see
            :func:`audw2s.distill.teachers.ridge.fit_ridge`
        verbose: show progress bars

    Raises:
        ValueError: if no clip can be read

    """
    model, rng = load(teacher), np.random.default_rng(0)
    features, rows, origins = [], [], Origins()
    for path in corpora:
        table = read_corpus(path)
        origins |= of_corpus(path, table)
        if by in table:
            table[by] = as_text(table[by])
        # Raters of two corpora may have the same names
        ratings = {c: f"{path}:{c}" for c in filter(is_rating, table)}
        labels = table.filter([by, *ratings]).rename(columns=ratings)
        for number, signals in recordings(table, rng, verbose):
            features.append(outputs(model, signals, "hidden_states"))
            rows += [labels.iloc[number]] * len(signals)
    if not features:
        raise ValueError("There is no clip that can be read.")
    known = pd.DataFrame(rows).reset_index(drop=True)
    if by in known:
        is_text = known[by].map(lambda category: isinstance(category, str))
        scores = pd.get_dummies(known.pop(by)[is_text], dtype=float)
        known = scores.join(known, how="outer")
    weight, bias = projections(
        np.concatenate(features), known.to_numpy(float), num_components, penalty
    )
    fitted = Projections(weight, bias, model_sha256(teacher), origins)
    with replacing(out) as temporary:
        tensors = {"weight": weight, "bias": bias}
        about = {"teacher": fitted.teacher, PROPERTY: origins.to_json()}
        # One entry: several are written in any order, and trainings hash the file
        save_file(tensors, temporary, metadata={"about": json.dumps(about)})
    return fitted


def projections(
    features: np.ndarray, scores: np.ndarray, num_components: int, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Predicted scores, and principal components, each with variance 1 and mean 0.

    Args:
        features: ``(num_clips, num_features)``
        scores: ``(num_clips, num_scores)``, NaN where they are unknown; a score that is
            the same for all clips is left out
        num_components: number of principal components of the standardised features
        penalty: penalty of the scores, see :func:`fit_projections`

    Returns:
        weight ``(num_projections, num_features)`` and bias, float32

    Examples:
        >>> features = np.random.default_rng(0).standard_normal((50, 9))
        >>> weight, bias = projections(features, features[:, :2] > 0, 3, 1.0)
        >>> weight.shape
        (5, 9)
        >>> (features @ weight.T + bias).std(axis=0).round(3)
        array([1., 1., 1., 1., 1.])

    """
    std = features.std(axis=0) + 1e-6
    _, vectors = np.linalg.eigh(np.cov((features / std).T))
    weights = []
    for score in scores.T:
        known = ~np.isnan(score)
        if len(np.unique(score[known])) > 1:
            weights.append(fit_ridge(features[known], score[known, None], penalty)[0])
    weight = np.concatenate([*weights, vectors.T[::-1][:num_components] / std])
    weight /= (features @ weight.T).std(axis=0)[:, None]
    bias = -weight @ features.mean(axis=0)
    return weight.astype(np.float32), bias.astype(np.float32)
