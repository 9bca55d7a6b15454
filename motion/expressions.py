"""Formulas in a text, computed for a frame: `0.5+0.5*sin(t/12)`.

Python's own reading of the text, of which only arithmetic is let through. Numbers are those of
numexpr, which such texts were written for: whole ones stay whole, `/` gives fractions, and what a
function gives is a fraction, but for abs, min, max and where.
"""

import ast
import math
import operator
import warnings
from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

Number = int | float

LONGEST = 400  # characters of a formula; also bounds how deep it can be
MOST_WHOLE = 2**53  # beyond it a float is no longer every whole number
NAMES = ("t", "max_f")
CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}


class NoFormula(Exception):
    """Why a text is no formula, or has no number at a frame, as a clause."""


class Formula(NamedTuple):
    """text: as it is written, without the marks around it."""

    text: str
    compute: Callable[[dict[str, Number]], Number]

    def at(self, frame: int, max_f: int) -> Number:
        """Its number at a frame; NoFormula where there is none."""
        try:
            found = self.compute({"t": frame, "max_f": max_f})
        except ZeroDivisionError:
            raise NoFormula(f"it divides by 0 at frame {frame}") from None
        except (ArithmeticError, ValueError, TypeError):
            raise NoFormula(f"it has no value at frame {frame}") from None
        if not math.isfinite(found):
            raise NoFormula(f"it has no value at frame {frame}")
        return int(found) if isinstance(found, bool) else found


def read_formula(text: str) -> Formula:
    """NoFormula where a text is none, or uses what is not known here."""
    if len(text) > LONGEST:
        raise NoFormula(f"it has more than {LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(" ".join(text.split()), mode="eval")
        return Formula(text, _compiled(tree.body))
    except (SyntaxError, ValueError, ArithmeticError, MemoryError, RecursionError):
        raise NoFormula("it is no formula") from None


def _compiled(node: ast.expr) -> Callable[[dict[str, Number]], Number]:
    """What computes a part of a formula from t and max_f."""
    build = _BUILDERS.get(type(node))
    if build is None:
        raise NoFormula(f"{ast.unparse(node)!r} is not known in formulas")
    return build(node)


def _constant(node: ast.Constant):
    value: Any = node.value
    if not isinstance(value, (int, float)):
        raise NoFormula(f"{str(value)[:40]!r} is no number")
    value = _bounded(value)
    return lambda names: value


def _name(node: ast.Name):
    name = node.id
    if name in NAMES:
        return lambda names: names[name]
    if name not in CONSTANTS:
        raise NoFormula(f"{name!r} is not known; {_known()}")
    value = CONSTANTS[name]
    return lambda names: value


def _known() -> str:
    return f"known are {', '.join((*NAMES, *CONSTANTS))} and {', '.join(FUNCTIONS)}"


def _unary(node: ast.UnaryOp):
    act, value = _UNARY.get(type(node.op)), _compiled(node.operand)
    if act is None:
        raise NoFormula(f"{ast.unparse(node)!r} is not known in formulas")
    return lambda names: act(value(names))


def _binary(node: ast.BinOp):
    act = _BINARY.get(type(node.op))
    if act is None:
        hint = "; powers are written **" if isinstance(node.op, ast.BitXor) else ""
        raise NoFormula(f"{ast.unparse(node)!r} is not known in formulas{hint}")
    left, right = _compiled(node.left), _compiled(node.right)
    return lambda names: _bounded(act(left(names), right(names)))


def _compare(node: ast.Compare):
    acts = [_COMPARE.get(type(op)) for op in node.ops]
    if None in acts:
        raise NoFormula(f"{ast.unparse(node)!r} is not known in formulas")
    parts = [_compiled(part) for part in (node.left, *node.comparators)]

    def compare(names):
        values = [part(names) for part in parts]
        pairs = zip(acts, values, values[1:], strict=False)
        return all(act(a, b) for act, a, b in pairs)  # type: ignore[misc]

    return compare


def _bool(node: ast.BoolOp):
    parts = [_compiled(part) for part in node.values]
    every = all if isinstance(node.op, ast.And) else any
    return lambda names: every(bool(part(names)) for part in parts)


def _choice(node: ast.IfExp):
    test, yes, no = _compiled(node.test), _compiled(node.body), _compiled(node.orelse)
    return lambda names: yes(names) if test(names) else no(names)


def _call(node: ast.Call):
    name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
    if name not in FUNCTIONS:
        raise NoFormula(f"{name[:40]!r} is not known; {_known()}")
    act, least, most = FUNCTIONS[name]
    if node.keywords or not least <= len(node.args) <= most:
        count = str(least) if least == most else f"{least} or more"
        raise NoFormula(f"{name} takes {count} numbers")
    values = [_compiled(value) for value in node.args]
    if name == "where":  # the other way is not computed: where(t > 0, 1/t, 0)
        test, yes, no = values
        return lambda names: yes(names) if test(names) else no(names)
    return lambda names: _bounded(act(*(value(names) for value in values)))


def _bounded(value: Any) -> Number:
    """Whole numbers of any length are floats, and a root of a negative number is none."""
    if isinstance(value, complex):
        raise ArithmeticError
    if isinstance(value, int) and abs(value) > MOST_WHOLE:
        return float(value)
    return value


def _power(base: Number, exponent: Number) -> Number:
    whole = (base, exponent) if isinstance(base, int) and isinstance(exponent, int) else None
    if whole and exponent >= 0 and exponent * whole[0].bit_length() <= 64:
        return base**exponent
    return float(base) ** exponent


def _float(act: Callable[..., float]) -> Callable[..., float]:
    return lambda *values: float(act(*values))


def _clip(value: Number, low: Number, high: Number) -> Number:
    return min(max(value, low), high)


def _sign(value: Number) -> int:
    return (value > 0) - (value < 0)


_BUILDERS: dict[type, Callable[[Any], Callable[[dict[str, Number]], Number]]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.BoolOp: _bool,
    ast.IfExp: _choice,
    ast.Call: _call,
}
_UNARY: dict[type, Callable] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_,
}  # fmt: skip
_BINARY: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.BitAnd: lambda a, b: bool(a) and bool(b),  # as numexpr has them, between comparisons
    ast.BitOr: lambda a, b: bool(a) or bool(b),
}
_COMPARE: dict[type, Callable] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_OF_MATH = (
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "sqrt", "exp", "expm1", "log", "log2", "log10", "log1p", "floor", "ceil", "trunc", "radians",
    "degrees",
)  # fmt: skip
_INVERSE = ("sin", "cos", "tan", "sinh", "cosh", "tanh")
_ONE = {
    **{name: getattr(math, name) for name in _OF_MATH},
    **{f"arc{name}": getattr(math, f"a{name}") for name in _INVERSE},  # as numexpr calls them
}
_MANY = 20
FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {  # and how many numbers they take
    **{name: (_float(act), 1, 1) for name, act in _ONE.items()},
    **{name: (_float(math.atan2), 2, 2) for name in ("atan2", "arctan2")},
    "fmod": (_float(math.fmod), 2, 2),
    "abs": (abs, 1, 1),
    "int": (int, 1, 1),
    "float": (float, 1, 1),
    "round": (round, 1, 2),
    "sign": (_sign, 1, 1),
    "min": (lambda *values: reduce(min, values), 1, _MANY),
    "max": (lambda *values: reduce(max, values), 1, _MANY),
    "pow": (_power, 2, 2),
    "clip": (_clip, 3, 3),
    "clamp": (_clip, 3, 3),
    "where": (_clip, 3, 3),  # computed by itself, above
}
