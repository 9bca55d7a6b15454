"""Paths as text: what the canvas of Trajectory writes, and what other programs do.

- `{"paths": [[[0.2, 0.5], [0.8, 0.5]], ...]}`: ours, points as shares of the picture; a third
  number is when (0: the clip's begin, 1: its end);
- `[{"x": 100, "y": 256}, ...]`, also in lists of lists: KJNodes', pixels;
- `x, y` per line: Tora's, of a canvas of 256 x 256;
- `0: 0.2,0.5; 15: 0.8,0.5`: a place at frames, as shares; trajectory_keys.py reads it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence, Sized
from contextlib import suppress
from typing import Any, NoReturn

import numpy as np

from ..motion.errors import AnimateDiffError, counted
from ..motion.keyed_text import BYTE_ORDER_MARK, shortened
from .drawn_path import DrawnPath, in_samples, read_place, require_near
from .trajectory_keys import are_keys, read_keys

MOST_PATHS, MOST_POINTS = 64, 10_000
DEEPEST = 4  # lists in each other
TORA_SIDE = 256  # pixels, of the canvas that Tora's lines are on
DECIMALS = 3  # of pixels
EXPECTED = (
    'one of: {"paths": [[[0.2, 0.5], [0.8, 0.5]]]} (shares of the picture), [{"x": 100, "y": 256}, '
    '...] (pixels), a line "x, y" per point (of 256 x 256), or 0: 0.2,0.5; 15: 0.8,0.5 (a place at '
    "frames)"
)


def read_paths(text: str, width: int, height: int, frames: int) -> list[DrawnPath]:
    """width, height: of the picture in pixels; frames: of the whole clip, which keys count from.

    AnimateDiffError, which names path and point, for any text that is none of these.
    """
    text = text.removeprefix(BYTE_ORDER_MARK).strip()
    if not text:
        return []
    if text.startswith(("{", "[")):
        value = _json(text)
        if isinstance(value, dict) and "paths" not in value and are_keys(value):
            paths = read_keys(text, frames)
        else:
            paths = _of_json(value, width, height)
    elif re.search("[:=：]", text):
        paths = read_keys(text, frames)
    else:
        paths = _of_lines(text)
    if len(paths) > MOST_PATHS:
        _refuse(f"the points are {len(paths)} paths.", f"at most {MOST_PATHS}", "leave some out.")
    return [path.thinned() for path in paths]


def _json(text: str) -> Any:
    """Also with single quotation marks, as Python writes it."""
    try:
        return json.loads(text, parse_int=float)
    except (ValueError, RecursionError) as problem:
        with suppress(ValueError, RecursionError):
            return json.loads(text.replace("'", '"'), parse_int=float)
        where = f"line {problem.lineno}: " if isinstance(problem, json.JSONDecodeError) else ""
        why = getattr(problem, "msg", "too many brackets inside each other")
        raise AnimateDiffError(
            f"the points are no JSON: {where}{why}.", EXPECTED, "correct the text."
        ) from None


def _of_json(value: Any, width: int, height: int) -> list[DrawnPath]:
    if isinstance(value, dict):
        if "paths" not in value:
            keys = shortened(", ".join(value)) or "nothing"
            _refuse(f"the points are JSON with {keys}, without paths.", EXPECTED, "correct it.")
        return _ours(value["paths"])
    found = [path for path in _sampled(value) if path]
    size = np.array((width, height), dtype=float)
    return [_in_samples(path, number, size) for number, path in enumerate(found, 1)]


def _ours(paths: Any) -> list[DrawnPath]:
    if not isinstance(paths, list) or not all(isinstance(path, list) for path in paths):
        _refuse(
            f"paths of the points is {shortened(repr(paths))}.",
            "a list of paths, each a list of points [x, y] or [x, y, time]",
            "correct the text, or draw the path on the canvas.",
        )
    return [_our_path(path, number) for number, path in enumerate(paths, 1) if path]


def _our_path(path: list[Any], number: int) -> DrawnPath:
    _require_count(path, number)
    wanted = "[x, y] or [x, y, time], shares of the picture and of the clip"
    for at, point in enumerate(path, 1):
        if not isinstance(point, list) or len(point) not in (2, 3):
            _wrong(number, at, f"is {shortened(repr(point))}", wanted)
        _require_numbers(point, number, at, wanted)
    points = np.array([point[:2] for point in path], dtype=float)
    require_near(points, number)
    times = [point[2] for point in path if len(point) == 3]
    if len(times) < len(path):
        return DrawnPath(points)
    _require_times(times, number)
    return DrawnPath(points, np.array(times) if times[-1] > times[0] else None)


def _require_times(times: Sequence[float], number: int) -> None:
    wanted = "times from 0 (the clip's begin) to 1 (its end), none before the one of the last point"
    for at, time in enumerate(times, 1):
        before = times[max(at - 2, 0)]
        if not before <= time <= 1 or time < 0:
            _wrong(number, at, f"has the time {time:g}", wanted)


def _sampled(value: Any, depth: int = 1) -> Iterator[list[Any]]:
    """The lists of points in a list, or in lists of lists."""
    if not isinstance(value, list) or depth > DEEPEST:
        _refuse(f"the points are {shortened(repr(value))}.", EXPECTED, "correct the text.")
    if all(isinstance(each, list) for each in value):
        for each in value:
            yield from _sampled(each, depth + 1)
    else:
        yield value


def _in_samples(path: list[Any], number: int, size: np.ndarray) -> DrawnPath:
    """Of KJNodes' points: as many samples, at even times."""
    _require_count(path, number)
    wanted = '{"x": 100, "y": 256}, pixels'
    for at, point in enumerate(path, 1):
        if not isinstance(point, dict) or not {"x", "y"} <= set(point):
            _wrong(number, at, f"is {shortened(repr(point))}", wanted)
        _require_numbers((point["x"], point["y"]), number, at, wanted)
    points = np.array([(point["x"], point["y"]) for point in path], dtype=float) / size
    require_near(points, number)
    return in_samples(points)


def _of_lines(text: str) -> list[DrawnPath]:
    """Tora's: pixels of its canvas, or shares where no number is beyond 1."""
    paths: list[list[list[float]]] = [[]]
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            paths[-1].append(_of_line(line.strip(), number))
        elif paths[-1]:
            paths.append([])
    found = [np.array(path) for path in paths if path]
    side = TORA_SIDE if max(abs(path).max() for path in found) > 1 else 1
    for number, path in enumerate(found, 1):
        _require_count(path, number)
        require_near(path / side, number)
    return [DrawnPath(path / side) for path in found]


def _of_line(line: str, number: int) -> list[float]:
    try:
        numbers = read_place(line)
    except ValueError:
        _refuse(f"line {number} of the points is '{shortened(line)}'.", EXPECTED, "correct it.")
    return numbers


def _require_count(path: Sized, number: int) -> None:
    if len(path) > MOST_POINTS:
        _refuse(
            f"path {number} has {counted(len(path), 'point')}.",
            f"at most {MOST_POINTS} in a path",
            "leave points out: a path goes through those that it has.",
        )


def _require_numbers(values: Sequence[Any], number: int, at: int, wanted: str) -> None:
    for value in values:
        if not isinstance(value, float) or not math.isfinite(value):
            _wrong(number, at, f"has {shortened(json.dumps(value))}, which is no number", wanted)


def _wrong(path: int, point: int, what: str, expected: str) -> NoReturn:
    _refuse(f"point {point} of path {path} {what}.", expected, "correct this point.")


def _refuse(given: str, expected: str, remedy: str) -> NoReturn:
    raise AnimateDiffError(given, expected, remedy)


def write_samples(pixels: np.ndarray) -> str:
    """KJNodes' JSON of [F, N, 2]: one entry per frame; of several paths a list each."""
    paths = [
        [{"x": round(float(x), DECIMALS), "y": round(float(y), DECIMALS)} for x, y in path]
        for path in np.moveaxis(pixels, 1, 0)
    ]
    return json.dumps(paths[0] if len(paths) == 1 else paths)
