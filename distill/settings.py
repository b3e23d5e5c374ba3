"""Settings from TOML files: read and check them, with errors in one sentence."""

import dataclasses
import difflib
import functools
import itertools
import json
import math
import re
import textwrap
import tomllib
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from typing import Annotated
from typing import Any
from typing import TypeVar
from typing import dataclass_transform
from typing import get_args

from pydantic import AfterValidator
from pydantic import ConfigDict
from pydantic import Field
from pydantic import ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic.fields import FieldInfo

Kind = TypeVar("Kind")

STRICT = ConfigDict(
    strict=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
)
"""Strings and Booleans are no numbers; NaN and infinity are refused."""


def one_of(names: Collection[str]) -> Any:
    """Field of a text that is one of some names."""
    pattern = "|".join(map(re.escape, names))
    return Field(pattern=f"^({pattern})$", title=f"is one of {list(names)}")


def each_of(names: Collection[str]) -> AfterValidator:
    """Make a check that there are texts, and each is one of some names."""

    def check(given: tuple[str, ...]) -> tuple[str, ...]:
        if not given or set(given) - set(names):
            raise ValueError(f"is a list of some of {list(names)}")
        return given

    return AfterValidator(check)


def limits(low: float = -math.inf, *, above: bool = False) -> AfterValidator:
    """Make a check of two numbers: the lowest and the highest that are drawn.

    Args:
        low: least value of both
        above: whether both have to be larger than ``low``

    """

    def check(pair: tuple[float, float]) -> tuple[float, float]:
        if not (low <= pair[0] <= pair[1]) or (above and pair[0] == low):
            least = f", {'above' if above else 'at least'} {low:g}"
            bound = "" if low == -math.inf else least
            raise ValueError(f"is two numbers, the lowest first{bound}")
        return pair

    return AfterValidator(check)


def at_least(least: int) -> Any:
    """Field of a whole number."""
    title = f"has to be at least {least}, a whole number without quotes"
    return Field(ge=least, title=title)


def listed(what: str, **limits: Any) -> Any:
    """Field of a tuple, which is a list in TOML."""
    return Field(strict=False, title=f"is {what}, in [ ]", **limits)


Count = Annotated[int, at_least(1)]
Number = Annotated[int, at_least(0)]
Several = Annotated[int, at_least(2)]
Fraction = Annotated[float, Field(ge=0, lt=1, title="is a number from 0 to below 1")]
Share = Annotated[float, Field(ge=0, le=1, title="is a number from 0 to 1")]
Weight = Annotated[float, Field(ge=0, title="is a number of at least 0")]
Rate = Annotated[float, Field(gt=0, title="is a number above 0")]
Range = Annotated[tuple[float, float], listed("two numbers, the lowest first")]
Paths = Annotated[tuple[str, ...], listed("a list of paths")]
Names = Annotated[tuple[str, ...], listed("a list of names")]
Layers = Annotated[tuple[Count, ...], listed("a list of layers from 1 on")]
Columns = Annotated[
    dict[str, str],
    Field(title="has the corpora's column for each name, in a table [columns]"),
]


def read_toml(path: str) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        OSError: if it can't be read
        ValueError: if it is no TOML

    """
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        hint = ""
        if "\\" in str(error):
            hint = r" In double quotes \ has a meaning of its own: write paths with /."
        raise ValueError(f"{path} is no TOML: {error}.{hint}") from None


def checked(make: Callable[..., Kind], path: str, values: dict[str, Any]) -> Kind:
    """Make settings from the content of a file, which errors name.

    Args:
        make: see :func:`settings`
        path: path of the file
        values: values by key

    Raises:
        ValueError: see :func:`settings`

    """
    try:
        return make(**values)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def settings(kind: type[Kind]) -> type[Kind]:
    """Make a frozen dataclass that pydantic validates.

    Its constructor raises a ``ValueError`` that names, in one sentence, each key that
    isn't known or has an unexpected value.

    Examples:
        >>> @settings
        ... class Loop:
        ...     steps: Count = 10
        >>> Loop(steps=0)
        Traceback (most recent call last):
        ValueError: 'steps' has to be at least 1, a whole number without quotes, got 0.
        >>> Loop(step=1)
        Traceback (most recent call last):
        ValueError: unknown keys ['step'], the nearest known key is 'steps'.

    """
    made: Any = pydantic_dataclass(kind, frozen=True, config=STRICT)
    init = made.__init__

    @functools.wraps(init)
    def checked_init(self: Any, *args: Any, **values: Any) -> None:
        fields = made.__pydantic_fields__
        given = {**dict(zip(list(fields)[: len(args)], args, strict=True)), **values}
        try:
            init(self, **given)
        except ValidationError as error:
            raise ValueError(_sentence(error, fields, given)) from None

    made.__init__ = checked_init
    return made


def template(kind: type, values: Mapping[str, object]) -> str:
    """TOML file of settings in which every key is explained.

    Args:
        kind: see :func:`settings`; docstrings of its attributes are the explanations
        values: values by key; other keys are commented out and have their default

    Examples:
        >>> @settings
        ... class Loop:
        ...     steps: Count = 10
        ...     seed: Number = 0
        >>> print(template(Loop, {"seed": 1}))
        # steps has to be at least 1, a whole number without quotes.
        #steps = 10
        <BLANKLINE>
        # seed has to be at least 0, a whole number without quotes.
        seed = 1

    """
    # Fields that a class inherits have their docstrings in the class before
    families = [getattr(base, "__pydantic_fields__", {}) for base in kind.__mro__]
    entries = []
    for name, field in families[0].items():
        docs = (family[name].description for family in families[::-1] if name in family)
        entries.append(_explained(name, field, next(docs) or "", values))
    return "\n\n".join(entries)


def _explained(
    name: str, field: FieldInfo, doc: str, values: Mapping[str, object]
) -> str:
    needed = expected(field)
    text = f"{name} {needed}. {doc}" if needed else f"{name}: {doc}"
    # Without the markup of docstrings
    text = re.sub(r":\w+:`([^`]*)`", r"\1", text).replace("``", "")
    lines = textwrap.wrap(" ".join(text.split()), 80)
    value = values.get(name, field.get_default(call_default_factory=True))
    mark = "" if name in values else "#"
    entry = f"{mark}{name} = {'' if value is None else _toml(value)}".rstrip()
    return "\n".join([*(f"# {line}" for line in lines), entry])


def _toml(value: object) -> str:
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    return json.dumps(value)


def check_unchanged(path: str, stored: dict, wanted: Mapping[str, object]) -> None:
    """Make sure that something stored was made with the same settings and content.

    Args:
        path: path of what is stored
        stored: settings and hashes that it was made with, read from JSON
        wanted: settings and hashes of now

    Raises:
        ValueError: if some differ, with their names

    Examples:
        >>> check_unchanged("run", {"snr": [0, 30], "steps": 5}, {"snr": (0, 30)})
        >>> check_unchanged("run", {"snr": [0, 30], "steps": 5}, {"steps": 6})
        Traceback (most recent call last):
        ValueError: run was made with other settings of ['steps'], or other content. ...

    """
    wanted = json.loads(json.dumps(wanted))
    changed = [key for key in wanted if stored.get(key) != wanted[key]]
    if changed:
        raise ValueError(
            f"{path} was made with other settings of {changed}, or other content. "
            "Choose another output folder, or delete this one."
        )


def unknown(key: str, known: Collection[str]) -> str:
    """Message on an unknown key, with the most similar known key.

    Examples:
        >>> unknown("step", ["steps", "seed"])
        "unknown keys ['step'], the nearest known key is 'steps'"

    """
    (nearest,) = difflib.get_close_matches(key, known, 1, 0)
    return f"unknown keys ['{key}'], the nearest known key is '{nearest}'"


def _sentence(error: ValidationError, fields: dict, given: dict[str, Any]) -> str:
    messages: dict[Any, str] = {}
    for entry in error.errors():
        key = str(entry["loc"][0]) if entry["loc"] else ""
        messages.setdefault(key, _explain(key, entry, fields, given))
    return "; ".join(messages.values()) + "."


def _explain(key: str, entry: Any, fields: dict, given: dict[str, Any]) -> str:
    message = entry["msg"].removeprefix("Value error, ")
    if not key:
        return message
    if key not in fields:
        return unknown(key, fields)
    needed = expected(fields[key])
    if key not in given:
        return f"'{key}' is missing" + (f", which {needed}" if needed else "")
    is_our_check = entry["type"] == "value_error" and len(entry["loc"]) == 1
    if is_our_check or not needed:
        needed = message.replace("Input should be", "is")
    needed = needed.replace("a valid string", "a text in quotes")
    return f"'{key}' {needed}, got {given[key]!r}"


def expected(field: FieldInfo) -> str | None:
    """What a field has to be, or the type that it has if it isn't ``None``."""
    parts = (getattr(p, "__metadata__", ()) for p in get_args(field.annotation))
    options = [field, *itertools.chain(*parts)]
    return next((o.title for o in options if getattr(o, "title", 0)), None)
