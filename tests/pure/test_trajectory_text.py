"""Paths as text, in all forms, and what is none."""

# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false
# pyright: reportOptionalOperand=false

import json
import random

import numpy as np
import pytest
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.trajectories.drawn_path import KEPT_POINTS
from animatediff_native.trajectories.trajectory_text import read_paths, write_samples

KJ = [{"x": 51.2, "y": 128}, {"x": 256, "y": 64}, {"x": 512, "y": 0}]
KJ_POINTS = [[0.1, 0.5], [0.5, 0.25], [1, 0]]


def read(text, width=512, height=256, frames=16):
    return read_paths(text, width, height, frames)


def points(text, **options):
    return [path.points.tolist() for path in read(text, **options)]


def test_ours():
    text = '{"paths": [[[0.2, 0.5], [0.8, 0.25]], [[0.5, 0.5]]], "canvas": {"zoom": 2}}'
    found = read(text)
    assert [path.points.tolist() for path in found] == [[[0.2, 0.5], [0.8, 0.25]], [[0.5, 0.5]]]
    assert all(path.times is None and path.visible is None for path in found)


def test_ours_with_times():
    drawn, mixed, same = read(
        '{"paths": [[[0, 0, 0], [1, 0, 0.25], [1, 1, 1]], [[0, 0, 0], [1, 1]],'
        " [[0, 0, 0.5], [1, 1, 0.5]]]}"
    )
    assert drawn.times.tolist() == [0, 0.25, 1]
    assert mixed.times is None and same.times is None


@pytest.mark.parametrize("text", ["", " \n ", '{"paths": []}', '{"paths": [[]]}', "[]", "[[]]"])
def test_no_points(text):
    assert read(text) == []


@pytest.mark.parametrize("nested", [KJ, [KJ], [[KJ]]])
def test_kjnodes(nested):
    for text in (json.dumps(nested), str(nested), "\ufeff" + json.dumps(nested)):
        (path,) = read(text)
        assert path.points == pytest.approx(np.array(KJ_POINTS))
        assert path.times == pytest.approx([0, 0.5, 1])


def test_several_of_kjnodes():
    assert np.allclose(points(json.dumps([KJ, KJ[::-1]])), [KJ_POINTS, KJ_POINTS[::-1]])


def test_written_samples_are_read_again():
    pixels = np.random.default_rng(2).uniform(-50, 600, (9, 3, 2))
    for count in (1, 3):
        found = points(write_samples(pixels[:, :count]))
        expected = np.moveaxis(pixels[:, :count] / (512, 256), 1, 0)
        assert np.array(found) == pytest.approx(expected, abs=1e-5)


def test_toras_lines():
    assert points("0, 128\n256,64\n") == [[[0, 0.5], [1, 0.25]]]
    assert points("0, 128\n\n\n256 64\n128, 128") == [[[0, 0.5]], [[1, 0.25], [0.5, 0.5]]]
    assert points("0.1, 0.5\r\n[1, 0.25]") == [[[0.1, 0.5], [1, 0.25]]]


KEYS = [
    "0: 0.2,0.5; 15: 0.8,0.5",
    "0: 0.2,0.5\n15: 0.8,0.5",
    "0:0.2,0.5;-1:0.8,0.5",
    "0: (0.2, 0.5), 15: (0.8, 0.5)",
    '"0": "0.2, 0.5", "15": "0.8, 0.5"',
    '{"0": "0.2,0.5", "15": "0.8,0.5"}',
    '{"0": [0.2, 0.5], "-1": [0.8, 0.5]}',
    "-1: 0.8 0.5; 0: 0.2 0.5",
    "0 = 0.2,0.5\n+15 = 0.8,0.5",
    "# a remark\n0: 0.2,0.5\n15: 0.8,0.5;",
]


@pytest.mark.parametrize("text", KEYS)
def test_places_at_frames(text):
    (path,) = read(text)
    assert path.points.tolist() == [[0.2, 0.5], [0.8, 0.5]]
    assert path.times.tolist() == [0, 1]


def test_keys_of_the_clip():
    (path,) = read("0: 0,0; 50%: 0.5,0; 12: 1,0", frames=17)
    assert path.times == pytest.approx(np.array([0, 8, 12]) / 16)
    (path,) = read("0: 0,0; 32: 1,0", frames=17)  # on its way there
    assert path.times[-1] == 2


def test_a_held_place():
    (path,) = read("0: 0,0 hold; 8: 1,0; 16: 1,1", frames=17)
    assert path.points.tolist() == [[0, 0], [0, 0], [1, 0], [1, 1]]
    assert path.times * 16 == pytest.approx([0, 7, 8, 16])


@pytest.mark.parametrize("between", ["\n\n", " | ", "\n\n\n", "\n|\n"])
def test_several_paths_of_keys(between):
    found = points(f"0: 0.2,0.5; 15: 0.8,0.5{between}0: 0,0")
    assert found == [[[0.2, 0.5], [0.8, 0.5]], [[0, 0]]]


def test_points_outside():
    assert points('{"paths": [[[-0.5, 0.5], [1.5, 99]]]}') == [[[-0.5, 0.5], [1.5, 99]]]


def test_ten_thousand_points():
    many = [[round(n / 1e4, 4), 0.5] for n in range(10_000)]
    (path,) = read(json.dumps({"paths": [many]}))
    assert len(path.points) == KEPT_POINTS
    assert path.points[[0, -1]].tolist() == [many[0], many[-1]]
    with pytest.raises(AnimateDiffError, match="path 1 has 10001 points"):
        read(json.dumps({"paths": [[*many, many[0]]]}))
    for text in (json.dumps([[KJ[0]] * 10_001]), "1, 2\n" * 10_001):
        with pytest.raises(AnimateDiffError, match="path 1 has 10001 points"):
            read(text)


OURS = '{{"paths": [[[0.1, 0.1], [0.2, 0.2]], [[0.5, 0.5], {}]]}}'
REFUSED = {
    OURS.format("[NaN, 0.1]"): "point 2 of path 2 has NaN",
    OURS.format("[0.1, Infinity]"): "point 2 of path 2 has Infinity",
    OURS.format("[0.1, 1e999]"): "point 2 of path 2 has Infinity",
    OURS.format('["0.1", 0.1]'): 'point 2 of path 2 has "0.1"',
    OURS.format("[true, 0.1]"): "point 2 of path 2 has true",
    OURS.format("[null, 0.1]"): "point 2 of path 2 has null",
    OURS.format("[0.1]"): "point 2 of path 2 is",
    OURS.format("[0.1, 1, 1, 1]"): "point 2 of path 2 is",
    OURS.format('{"x": 1}'): "point 2 of path 2 is",
    OURS.format("[0.1, 1e9]"): "point 2 of path 2 is 0.1, 1e.09 pictures away",
    '{"paths": [[[0, 0, 0.5], [1, 1, 0.25]]]}': "point 2 of path 1 has the time 0.25",
    '{"paths": [[[0, 0, -0.5], [1, 1, 0.25]]]}': "point 1 of path 1 has the time -0.5",
    '{"paths": [[[0, 0, 0.5], [1, 1, 1.25]]]}': "point 2 of path 1 has the time 1.25",
    '{"paths": {}}': "paths of the points is",
    '{"paths": [1]}': "paths of the points is",
    '{"points": [[0, 0]]}': "JSON with points, without paths",
    "{}": "JSON with nothing, without paths",
    '{"paths": [': "no JSON: line 1",
    "[1, 2]": "point 1 of path 1 is 1",
    "[[0.1, 0.5], [0.2, 0.5]]": "point 1 of path 1 is 0.1",
    '[{"x": 1}]': "point 1 of path 1 is",
    '[{"x": 1, "y": "2"}]': 'point 1 of path 1 has "2"',
    '[{"x": 1, "y": 1}, [1]]': "point 2 of path 1 is",
    '[{"x": 1, "y": 2}, {"x": NaN, "y": 2}]': "point 2 of path 1 has NaN",
    "[" * 9 + "]" * 9: "the points are",
    "[" * 100_000: "no JSON",
    "a ball": "line 1 of the points is 'a ball'",
    "1, 2\n3, x": "line 2 of the points is '3, x'",
    "1, 2, 3": "line 1 of the points is '1, 2, 3'",
    "nan, 2": "line 1 of the points is",
    "1, 1e300": "point 1 of path 1 is",
    "0: 0.2": "line 1 of the points: '0: 0.2' is no place",
    "0: a ball": "line 1 of the points",
    "0: 0.2,0.5\n8: nan,1": "line 2 of the points",
    "0: 0.2,0.5\nand then": "line 2 of the points",
    "0: 0.2,0.5; 0: 0.3,0.5": "path 1 of the points names frame 0 twice",
    "0: 0.2,0.5\n\n150%: 0.3,0.5": "line 3 of the points",
    "-99: 0.2,0.5": "line 1 .* lies before a clip of 16 frames",
    "0: 0.2,500": "point 1 of path 1 is 0.2, 500 pictures away",
    "1: 2\n" * 3: "line 1 of the points",
    json.dumps({"paths": [[[0, 0]]] * 65}): "65 paths",
    json.dumps([KJ] * 65): "65 paths",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused(text):
    with pytest.raises(AnimateDiffError, match=f"(?s){REFUSED[text]}") as told:
        read(text)
    assert all((told.value.given, told.value.expected, told.value.remedy))
    assert len(str(told.value)) < 1200


def test_any_text_is_read_or_refused():
    """Texts with a few characters changed, cut and doubled."""
    chance = random.Random(5)
    seeds = [*KEYS, json.dumps([KJ]), OURS.format("[0.5, 1, 0.5]"), "0, 128\n256,64"]
    for _ in range(3000):
        text = list(chance.choice(seeds))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(text))
            text[at : at + chance.randint(0, 3)] = chance.choices('{}[]",:;|0.5-x\n%+h', k=2)
        try:
            found = read("".join(text))
        except AnimateDiffError:
            continue
        for path in found:
            assert len(path.points) and np.isfinite(path.points).all()
            assert path.times is None or (np.diff(path.times) >= 0).all()
