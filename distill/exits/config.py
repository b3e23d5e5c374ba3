"""All that a training of exits depends on."""

import dataclasses
from typing import Annotated

from pydantic import Field

from audw2s.distill.exits.blocks import BLOCKS
from audw2s.distill.exits.clips import SAMPLES
from audw2s.distill.exits.losses import SIMILARITIES
from audw2s.distill.settings import Columns
from audw2s.distill.settings import Count
from audw2s.distill.settings import Layers
from audw2s.distill.settings import Names
from audw2s.distill.settings import Number
from audw2s.distill.settings import Range
from audw2s.distill.settings import Rate
from audw2s.distill.settings import Weight
from audw2s.distill.settings import one_of
from audw2s.distill.settings import settings

DIMENSIONS = "dimensions"
"""Target of values in place of classes."""

METHODS = ("distilled", "plain", "layerwise")
"""Self-distillation, fine-tuning of the deepest exit alone, layer-wise distillation."""


@settings
class Config:
    """All that a training of exits depends on; kept beside its results."""

    backbone: str
    """Folder of an encoder, or file of Whisper's, see
    :func:`audw2s.distill.exits.published.load`."""

    corpus: str
    """See :func:`audw2s.corpus.lists.corpus.read_corpus`."""

    target: str = "emotion"
    """Column of classes, or ``"dimensions"`` for arousal, dominance and valence."""

    classes: Names = ()
    """Classes in the order of the outputs; clips of others are left out. All that
    there are, sorted, if none is given."""

    method: Annotated[str, one_of(METHODS)] = "distilled"
    """One of :data:`METHODS`."""

    exits: Layers = (3, 8, 10)
    """Layers with an exit beside the deepest; not used by other methods."""

    depth: Annotated[
        int | None,
        Field(ge=1, description="has to be at least 1, a whole number without quotes"),
    ] = None
    """Layer of the deepest exit, the last by default."""

    block: Annotated[str, one_of(BLOCKS)] = "lstm"
    """``"cnn"``, ``"lstm"`` or ``"gru"``."""

    similarity: Annotated[str, one_of(SIMILARITIES)] = "l2"
    """One of :data:`audw2s.distill.exits.losses.SIMILARITIES`."""

    compared: Annotated[str, one_of(("embedding", "linear"))] = "embedding"
    """``"embedding"`` or ``"linear"``: what exits are to have similar."""

    alpha: Weight = 1.0
    """Weight of the divergence of the exits from the teacher."""

    beta: Weight = 1.0
    """Weight of the similarity."""

    gamma: Weight = 1.0
    """Weight of the exits' own losses."""

    reference_kl: bool = False
    """Probabilities in place of logarithms, as the published code has them."""

    layerwise_depth: Count = 2
    """Layers of the student of layer-wise distillation."""

    layerwise_targets: Layers = ()
    """Layers that it predicts; a third, two thirds and all of them if none is given,
    the paper's 4, 8 and 12."""

    epochs: Count = 20
    batch_size: Count = 16
    learning_rate: Rate = 3e-5
    head_rate: Rate = 1.0
    """Factor of the learning rate of blocks and linear layers, which begin at
    random."""

    warmup: Number = 0
    """Steps in which the learning rate rises."""

    fall: Annotated[str, one_of(("none", "cosine"))] = "none"
    """``"none"`` as in the paper, or ``"cosine"``: how the learning rate falls."""

    frozen: Number = 0
    """Lower layers that stay as they are, with all below them; 0 for none."""

    samples: Count = SAMPLES
    """Samples that clips are tiled or cut to."""

    precision: Annotated[str, one_of(("fp32", "bf16"))] = "fp32"
    """``"fp32"`` or ``"bf16"``, faster on GPUs, and on processors with AMX or
    AVX512-BF16."""

    fold: Number = 0
    """Which group of speakers is the test, see
    :func:`audw2s.distill.exits.splits.split`."""

    num_folds: Annotated[
        int,
        Field(ge=2, description="has to be at least 2, a whole number without quotes"),
    ] = 3
    """Groups that speakers are dealt to."""

    devel: Annotated[
        float, Field(gt=0, lt=1, description="is a number between 0 and 1")
    ] = 0.25
    """Share of the speakers who aren't the test that choose the epoch."""

    split_seed: Number = 0
    """Of the order in which speakers are dealt."""

    seed: Number = 0
    """Of the first weights, of the order of clips, and of what is dropped."""

    columns: Columns = dataclasses.field(default_factory=dict)
    """Columns of the corpus by their names here, where they differ."""

    scale: Range | None = None
    """Lowest and highest rating, see
    :func:`audw2s.corpus.lists.ratings.rating_scale`."""

    @property
    def of_classes(self) -> bool:
        """Whether classes are told, and not values."""
        return self.target != DIMENSIONS

    @property
    def measure(self) -> str:
        """By what exits are measured: ``"UAR"``, or ``"CCC"``, a mean."""
        return "UAR" if self.of_classes else "CCC"
