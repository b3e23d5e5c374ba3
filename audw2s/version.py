"""Version of the package, and the identity of results: what they were made by."""

from collections.abc import Mapping

__version__ = "0.1.0"


def identity(models: Mapping[str, object], **settings: object) -> dict[str, object]:
    """Identity of results: with another one, values may differ.

    Results hold it, and what is stored is used again for the same identity only.

    Args:
        models: name and sha256 of the model, or of each
        settings: settings that values depend on

    Examples:
        >>> identity({"model": "wav2small", "sha256": "5b…"}, win_dur=2.0)
        {'model': 'wav2small', 'sha256': '5b…', 'version': '...', 'win_dur': 2.0}

    """
    return {**models, "version": __version__, **settings}


def changes(stored: Mapping[str, object], wanted: Mapping[str, object]) -> str:
    """Say what differs between a stored identity and another one, if anything does.

    Args:
        stored: identity, as read from JSON, so it may hold anything
        wanted: identity

    Examples:
        >>> changes({"exact": True, "win_dur": None}, {"exact": True, "win_dur": 2.0})
        'win_dur none, now 2.0'

    """
    return "; ".join(
        f"{name} {_words(stored.get(name))}, now {_words(value)}"
        for name, value in wanted.items()
        if stored.get(name) != value
    )


def _words(value: object) -> str:
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        models = [(str(one.get("name")), str(one.get("sha256"))) for one in value]
        return ", ".join(f"{name} {sha256[:8]}" for name, sha256 in models)
    return "none" if value is None else str(value)
