"""Model and provenance of all interfaces."""

import collections
import functools
import inspect
import warnings
from collections.abc import Callable
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any
from typing import Concatenate
from typing import ParamSpec
from typing import TypeVar

import audeer
import audobject
import numpy as np

from audw2s.audio.times import to_seconds
from audw2s.inference.network import Network
from audw2s.inference.pipeline import Predictor
from audw2s.model.registry import DIMENSIONS
from audw2s.model.registry import named

if TYPE_CHECKING:
    import audonnx

Method = TypeVar("Method", bound=Callable)
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def by_name(
    values: np.ndarray,
    names: Sequence[str] = DIMENSIONS,
) -> dict[str, float] | list[dict[str, float]]:
    """Name the values of one channel, or of each channel.

    Examples:
        >>> by_name(np.array([[0.5, 0.25, 0.75]]))
        {'arousal': 0.5, 'dominance': 0.25, 'valence': 0.75}

    """
    channels = [named(row, names) for row in values]
    return channels[0] if len(channels) == 1 else channels


class Plugin(audobject.Object):
    """Model, provenance and cache settings of an interface."""

    predictor: Predictor

    network: Network
    """Network of the predictor; audobject finds the model here."""

    def __repr__(self) -> str:
        """Class, model, and the arguments that aren't the default.

        Examples:
            >>> import audw2s
            >>> audw2s.Feature(win_dur=2, vad=True)
            Feature('wav2small', win_dur=2.0, hop_dur=1.0, vad=True)

        """
        (arguments,) = self.to_dict(include_version=False).values()
        name = self.model if isinstance(self.model, str) else self.network.name
        defaults = inspect.signature(type(self)).parameters
        given = {
            argument: arguments[argument]
            for argument in defaults
            if argument in arguments and argument != "model"
            if arguments[argument] != defaults[argument].default
        }
        for argument in given:
            if argument.endswith("_dur"):
                given[argument] = to_seconds(given[argument])
        shown = [repr(name), *(f"{key}={value!r}" for key, value in given.items())]
        return f"{type(self).__name__}({', '.join(shown)})"

    @property
    def model(self) -> "str | audonnx.Model":
        """Model as given by the user: name, folder or object."""
        return self.network.model

    @property
    def provenance(self) -> dict[str, object]:
        """Model name, its sha256, version of audw2s and window.

        Results hold it in ``attrs["audw2s"]``.
        """
        return self.predictor.provenance

    @property
    def cache_settings(self) -> dict[str, object]:
        """All settings that cached values depend on, except the files."""
        return self.provenance | {"settings": self.to_yaml_s(include_version=False)}


def like(method: Callable) -> Callable[[Method], Method]:
    """Show the signature of a method of audinterface for that of its override."""

    def with_signature(override: Method) -> Method:
        setattr(override, "__wrapped__", method)
        return override

    return with_signature


def with_type_warning(
    method: Callable[Concatenate[Any, str, Arguments], Result],
) -> Callable[Concatenate[Any, str, Arguments], Result]:
    """Wrap ``process_folder``, so that a folder without matches gives a warning."""

    @functools.wraps(method)
    def call(self: Any, root: str, *args: Arguments.args, **kwargs: Arguments.kwargs):
        result: Any = method(self, root, *args, **kwargs)
        if not len(result):
            filetype = str(kwargs.get("filetype", "wav"))
            _warn_of_types(audeer.path(root), filetype)
        return result

    return call


def _warn_of_types(root: str, filetype: str) -> None:
    """Warn that a folder has no files of a type, and name those that it has."""
    if audeer.list_file_names(root, filetype=filetype):
        return
    files = audeer.list_file_names(root)
    types = collections.Counter(map(audeer.file_extension, files))
    others = [f"{kind or 'none'} ({count})" for kind, count in types.most_common()]
    seen = f"types are {', '.join(others)}" if others else "it is empty"
    warnings.warn(
        f"'{root}' has no files of type '{filetype}', {seen}; subfolders aren't "
        "searched.",
        UserWarning,
        stacklevel=3,
    )


def with_provenance(
    method: Callable[Concatenate[Any, Arguments], Result],
) -> Callable[Concatenate[Any, Arguments], Result]:
    """Wrap a method of audinterface, so that its results hold their provenance."""

    @functools.wraps(method)
    def call(self: Any, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Any:
        result: Any = method(self, *args, **kwargs)
        result.attrs["audw2s"] = dict(self.provenance)
        return result

    return call
