"""Formulas in texts: what they give, in which form, and what is refused, at once."""

import math
import time
from contextlib import suppress

import pytest
from animatediff_native.motion.expressions import FUNCTIONS, LONGEST, NoFormula, read_formula

GIVEN = [
    ("t", 5), ("max_f", 31), ("t+1", 6), ("t/2", 2.5), ("t//2", 2), ("t%3", 2), ("t**2", 25), ("2**-1", 0.5),
    ("-t", -5), ("(t)", 5), ("pi", math.pi), ("sin(t)", math.sin(5)), ("abs(-t)", 5), ("sqrt(16)", 4.0),
    ("min(t, 3)", 3), ("max(t, 3, 9)", 9), ("clip(t, 0, 3)", 3), ("pow(t, 2)", 25), ("floor(t/2)", 2.0),
    ("round(2.6)", 3), ("int(2.6)", 2), ("where(t > 3, 1, 2)", 1), ("where(t==5, 1, 1/(t-5))", 1),
    ("t > 3", 1), ("(t > 3) & (t < 4)", 0), ("(t > 3) | (t < 4)", 1), ("0 < t < 9", 1), ("not t", 0),
    ("1 if t > 3 else 2", 1), ("0.5+0.5*sin(t/12)", 0.5 + 0.5 * math.sin(5 / 12)), ("1e-1", 0.1),
    ("t > 3 and t < 4", 0), ("atan2(1, 1)", math.pi / 4), ("arcsin(1)", math.pi / 2), (" \n t +\n1", 6),
    ("10**400 if 0 else 1", 1), ("2**60", 2.0**60), ("sign(-t)", -1), ("exp(0)", 1.0), ("log10(100)", 2.0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), GIVEN)
def test_values(text, expected):
    found = read_formula(text).at(5, 31)
    assert found == pytest.approx(expected, rel=1e-15)
    assert isinstance(found, type(expected)), "5 is written another way than 5.0"


REFUSED = [
    "", " ", "t+", "x", "t t", "pw_a", "__import__('os')", "t.real", "(t).__class__", "[t]", "'a'", "lambda: t",
    "t := 3", "f'{t}'", "t ^ 2", "sin", "sin()", "sin(t, t)", "sin(*t)", "sin(x=t)", "clip(t)", "1j", "None",
    "...", "t; t", "print(t)", "(sin)(t) + open", "[t for t in t]", "{t: t}", "t[0]", "await t", "~t", "t is t",
    "t in t", "t << 9", "(" * 100 + "t" + ")" * 100 + "+" * 9, "9" * (LONGEST + 1), "\0", "yield", "b'1'",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_formula(text):
    with pytest.raises(NoFormula):
        read_formula(text)


@pytest.mark.parametrize(
    "text",
    ["1/0", "t%0", "sqrt(-t)", "(-t)**0.5", "log(0)", "9**9**9", "exp(t*999)", "1e308*10", "10.0**400",
     "pow(9, pow(9, 9))", "0**-1", "fmod(1, 0)", "round(t, 0.5)", "1e308**2 - 1e308**2", "int(1e308*10)"],
)  # fmt: skip
def test_what_has_no_value(text):
    formula = read_formula(text)
    start = time.process_time()
    with pytest.raises(NoFormula, match="frame 5"):
        formula.at(5, 31)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    "text", ["9**9**9**9**9", "*".join(["9**99"] * 50), "-" * 390 + "t", "(" * 190 + "t" + ")" * 190, "t**" * 100 + "t"]
)  # fmt: skip
def test_large_ones_take_no_time(text):
    start = time.process_time()
    with suppress(NoFormula):
        read_formula(text).at(5, 31)
    assert time.process_time() - start < 0.5


def test_every_function_takes_as_many_numbers_as_it_says():
    for name, (_, least, _) in FUNCTIONS.items():
        numbers = ", ".join(["0.5", "0.25", "0.75"][:least])
        try:
            assert math.isfinite(read_formula(f"{name}({numbers})").at(0, 1))
        except NoFormula:
            assert name in ("acosh", "arccosh")
