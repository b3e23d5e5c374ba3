"""All that a training of exits depends on."""

import dataclasses

from audw2s.distill.exits.blocks import BLOCKS
from audw2s.distill.exits.clips import SAMPLES
from audw2s.distill.exits.losses import SIMILARITIES

DIMENSIONS = "dimensions"
"""Target of values in place of classes."""

METHODS = ("distilled", "plain", "layerwise")
"""Self-distillation, fine-tuning of the deepest exit alone, layer-wise distillation."""


@dataclasses.dataclass(frozen=True)
class Config:
    """All that a training of exits depends on; kept beside its results."""

    backbone: str
    """Folder of an encoder, or file of Whisper's, see
    :func:`audw2s.distill.exits.published.load`."""

    corpus: str
    """See :func:`audw2s.corpus.lists.corpus.read_corpus`."""

    target: str = "emotion"
    """Column of classes, or ``"dimensions"`` for arousal, dominance and valence."""

    classes: tuple[str, ...] = ()
    """Classes in the order of the outputs; clips of others are left out. All that
    there are, sorted, if none is given."""

    method: str = "distilled"
    """One of :data:`METHODS`."""

    exits: tuple[int, ...] = (3, 8, 10)
    """Layers with an exit beside the deepest; not used by other methods."""

    depth: int | None = None
    """Layer of the deepest exit, the last by default."""

    block: str = "lstm"
    """``"cnn"``, ``"lstm"`` or ``"gru"``."""

    similarity: str = "l2"
    """One of :data:`audw2s.distill.exits.losses.SIMILARITIES`."""

    compared: str = "embedding"
    """``"embedding"`` or ``"linear"``: what exits are to have similar."""

    alpha: float = 1.0
    """Weight of the divergence of the exits from the teacher."""

    beta: float = 1.0
    """Weight of the similarity."""

    gamma: float = 1.0
    """Weight of the exits' own losses."""

    reference_kl: bool = False
    """Probabilities in place of logarithms, as the published code has them."""

    layerwise_depth: int = 2
    """Layers of the student of layer-wise distillation."""

    layerwise_targets: tuple[int, ...] = ()
    """Layers that it predicts; a third, two thirds and all of them if none is given,
    the paper's 4, 8 and 12."""

    epochs: int = 20
    batch_size: int = 16
    learning_rate: float = 3e-5
    head_rate: float = 1.0
    """Factor of the learning rate of blocks and linear layers, which begin at
    random."""

    warmup: int = 0
    """Steps in which the learning rate rises."""

    fall: str = "none"
    """``"none"`` as in the paper, or ``"cosine"``: how the learning rate falls."""

    frozen: int = 0
    """Lower layers that stay as they are, with all below them; 0 for none."""

    samples: int = SAMPLES
    """Samples that clips are tiled or cut to."""

    precision: str = "fp32"
    """``"fp32"`` or ``"bf16"``, faster on GPUs, and on processors with AMX or
    AVX512-BF16."""

    fold: int = 0
    """Which group of speakers is the test, see
    :func:`audw2s.distill.exits.splits.split`."""

    num_folds: int = 3
    """Groups that speakers are dealt to."""

    devel: float = 0.25
    """Share of the speakers who aren't the test that choose the epoch."""

    split_seed: int = 0
    """Of the order in which speakers are dealt."""

    seed: int = 0
    """Of the first weights, of the order of clips, and of what is dropped."""

    def __post_init__(self):
        """Refuse what no training could begin with."""
        choices = {
            "method": METHODS,
            "block": BLOCKS,
            "similarity": SIMILARITIES,
            "compared": ("embedding", "linear"),
            "fall": ("none", "cosine"),
            "precision": ("fp32", "bf16"),
        }
        for name, known in choices.items():
            value = getattr(self, name)
            if value not in known:
                raise ValueError(f"'{name}' is one of {list(known)}, got '{value}'.")
        for name in ("epochs", "batch_size", "samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"'{name}' has to be at least 1.")

    @property
    def of_classes(self) -> bool:
        """Whether classes are told, and not values."""
        return self.target != DIMENSIONS

    @property
    def measure(self) -> str:
        """By what exits are measured: ``"UAR"``, or ``"CCC"``, a mean."""
        return "UAR" if self.of_classes else "CCC"
