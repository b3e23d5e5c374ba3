"""Settings of a training of exits."""

import dataclasses
from typing import Annotated

from pydantic import Field

from audw2s.distill.exits.backbones import SAMPLES
from audw2s.distill.exits.blocks import BLOCKS
from audw2s.distill.exits.scratch import SCRATCH
from audw2s.distill.exits.similarities import SIMILARITIES
from audw2s.distill.settings import Columns
from audw2s.distill.settings import Count
from audw2s.distill.settings import Layers
from audw2s.distill.settings import Names
from audw2s.distill.settings import Number
from audw2s.distill.settings import Range
from audw2s.distill.settings import Rate
from audw2s.distill.settings import Several
from audw2s.distill.settings import Weight
from audw2s.distill.settings import one_of
from audw2s.distill.settings import settings

DIMENSIONS = "dimensions"
"""Target for values instead of classes."""

METHODS = ("distilled", "plain", "layerwise", *SCRATCH)
"""Self-distillation, fine-tuning of the deepest exit alone, layer-wise distillation,
and networks that learn from scratch."""


@settings
class Config:
    """Settings of a training of exits; stored beside its results."""

    backbone: str
    """Folder of an encoder, or file of Whisper's, see
    :func:`audw2s.distill.exits.published.load_backbone`."""

    corpus: str
    """Corpus, see :func:`audw2s.corpus.lists.corpus.read_corpus`."""

    target: str = "emotion"
    """Column of classes, or ``"dimensions"`` for arousal, dominance and valence."""

    classes: Names = ()
    """Classes in the order of the outputs; clips of others are left out. By default all
    classes, sorted."""

    method: Annotated[str, one_of(METHODS)] = "distilled"
    """Method, one of :data:`METHODS`."""

    exits: Layers = (3, 8, 10)
    """Layers with an exit besides the deepest; only for ``"distilled"``."""

    depth: Count | None = None
    """Layer of the deepest exit, the last by default."""

    block: Annotated[str, one_of(BLOCKS)] = "lstm"
    """Block of an exit: ``"cnn"``, ``"lstm"`` or ``"gru"``."""

    similarity: Annotated[str, one_of(SIMILARITIES)] = "l1"
    """Similarity, one of :data:`audw2s.distill.exits.similarities.SIMILARITIES`."""

    compared: Annotated[str, one_of(("embedding", "linear"))] = "embedding"
    """Values whose similarity is learnt: ``"embedding"`` or ``"linear"``."""

    alpha: Weight = 1.0
    """Weight of the divergence of the exits from the teacher."""

    beta: Weight = 1.0
    """Weight of the similarity."""

    gamma: Weight = 1.0
    """Weight of the exits' losses against the labels."""

    reference_kl: bool = False
    """Whether probabilities replace logarithms, as in the published code."""

    detach_teacher: bool = False
    """Whether the teacher learns nothing from its students, which is ours: the paper's
    equations have no stop-gradient."""

    layerwise_depth: Count = 2
    """Layers of the student of layer-wise distillation."""

    layerwise_targets: Layers = ()
    """Layers that it predicts; a third, two thirds and all of them if none is given,
    the paper's 4, 8 and 12."""

    epsilon: Weight = 0.01
    """Change of spectrograms in adversarial training."""

    epochs: Count = 20
    choose_epoch: bool = True
    """Whether the best epoch on devel is chosen; the paper trains all epochs."""

    batch_size: Count = 16
    learning_rate: Rate = 3e-5
    scratch_rate: Rate = 1e-3
    """Learning rate of networks from scratch, which the paper doesn't say."""

    head_rate: Rate = 1.0
    """Factor of the learning rate of blocks and linear layers, whose initial weights
    are random."""

    warmup: Number = 0
    """Steps in which the learning rate rises."""

    fall: Annotated[str, one_of(("none", "cosine"))] = "none"
    """How the learning rate falls: ``"none"`` as in the paper, or ``"cosine"``."""

    frozen: Number = 0
    """Number of frozen lower layers, with all before them; 0 for none."""

    samples: Count = SAMPLES
    """Samples to which clips are tiled or cut."""

    precision: Annotated[str, one_of(("fp32", "bf16"))] = "fp32"
    """``"fp32"`` or ``"bf16"``, faster on GPUs, and on processors with AMX or
    AVX512-BF16."""

    fold: Number = 0
    """Number of the group of test speakers, see
    :func:`audw2s.evaluation.splits.split`."""

    num_folds: Several = 3
    """Number of groups of speakers."""

    devel: Annotated[float, Field(gt=0, lt=1, title="is a number between 0 and 1")] = (
        0.25
    )
    """Share of the other speakers that are used to choose the epoch."""

    split_seed: Number = 0
    """Seed of the groups of speakers."""

    seed: Number = 0
    """Seed of the initial weights, of the order of clips, and of dropout."""

    columns: Columns = dataclasses.field(default_factory=dict)
    """Columns of the corpus by the names that audw2s expects, if they differ."""

    scale: Range | None = None
    """Lowest and highest rating, see
    :func:`audw2s.corpus.lists.ratings.rating_scale`."""

    @property
    def from_scratch(self) -> bool:
        """Whether the network reads spectrograms and has no published weights."""
        return self.method in SCRATCH

    @property
    def of_classes(self) -> bool:
        """Whether the outputs are classes, and not values."""
        return self.target != DIMENSIONS

    @property
    def measure(self) -> str:
        """Measure of exits: ``"UAR"``, or ``"CCC"`` (mean over dimensions)."""
        return "UAR" if self.of_classes else "CCC"
