"""Tables in Markdown, for cards, papers and terminals."""

from collections.abc import Iterable
from collections.abc import Sequence


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Render a table.

    Examples:
        >>> print(markdown_table(["name", "size"], [["wav2small", "72K"]]))
        | name | size |
        | --- | --- |
        | wav2small | 72K |

    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float | None) -> str:
    """Write a CCC or such, a dash if there is none.

    Examples:
        >>> number(0.625), number(None)
        ('0.62', '–')

    """
    return "–" if value is None else f"{value:.2f}"
