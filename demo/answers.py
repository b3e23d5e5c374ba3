"""Turn errors into sentences for the user of the page."""

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec
from typing import TypeVar

from audw2s.demo.limits import RefusedError
from audw2s.demo.page import message

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

UNEXPECTED = (
    "Something went wrong, which is our fault. Try another recording; the terminal in "
    "which the page was started says more."
)
"""Message for errors of the program itself."""


def explanation(error: Exception) -> str:
    """Sentence for an error; unexpected errors are logged with their traceback."""
    if isinstance(error, RefusedError):
        return str(error)
    logging.getLogger(__name__).error("Unexpected", exc_info=error)
    return UNEXPECTED


def shown(
    make: Callable[Arguments, Result], num_outputs: int = 1
) -> Callable[Arguments, Result | str | list[str]]:
    """Wrap a function that returns HTML, so that it returns errors as HTML, too.

    Args:
        make: function
        num_outputs: number of pieces of HTML that it returns; an error is the first,
            and empties the others

    Examples:
        >>> def refuse() -> str:
        ...     raise RefusedError("Record something first.")
        >>> shown(refuse)()
        '<div class="adv"><p class="adv-message">Record something first.</p></div>'

    """

    @functools.wraps(make)
    def safe(
        *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result | str | list[str]:
        try:
            return make(*args, **kwargs)
        except Exception as error:
            text = message(explanation(error))
            return [text, *[""] * (num_outputs - 1)] if num_outputs > 1 else text

    return safe
