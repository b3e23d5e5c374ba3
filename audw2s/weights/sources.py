"""Where published weights are: what the catalogue knows of them."""

import dataclasses
import os

DATA = (".json", ".onnx", ".safetensors", ".txt", ".yaml")
"""Endings of files that may be fetched; pickles and code are not among them."""


@dataclasses.dataclass(frozen=True)
class HubSource:
    """Files of a model on the Hugging Face hub.

    The environment variables ``HF_ENDPOINT`` (a mirror), ``HF_TOKEN`` and
    ``HF_HUB_OFFLINE`` are heeded.

    Examples:
        >>> source = HubSource("audeering/wav2small", "main", ("model.safetensors",))
        >>> str(source)
        'audeering/wav2small (revision main)'

    """

    repository: str
    revision: str
    """Hash of a commit: only that is the same forever."""

    files: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse what isn't data."""
        _check_names(self.files)

    def __str__(self) -> str:
        """How messages call it."""
        return f"{self.repository} (revision {self.revision[:8]})"

    @property
    def endpoint(self) -> str:
        """Address of the hub, or of its mirror."""
        return _endpoint("HF_ENDPOINT", "https://huggingface.co")

    @property
    def by_hand(self) -> str:
        """What users can get in another way, and where."""
        page = f"https://huggingface.co/{self.repository}/tree/{self.revision}"
        return f"{' and '.join(self.files)} of {page}"


@dataclasses.dataclass(frozen=True)
class ZenodoSource:
    """Files in a zip archive on Zenodo.

    The environment variable ``AUDW2S_ZENODO_ENDPOINT`` names another server that
    speaks as Zenodo does.
    """

    record: str
    archive: str
    files: tuple[str, ...] = ("model.onnx", "model.yaml")

    def __post_init__(self) -> None:
        """Refuse what isn't data."""
        _check_names(self.files)

    def __str__(self) -> str:
        """How messages call it."""
        return f"{self.archive} (Zenodo record {self.record})"

    @property
    def endpoint(self) -> str:
        """Address of Zenodo."""
        return _endpoint("AUDW2S_ZENODO_ENDPOINT", "https://zenodo.org")

    @property
    def by_hand(self) -> str:
        """What users can get in another way, and where."""
        return f"{self.archive} of https://zenodo.org/records/{self.record}"


Source = HubSource | ZenodoSource


def _endpoint(variable: str, default: str) -> str:
    return os.environ.get(variable, "").rstrip("/") or default


def _check_names(files: tuple[str, ...]) -> None:
    for name in files:
        if os.path.basename(name) != name or not name.endswith(DATA):
            raise ValueError(
                f"'{name}' can't be fetched: expected a name without folders "
                f"that ends on {', '.join(DATA)}."
            )
