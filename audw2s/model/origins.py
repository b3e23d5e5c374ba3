"""What models were made from, and the licences that follow."""

import dataclasses
import functools
import json
import operator
import os
import re
from collections.abc import Mapping

from audw2s.model.find import members
from audw2s.model.find import model_path
from audw2s.model.folder import explained
from audw2s.model.names import entry_of

PROPERTY = "origins"
"""Property of an ONNX file with its :class:`Origins` as JSON."""

UNKNOWN = "unknown"
"""Licence of a corpus or model for which none is known."""

OTHER = "other"
"""Identifier of a licence that isn't among :data:`IDENTIFIERS`."""

IDENTIFIERS = (
    *("cc0-1.0", "mit", "apache-2.0", "cc-by-3.0", "cc-by-4.0"),
    *("cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-3.0", "cc-by-nc-4.0"),
    *("cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-4.0"),
    *(OTHER, UNKNOWN),
)
"""Licences as the Hugging Face hub writes them, the most demanding last."""


def identifier(licence: str) -> str:
    """Identifier of a licence, of the most demanding if there are several.

    Examples:
        >>> identifier("CC BY-NC-SA 4.0, non-commercial"), identifier("CC0; CC-BY-3.0")
        ('cc-by-nc-sa-4.0', 'cc-by-3.0')
        >>> identifier("Licence of the university"), identifier("unknown")
        ('other', 'unknown')

    """
    names = []
    for part in licence.split(";"):
        name = re.split(r"[,(]", part)[0].strip().lower().replace(" ", "-")
        name = {"cc0": "cc0-1.0"}.get(name, name)
        names.append(name if name in IDENTIFIERS else OTHER)
    return max(names, key=IDENTIFIERS.index)


@dataclasses.dataclass(frozen=True)
class Origins:
    """Corpora and models that a model was made from, with their licences."""

    corpora: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Licence by name of the corpus; :data:`UNKNOWN` where none is known."""

    models: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Licence by name of the model."""

    def __or__(self, other: "Origins") -> "Origins":
        """Origins of what was made from both."""
        return Origins(
            _joined(self.corpora, other.corpora), _joined(self.models, other.models)
        )

    @classmethod
    def from_json(cls, text: str) -> "Origins":
        """Read the origins that :meth:`to_json` wrote."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Write the origins as a property of an ONNX file."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @property
    def licences(self) -> dict[str, str]:
        """Licence by name of the corpus or model."""
        return {**self.corpora, **self.models}

    @property
    def terms(self) -> str:
        """All licences, each once.

        Examples:
            >>> Origins({"emodb": "CC0"}, {"a": "MIT", "b": "MIT"}).terms
            'CC0; MIT'

        """
        return "; ".join(dict.fromkeys(self.licences.values())) or UNKNOWN

    @property
    def licence(self) -> str:
        """The most demanding of the licences, see :data:`IDENTIFIERS`.

        Examples:
            >>> Origins({"emodb": "CC0"}, {"dawn": "CC BY-NC-SA 4.0"}).licence
            'cc-by-nc-sa-4.0'
            >>> Origins({"mine": "unknown"}, {"wav2small": "CC BY 4.0"}).licence
            'unknown'

        """
        return identifier(self.terms)

    def in_words(self) -> str:
        """Licence that follows, and from what, in sentences."""
        pairs = [f"{name} ({licence})" for name, licence in self.licences.items()]
        text = f"Licence: {self.licence}. It follows from {', '.join(pairs)}"
        text += ": the most demanding counts." if len(pairs) > 1 else "."
        unknown = [n for n, licence in self.corpora.items() if licence == UNKNOWN]
        if unknown:
            text += (
                f" That of {', '.join(unknown)} isn't known: a column 'licence' of the "
                "corpus' table names it, or write it into README.md."
            )
        return text


def origins_of(model: str) -> Origins:
    """What a model was made from; a model of the catalogue stands for itself.

    Args:
        model: name or folder, see :func:`audw2s.load`

    Examples:
        >>> origins_of("mean(wav2small, whisper-tiny-adv)").licence
        'cc-by-4.0'

    """
    if (entry := entry_of(model)) is not None:
        return Origins(models={entry.name: entry.licence})
    if parts := members(model):
        return functools.reduce(operator.or_, map(origins_of, parts))
    # Models of the catalogue, whose licence each run states, do without
    import onnx

    from audw2s.model.store import properties

    path = model_path(model)
    with explained(path):
        content = onnx.load(path, load_external_data=False)
        if text := properties(content).get(PROPERTY):
            return Origins.from_json(text)
    return Origins(models={os.path.basename(os.path.normpath(model)): UNKNOWN})


def _joined(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Licences of both, several where they differ."""
    both = {
        name: f"{one[name]}; {other[name]}"
        for name in one.keys() & other.keys()
        if one[name] != other[name]
    }
    return {**one, **other, **both}
