"""Figures of papers, to stand beside measured ones; none of them is measured here.

Each has a grade: how sure it is that the paper says so.
"""

import dataclasses
from typing import NamedTuple

from audw2s.model.registry import DIMENSIONS

GRADES = {
    "P": "read in the paper",
    "S": "second-hand, from notes on the paper",
    "P/S": "some of these read in the paper, some second-hand",
}
"""What grades mean; a figure without one is from the source of its row."""


class Stated(NamedTuple):
    """A figure as somebody else states it."""

    value: float
    grade: str = "P"
    about: bool = False
    """Whether the source itself gives it as approximate."""


Accuracy = tuple[Stated | None, Stated | None, Stated | None]
"""CCC with human ratings: arousal, dominance, valence; ``None`` if not stated."""


@dataclasses.dataclass(frozen=True)
class Paper:
    """A model as its source describes it."""

    model: str
    source: str
    accuracy: dict[str, Accuracy] = dataclasses.field(default_factory=dict)
    """By corpus."""

    cost: dict[str, Stated] = dataclasses.field(default_factory=dict)
    """For 5 s, by the keys of :func:`audw2s.evaluation.cost.costs`."""

    remark: str = ""
    """Under which conditions the figures were found."""


WAV2SMALL = "arXiv 2408.13920"
DAWN = "audEERING's published tests"

TEST_1 = "MSP-Podcast v1.7 Test-1"
TEST_2 = "MSP-Podcast v1.7 Test-2"
IEMOCAP = "IEMOCAP"

LATENCY = "latency on one Xeon core, fp32"
"""Where the paper measured it."""


def _second_hand(arousal: float, dominance: float, valence: float) -> Accuracy:
    return Stated(arousal, "S"), Stated(dominance, "S"), Stated(valence, "S")


def _read(arousal: float, dominance: float, valence: float) -> Accuracy:
    return Stated(arousal), Stated(dominance), Stated(valence)


def _tests(arousal: float, dominance: float, valence: float) -> Accuracy:
    return Stated(arousal, ""), Stated(dominance, ""), Stated(valence, "")


PAPERS = (
    Paper(
        "Wav2Small",
        WAV2SMALL,
        accuracy={
            TEST_1: (
                Stated(0.66, "S"),
                Stated(0.56, "S", about=True),
                Stated(0.37, "S"),
            ),
            IEMOCAP: (Stated(0.56, "S"), None, None),
        },
        cost={
            "parameters": Stated(72_000),
            "gmac": Stated(0.4, "S"),
            "onnx_bytes": Stated(120_000),
            "peak_ram_bytes": Stated(9e6, "P/S"),
            "latency_ms": Stated(9, "S"),
            "tokens_per_second": Stated(250),
        },
        remark=f"ONNX file of 8 bit (v1 said 60 KB); {LATENCY}",
    ),
    Paper(
        "MobileNetV4-Small",
        WAV2SMALL,
        cost={
            "parameters": Stated(3_120_000),
            "peak_ram_bytes": Stated(36e6, "P/S"),
            "latency_ms": Stated(5, "S"),
            "tokens_per_second": Stated(16),
        },
        remark=LATENCY,
    ),
    Paper(
        "teacher",
        WAV2SMALL,
        accuracy={
            TEST_1: _read(0.7620, 0.6840, 0.6761),
            TEST_2: _read(0.4858, 0.4685, 0.4229),
            IEMOCAP: _second_hand(0.66, 0.52, 0.50),
        },
        cost={
            "peak_ram_bytes": Stated(1284e6, "P/S"),
            "latency_ms": Stated(688, "S"),
        },
        remark=f"{IEMOCAP} zero-shot; {LATENCY}",
    ),
    Paper(
        "w2v2-L-robust, 24 layers",
        DAWN,
        accuracy={
            TEST_1: _tests(0.745, 0.634, 0.635),
            TEST_2: _tests(0.511, 0.457, 0.400),
            IEMOCAP: _tests(0.677, 0.538, 0.474),
        },
    ),
    Paper(
        "CNN14",
        DAWN,
        accuracy={
            TEST_1: _tests(0.658, 0.565, 0.248),
            TEST_2: _tests(0.434, 0.360, 0.066),
            IEMOCAP: _tests(0.420, 0.237, 0.241),
        },
        remark="on human labels",
    ),
)
"""The paper's own models, and those that it is compared with."""


def papers() -> list[dict]:
    """All figures, as JSON takes them.

    Returns:
        an entry per model with ``from`` (``"paper"``), ``model``, ``source``,
        ``accuracy`` by corpus and dimension, ``cost`` and ``remark``; each figure
        with ``value``, ``grade`` and ``about``

    Examples:
        >>> papers()[0]["cost"]["gmac"]
        {'value': 0.4, 'grade': 'S', 'about': False}

    """
    return [
        {
            "from": "paper",
            "model": paper.model,
            "source": paper.source,
            "accuracy": {
                corpus: {
                    name: figure and figure._asdict()
                    for name, figure in zip(DIMENSIONS, figures, strict=True)
                }
                for corpus, figures in paper.accuracy.items()
            },
            "cost": {key: figure._asdict() for key, figure in paper.cost.items()},
            "remark": paper.remark,
        }
        for paper in PAPERS
    ]
