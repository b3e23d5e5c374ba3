"""Conditions over arousal, dominance and valence, parsed without ``eval``."""

import ast
import math
import operator
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

from audw2s.model.registry import DIMENSIONS

Values = Mapping[str, float]
"""Values of arousal, dominance and valence by name."""

ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: a / b if b else math.nan,
}

COMPARISONS = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

MAX_LENGTH = 1000
"""Length of the longest condition in characters."""


class Condition:
    """Condition that A/D/V may fulfil.

    The expression may use the names arousal, dominance and valence, numbers,
    ``+ - * /``, ``< <= > >=``, ``and``, ``or``, ``not`` and brackets. A comparison
    with NaN, or with a division by zero in it, is false.

    Args:
        expression: expression such as ``"arousal > 0.6 and valence < 0.4"``
        names: names that the expression may use

    Raises:
        ValueError: if the expression uses anything else

    Examples:
        >>> condition = Condition("arousal > 0.6 and not valence >= 0.4")
        >>> condition({"arousal": 0.7, "dominance": 0.5, "valence": 0.3})
        True
        >>> Condition("__import__('os')")
        Traceback (most recent call last):
            ...
        ValueError: "__import__('os')" is no condition: a condition compares ...

    """

    def __init__(self, expression: str, names: Sequence[str] = DIMENSIONS):
        self.expression = expression
        self.names = names
        try:
            if len(expression) > MAX_LENGTH:
                raise ValueError(f"it is longer than {MAX_LENGTH} characters")
            tree = ast.parse(expression.strip(), mode="eval").body
            self._truth = _truth(tree, names)
        except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else error
            raise ValueError(f'"{expression}" is no condition: {reason}.') from None

    def __call__(self, values: Values) -> bool:
        """Evaluate the condition.

        Args:
            values: values of arousal, dominance and valence by name

        """
        return self._truth(values)

    def __reduce__(self) -> tuple:
        """Pickle the expression."""
        return Condition, (self.expression, self.names)


def listed(names: Sequence[str]) -> str:
    """Join names for use in a sentence.

    Examples:
        >>> listed(DIMENSIONS)
        'arousal, dominance and valence'
        >>> listed(["arousal"])
        'arousal'

    """
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _truth(node: ast.expr, names: Sequence[str]) -> Callable[[Values], bool]:
    """Function that evaluates a part that is true or false."""
    match node:
        case ast.BoolOp(op=op, values=parts):
            truths = [_truth(part, names) for part in parts]
            combine = all if isinstance(op, ast.And) else any
            return lambda values: combine(truth(values) for truth in truths)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            truth = _truth(operand, names)
            return lambda values: not truth(values)
        case ast.Compare(left=left, ops=ops, comparators=others) if all(
            type(op) in COMPARISONS for op in ops
        ):
            compare = [COMPARISONS[type(op)] for op in ops]
            numbers = [_number(part, names) for part in (left, *others)]
            return lambda values: all(
                bool(is_true(first(values), second(values)))
                for is_true, first, second in zip(compare, numbers, numbers[1:])
            )
    raise ValueError(
        f"a condition compares {listed(names)} with numbers by <, <=, > or >=, "
        f"joined by and, or, not; it can't hold '{ast.unparse(node)}'"
    )


def _number(node: ast.expr, names: Sequence[str]) -> Callable[[Values], float]:
    """Function that evaluates a part that is a number."""
    match node:
        case ast.Name(id=name) if name in names:
            return lambda values: float(values[name])
        case ast.Constant(value=int() | float() as real) if not isinstance(real, bool):
            # An integer beyond float would raise when it is used
            if abs(real) > 1e300:
                raise ValueError("a number in it is too large")
            return lambda _: float(real)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
            number = _number(operand, names)
            sign = -1 if isinstance(op, ast.USub) else 1
            return lambda values: sign * number(values)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            first, second = _number(left, names), _number(right, names)
            combine = ARITHMETIC[type(op)]
            return lambda values: combine(first(values), second(values))
    raise ValueError(
        f"'{ast.unparse(node)}' is neither one of {', '.join(names)} nor a number"
    )
