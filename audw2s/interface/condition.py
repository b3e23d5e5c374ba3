"""Conditions over arousal, dominance and valence, parsed without ``eval``."""

import ast
import operator
from collections.abc import Mapping
from collections.abc import Sequence

from audw2s.model.registry import DIMENSIONS

ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
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
        try:
            if len(expression) > MAX_LENGTH:
                raise ValueError(f"it is longer than {MAX_LENGTH} characters")
            self._tree = ast.parse(expression.strip(), mode="eval").body
            _check_truth(self._tree, names)
        except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else error
            raise ValueError(f'"{expression}" is no condition: {reason}.') from None

    def __call__(self, values: Mapping[str, float]) -> bool:
        """Evaluate the condition.

        Args:
            values: values of arousal, dominance and valence by name

        """
        return _truth(self._tree, values)


def listed(names: Sequence[str]) -> str:
    """Join names for use in a sentence.

    Examples:
        >>> listed(DIMENSIONS)
        'arousal, dominance and valence'

    """
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _check_truth(node: ast.expr, names: Sequence[str]) -> None:
    match node:
        case ast.BoolOp(values=values):
            for value in values:
                _check_truth(value, names)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            _check_truth(operand, names)
        case ast.Compare(left=left, ops=ops, comparators=others) if all(
            type(op) in COMPARISONS for op in ops
        ):
            for value in (left, *others):
                _check_number(value, names)
        case _:
            raise ValueError(
                f"a condition compares {listed(names)} with numbers by "
                "<, <=, > or >=, joined by and, or, not; it can't hold "
                f"'{ast.unparse(node)}'"
            )


def _check_number(node: ast.expr, names: Sequence[str]) -> None:
    match node:
        case ast.Name(id=name) if name in names:
            pass
        case ast.Constant(value=value) if type(value) in (int, float):
            # An integer beyond float would raise when it is used
            if abs(value) > 1e300:
                raise ValueError("a number in it is too large")
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check_number(operand, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            _check_number(left, names)
            _check_number(right, names)
        case _:
            raise ValueError(
                f"'{ast.unparse(node)}' is neither one of {', '.join(names)} "
                "nor a number"
            )


def _truth(node: ast.expr, values: Mapping[str, float]) -> bool:
    match node:
        case ast.BoolOp(op=ast.And()):
            return all(_truth(value, values) for value in node.values)
        case ast.BoolOp():
            return any(_truth(value, values) for value in node.values)
        case ast.UnaryOp():
            return not _truth(node.operand, values)
    numbers = [_number(value, values) for value in (node.left, *node.comparators)]
    pairs = zip(node.ops, numbers, numbers[1:], strict=False)
    return all(bool(COMPARISONS[type(op)](a, b)) for op, a, b in pairs)


def _number(node: ast.expr, values: Mapping[str, float]) -> float:
    match node:
        case ast.Name():
            return float(values[node.id])
        case ast.Constant():
            return float(node.value)
        case ast.UnaryOp():
            number = _number(node.operand, values)
            return -number if isinstance(node.op, ast.USub) else number
    left, right = _number(node.left, values), _number(node.right, values)
    if isinstance(node.op, ast.Div) and right == 0:
        return float("nan")
    return ARITHMETIC[type(node.op)](left, right)
