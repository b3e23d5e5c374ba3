"""Table of models with their sources, licences and hashes."""

import dataclasses
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import ClassVar

if TYPE_CHECKING:
    import numpy as np

DIMENSIONS = ("arousal", "dominance", "valence")
"""Values of all models, in this order; roughly 0…1, not clipped."""

FOLDER = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "assets"
)
"""Folder of the models in the package."""


def named(
    values: "np.ndarray",
    names: Sequence[str] = DIMENSIONS,
) -> dict[str, float]:
    """Name the values of a model, arousal, dominance and valence by default.

    Examples:
        >>> import numpy as np
        >>> named(np.array([0.5, 0.25, 0.75]))
        {'arousal': 0.5, 'dominance': 0.25, 'valence': 0.75}

    """
    return dict(zip(names, values.tolist(), strict=True))


DATA = (".json", ".onnx", ".safetensors", ".txt", ".yaml")
"""Extensions of files that may be downloaded; no pickles, no code."""


class _Files:
    """Files of a model at one of its publishers."""

    kind: ClassVar[str]
    """Name of the kind of source in arguments."""

    variable: ClassVar[str]
    """Environment variable with the address of another server."""

    server: ClassVar[str]
    """Address of the server."""

    files: tuple[str, ...]
    archive: str | None = None
    """Name of the zip archive that has the files, if they are in one."""

    def __post_init__(self) -> None:
        """Check that all files are data."""
        for name in self.files:
            if os.path.basename(name) != name or not name.endswith(DATA):
                raise ValueError(
                    f"'{name}' can't be downloaded: expected a file name without "
                    f"folder that ends on {', '.join(DATA)}."
                )

    @property
    def endpoint(self) -> str:
        """Address of the server, or of the one that the environment sets."""
        return os.environ.get(self.variable, "").rstrip("/") or self.server


@dataclasses.dataclass(frozen=True)
class HubSource(_Files):
    """Files of a model on the Hugging Face hub.

    The environment variables ``HF_ENDPOINT`` (a mirror), ``HF_TOKEN`` and
    ``HF_HUB_OFFLINE`` are used.

    Examples:
        >>> source = HubSource("audeering/wav2small", "main", ("model.safetensors",))
        >>> str(source)
        'audeering/wav2small (revision main)'

    """

    kind: ClassVar[str] = "hub"
    variable: ClassVar[str] = "HF_ENDPOINT"
    server: ClassVar[str] = "https://huggingface.co"

    repository: str
    revision: str
    """Hash of a commit, as branches and tags may change."""

    files: tuple[str, ...]

    def __str__(self) -> str:
        """Return the name of the source in messages."""
        return f"{self.repository} (revision {self.revision[:8]})"

    @property
    def version(self) -> tuple[str, str]:
        """Repository and revision, which tell sources apart."""
        return self.repository, self.revision

    @property
    def by_hand(self) -> str:
        """Files that users can download themselves, and their address."""
        page = f"{self.server}/{self.repository}/tree/{self.revision}"
        return f"{' and '.join(self.files)} of {page}"


@dataclasses.dataclass(frozen=True)
class ZenodoSource(_Files):
    """Files in a zip archive on Zenodo.

    The environment variable ``AUDW2S_ZENODO_ENDPOINT`` sets another server with the API
    of Zenodo.
    """

    kind: ClassVar[str] = "zenodo"
    variable: ClassVar[str] = "AUDW2S_ZENODO_ENDPOINT"
    server: ClassVar[str] = "https://zenodo.org"

    record: str
    archive: str
    files: tuple[str, ...] = ("model.onnx", "model.yaml")

    def __str__(self) -> str:
        """Return the name of the source in messages."""
        return f"{self.archive} (Zenodo record {self.record})"

    @property
    def version(self) -> tuple[str, str]:
        """Record and archive, which tell sources apart."""
        return f"zenodo/{self.record}", self.archive

    @property
    def by_hand(self) -> str:
        """Files that users can download themselves, and their address."""
        return f"{self.archive} of {self.server}/records/{self.record}"


Source = HubSource | ZenodoSource
"""Files of a model at one of its publishers."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """Model of the catalogue."""

    name: str
    description: str
    parameters: int
    """Number of parameters, including the fixed front end."""

    max_dur: float = 30.0
    """Duration in seconds of the longest signal that the model processes at once."""

    licence: str
    source: str
    citation: str
    sha256: str = ""
    """sha256 of the ``model.onnx`` in the package. For a model that is converted from
    published weights it is stored with the model."""

    weights: tuple[Source, ...] = ()
    """Alternative sources of published weights."""

    size: int = 0
    """Approximate size in bytes of a ``model.onnx`` that is converted."""

    non_commercial: bool = False
    """Whether the licence has to be accepted before the weights are used."""

    members: tuple[str, ...] = ()
    """Names of the models of an ensemble."""

    corpora: tuple[str, ...] = ()
    """Names of the corpora that a model of this package was trained on."""

    sampling_rate: int = 16000
    outputs: tuple[str, ...] = DIMENSIONS

    remark: str = ""
    """What to know before the model is used."""

    @property
    def packaged(self) -> bool:
        """Whether the model is in the package."""
        return bool(self.sha256)


NEVER_RUN = (
    "never run with its published weights by those who wrote this package, only with "
    "small checkpoints of their layout: compare values with those of its publishers, "
    "as 'audw2s get' does where some are published"
)
"""Remark on models that can't be checked here."""

NON_COMMERCIAL = "CC BY-NC-SA 4.0, non-commercial"

STUDENT_CORPORA = ("emodb", "librispeech", "emogator", "esc10")
"""Corpora that the packaged students were trained on."""

CATALOGUE = {
    entry.name: entry
    for entry in [
        Entry(
            name="wav2small",
            description="Wav2Small 72K, distilled from whisper-tiny-adv",
            parameters=72_659,
            licence="CC BY 4.0",
            source="trained for this package, see its card.md",
            remark="not audeering/wav2small on the hub, which is wav2small-2.0 here; "
            "not affiliated with audEERING",
            corpora=STUDENT_CORPORA,
            sha256="1a77d9f3b3f0178be71674e23e193cdfee6ecc040a72b01a1723494271121377",
            citation="Wav2Small, arXiv 2408.13920",
        ),
        Entry(
            name="wav2small-int8",
            description="wav2small in eight-bit integers, 113 KB",
            parameters=72_659,
            licence="CC BY 4.0",
            source="quantised for this package, see its card.md",
            corpora=STUDENT_CORPORA,
            sha256="01b60311a60c446bc8cba963cc2b1800cd41870af44f13f7322e51b8ca35194f",
            citation="Wav2Small, arXiv 2408.13920",
        ),
        Entry(
            name="whisper-tiny-adv",
            description="Our offline teacher: Whisper tiny.en, layers 1 to 3, "
            "with a linear A/D/V head",
            parameters=6_617_331,
            licence="MIT (encoder: openai/whisper, MIT)",
            source="head fitted for this package, see its card.md",
            corpora=("emotale", "emodb"),
            sha256="523a3d8035aa05099bb5354b85472854ed55ce5e16c12747590b9afc609f3076",
            citation="Radford et al., Whisper, arXiv 2212.04356",
        ),
        Entry(
            name="wav2small-2.0",
            description="The published student with 15K parameters",
            parameters=15_030,
            licence=NON_COMMERCIAL,
            source="https://huggingface.co/audeering/wav2small",
            # No hash of a commit was known when this was written: its values tell
            weights=(HubSource("audeering/wav2small", "main", ("model.safetensors",)),),
            size=80_000,
            non_commercial=True,
            remark=NEVER_RUN,
            citation="Wav2Small, arXiv 2408.13920",
        ),
        Entry(
            name="dawn",
            description="Wav2vec 2.0 Large Robust, 12 layers, by audEERING",
            parameters=165_335_555,
            licence=NON_COMMERCIAL,
            source="https://zenodo.org/records/6221127",
            weights=(
                ZenodoSource("6221127", "w2v2-L-robust-12.6bc4a7fd-1.1.0.zip"),
                HubSource(
                    "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim",
                    "6eba34a2485ea31cb03600241787c3a5edab8626",
                    ("config.json", "model.safetensors"),
                ),
            ),
            size=660_000_000,
            non_commercial=True,
            remark=NEVER_RUN,
            citation="Wagner et al., Dawn of the transformer era, arXiv 2203.07378",
        ),
        Entry(
            name="odyssey",
            description="WavLM Large, baseline of the Odyssey 2024 challenge",
            parameters=318_605_891,
            max_dur=12.0,
            licence="MIT",
            source="https://huggingface.co/3loi/SER-Odyssey-Baseline-WavLM-Multi-Attributes",
            weights=(
                HubSource(
                    "3loi/SER-Odyssey-Baseline-WavLM-Multi-Attributes",
                    "00d0e12ba9bf957f5aeea36e8663c8c61cb50ac9",
                    ("config.json", "model.safetensors"),
                ),
            ),
            size=1_270_000_000,
            remark=NEVER_RUN,
            citation="Goncalves et al., Odyssey 2024 speech emotion recognition "
            "challenge, doi 10.21437/odyssey.2024-35",
        ),
        Entry(
            name="teacher",
            description="The paper's teacher: the mean of dawn and odyssey "
            "(equal weights are inferred)",
            parameters=483_941_446,
            max_dur=12.0,
            licence=NON_COMMERCIAL,
            source="dawn and odyssey",
            non_commercial=True,
            members=("dawn", "odyssey"),
            remark=NEVER_RUN,
            citation="Wav2Small, arXiv 2408.13920",
        ),
        Entry(
            name="whisper-base-adv",
            description="Our larger teacher: Whisper base, layers 1 to 4, "
            "with a linear A/D/V head",
            parameters=14_475_039,
            licence="MIT (encoder: openai/whisper, MIT)",
            source="https://huggingface.co/openai/whisper-base",
            weights=(
                HubSource(
                    "openai/whisper-base",
                    "e37978b90ca9030d5170a5c07aadb050351a65bb",
                    ("model.safetensors",),
                ),
            ),
            size=58_000_000,
            citation="Radford et al., Whisper, arXiv 2212.04356",
        ),
    ]
}
