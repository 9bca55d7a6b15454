"""Camera paths: moves by name, joined, and as text."""

# pyright: reportOptionalMemberAccess=false

import math

import numpy as np
import pytest
from adn_testing.fuzzing import PIECES, only_our_error, tries
from animatediff_native.conditions.camera_poses import (
    AHEAD,
    MOVES,
    CameraPath,
    Join,
    afterwards,
    along,
    at_the_same_time,
    camera_move,
)
from animatediff_native.conditions.camera_rays import camera_rays
from animatediff_native.conditions.camera_text import read_poses, write_poses
from animatediff_native.motion.errors import AnimateDiffError
from hypothesis import given
from hypothesis import strategies as st

# T and angles per AnimateDiff-Evolved's names, as its nodes have them
EVOLVED = {
    "still": ((0, 0, 0), (0, 0, 0)),
    "pan up": ((0, 1, 0), (0, 0, 0)),
    "pan down": ((0, -1, 0), (0, 0, 0)),
    "pan left": ((1, 0, 0), (0, 0, 0)),
    "pan right": ((-1, 0, 0), (0, 0, 0)),
    "zoom in": ((0, 0, -2), (0, 0, 0)),
    "zoom out": ((0, 0, 2), (0, 0, 0)),
    "roll clockwise": ((0, 0, 0), (0, 0, -1)),
    "roll anticlockwise": ((0, 0, 0), (0, 0, 1)),
    "tilt down": ((0, 0, 0), (1, 0, 0)),
    "tilt up": ((0, 0, 0), (-1, 0, 0)),
    "tilt left": ((0, 0, 0), (0, 1, 0)),
    "tilt right": ((0, 0, 0), (0, -1, 0)),
}


def about(axis: int, angle: float) -> np.ndarray:
    """By Rodrigues' formula."""
    k = np.zeros((3, 3))
    a, b = (axis + 1) % 3, (axis + 2) % 3
    k[b, a], k[a, b] = 1, -1
    return np.eye(3) + math.sin(angle) * k + (1 - math.cos(angle)) * k @ k


def rotation(angles) -> np.ndarray:
    return about(2, angles[2]) @ about(1, angles[1]) @ about(0, angles[0])


def place(pose: np.ndarray) -> np.ndarray:
    return -pose[:, :3].T @ pose[:, 3]


def looks(pose: np.ndarray) -> np.ndarray:
    """The direction, in the world, that the camera sees in the middle of its picture."""
    return pose[:, :3].T @ (0, 0, 1)


@pytest.mark.parametrize("name", EVOLVED)
@pytest.mark.parametrize("speed", [1.0, -0.7, 3.0])
def test_a_move_as_the_incumbent_makes_it(name, speed):
    path = camera_move(name, 20, speed)
    t, r = (np.array(each, dtype=float) for each in EVOLVED[name])
    for i, pose in enumerate(path.w2c):
        angles = i / 16 * speed * (math.pi / 3) * r
        expected = np.column_stack((rotation(angles), i / 16 * speed * 1.5 * t))
        assert np.allclose(pose, expected, atol=1e-12)
    assert np.allclose(path.intrinsics, (0.474812461, 0.844111024, 0.5, 0.5))


@pytest.mark.parametrize(
    ("name", "axis", "sign", "of"),
    [  # y is down
        ("pan left", 0, -1, place), ("pan right", 0, 1, place),
        ("pan up", 1, -1, place), ("pan down", 1, 1, place),
        ("zoom in", 2, 1, place), ("zoom out", 2, -1, place),
        ("tilt left", 0, -1, looks), ("tilt right", 0, 1, looks),
        ("tilt up", 1, -1, looks), ("tilt down", 1, 1, looks),
        ("orbit left", 0, -1, place), ("orbit right", 0, 1, place),
        ("orbit up", 1, -1, place), ("orbit down", 1, 1, place),
    ],
)  # fmt: skip
def test_a_move_is_what_its_name_says(name, axis, sign, of):
    first, last = (of(pose) for pose in camera_move(name, 16).w2c[[0, -1]])
    moved = (last - first) * sign
    assert moved[axis] > 0.5
    assert all(abs(moved[other]) < 1e-12 for other in {0, 1} - {axis})


def test_a_roll_turns_the_cameras_right_side_down():
    right = camera_move("roll clockwise", 16).w2c[-1][:, :3].T @ (1, 0, 0)
    assert right[1] > 0.5 and abs(right[2]) < 1e-12


@pytest.mark.parametrize("name", [name for name in MOVES if name.startswith("orbit")])
def test_an_orbit_keeps_a_point_ahead_in_the_middle(name):
    point = np.array((0, 0, AHEAD))
    for pose in camera_move(name, 16, 1.4).w2c:
        assert np.allclose(pose[:, :3] @ point + pose[:, 3], point)
        assert np.linalg.norm(place(pose) - point) == pytest.approx(AHEAD)


def test_every_move_begins_where_the_camera_stands():
    for name in MOVES:
        assert np.array_equal(camera_move(name, 3).w2c[0], np.eye(3, 4))


def test_speed_by_frame():
    assert np.array_equal(
        camera_move("pan left", 9, 2.0, [0.5] * 9).w2c, camera_move("pan left", 9, 1.0).w2c
    )
    factors = [0.0, 1.0, 2.0, 2.0, -1.0]
    along_x = camera_move("pan left", 5, 1.0, factors).w2c[:, 0, 3] / (1.5 / 16)
    assert np.allclose(along_x, [0, 0.5, 2.0, 4.0, 4.5])
    assert np.array_equal(camera_move("pan left", 5, 1.0, [0.0] * 5).w2c, [np.eye(3, 4)] * 5)
    with pytest.raises(AnimateDiffError, match="has 3 values for a camera path of 5 frames"):
        camera_move("pan left", 5, 1.0, [1.0] * 3)


def composed(first: np.ndarray, then: np.ndarray) -> np.ndarray:
    """[R' R | R' T + T'], number by number."""
    out = np.zeros((3, 4))
    for i in range(3):
        for j in range(4):
            out[i, j] = sum(then[i, k] * first[k, j] for k in range(3))
        out[i, 3] += then[i, 3]
    return out


def test_at_the_same_time_is_a_composition_frame_by_frame():
    one, two = camera_move("tilt left", 12), camera_move("zoom in", 12, 1.5)
    both = at_the_same_time(one, two)
    for pose, a, b in zip(both.w2c, one.w2c, two.w2c, strict=True):
        assert np.allclose(pose, composed(a, b))


def test_a_chain_at_the_same_time_is_the_incumbents_combination():
    """Its combination sums ways and angles: turns about x, y and z first, then ways."""
    names, path = ["tilt up", "tilt left", "roll clockwise", "pan up", "zoom out"], None
    for name in names:
        path = along(name, 16, 0.8, previous=path)
    t = sum(np.array(EVOLVED[name][0], dtype=float) for name in names)
    r = sum(np.array(EVOLVED[name][1], dtype=float) for name in names)
    for i, pose in enumerate(path.w2c):
        angles, way = i / 16 * 0.8 * math.pi / 3 * r, i / 16 * 0.8 * 1.5 * t
        assert np.allclose(pose, np.column_stack((rotation(angles), way)))


def test_the_shorter_of_two_is_held():
    path = along("zoom in", 4, previous=along("pan left", 8))
    assert len(path) == 8
    assert np.allclose(path.w2c[7, :, 3], (1.5 * 7 / 16, 0, -3 * 3 / 16))


@pytest.mark.parametrize("second", ["pan left", "zoom in", "tilt up", "orbit left", "still"])
def test_afterwards_goes_on_from_the_last_pose_without_a_jump_or_a_stop(second):
    first = along("tilt left", 10, 1.3)
    path = along(second, 6, previous=first, join=Join.AFTERWARDS)
    assert len(path) == 16
    assert np.array_equal(path.w2c[:10], first.w2c)
    move = camera_move(second, 7)
    for i in range(6):
        assert np.allclose(path.w2c[10 + i], composed(first.w2c[-1], move.w2c[i + 1]))
    # every step of the second move is as the first of them, seen from the camera
    steps = path.square[10:] @ np.linalg.inv(path.square[9:-1])
    assert np.allclose(steps, steps[0], atol=1e-12)
    assert np.allclose(steps[0, :3], move.w2c[1])


def test_afterwards_with_speeds_begins_with_the_first_of_them():
    first = along("still", 4)
    path = along("pan left", 3, 1.0, [2.0, 1.0, 1.0], previous=first, join=Join.AFTERWARDS)
    assert np.allclose(path.w2c[4:, 0, 3] / (1.5 / 16), [2.0, 3.5, 4.5])


def test_focal_lengths():
    first = along("pan left", 4, focal=(0.7, 0.9))
    assert np.allclose(along("zoom in", 4, previous=first).intrinsics, first.intrinsics)
    after = along("zoom in", 2, focal=(0.5, 0.6), previous=first, join=Join.AFTERWARDS)
    assert np.allclose(after.intrinsics[:, 0], [0.7] * 4 + [0.5] * 2)


def test_frames_behind_the_last_pose_hold_it():
    path = along("pan left", 4)
    held = path.at([2, 3, 4, 9])
    assert np.array_equal(held.w2c, path.w2c[[2, 3, 3, 3]])
    assert path.of_size(640, 0).width == 640 and path.of_size(640, 0).height == 720


ROW = (
    "158692025 0.474812461 0.844111024 0.500000000 0.500000000 0.000000000 0.000000000 "
    "0.780003667 0.059620168 -0.622928321 0.726968666 -0.062449891 0.997897983 0.017311305 "
    "0.217967188 0.622651041 0.025398925 0.782087326 -1.002211444"
)


@pytest.mark.parametrize("first", ["https://www.youtube.com/watch?v=x\n", "", "\n", "# mine\n", "x\n"])
@pytest.mark.parametrize("between", [" ", ",", ", ", "\t"])
def test_the_text_of_a_file(first, between):
    path = read_poses(first + "\n".join([ROW.replace(" ", between)] * 3) + "\n")
    assert len(path) == 3 and (path.width, path.height) == (1280, 720)
    assert np.allclose(path.intrinsics[1], (0.474812461, 0.844111024, 0.5, 0.5))
    assert np.allclose(path.w2c[2, 0], (0.780003667, 0.059620168, -0.622928321, 0.726968666))
    assert path.w2c[2, 2, 3] == -1.002211444


def test_the_size_that_the_incumbent_writes_into_the_text():
    with_size = ROW.replace("0.500000000 0.000000000 0.000000000", "0.500000000 640 480")
    path = read_poses(with_size)
    assert (path.width, path.height) == (640, 480)
    assert read_poses(f"{with_size}\n{ROW}").width == 1280  # not all lines name it


def test_text_and_back():
    path = along("orbit up", 20, 2.0, previous=along("pan left", 16), join=Join.AFTERWARDS)
    for each in (path, path.of_size(640, 480)):
        again = read_poses(write_poses(each))
        assert np.abs(again.w2c - each.w2c).max() < 1e-9
        assert np.abs(again.intrinsics - each.intrinsics).max() < 1e-9
        assert (again.width, again.height) == (each.width, each.height)
        assert write_poses(again) == write_poses(each)


WRONG = {
    "few numbers": (f"{ROW}\n{ROW[:-13]}", "line 2 of the camera poses has 18 numbers"),
    "one number": (f"url\n{ROW}\n\n5", "line 4 of the camera poses has 1 number"),
    "a word": (f"{ROW}\n{ROW.replace('0.780003667', 'abc')}", "line 2 .* 'abc'"),
    "a word that begins the first line": ("t" + ROW, "line 1 .* 't158692025'"),
    "nan": (f"u\n{ROW.replace('0.780003667', 'nan')}", "line 2 .* 'nan', which is no number"),
    "nothing": ("", "no camera poses"),
    "an address alone": ("https://x\n", "no camera poses"),
    "far too far": (f"{ROW[:-12]}1e300", "line 1 .* beyond 1e"),
    "no focal length": (ROW.replace("0.474812461", "0"), "line 1 .* focal lengths of 0 and 0.844"),
    "another order": (ROW.replace("0.780003667", "7"), "line 1 .* no rotation"),
    "a mirror": (ROW[: ROW.index("0.780003667")] + "1 0 0 0 0 1 0 0 0 0 -1 0", "no rotation"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_text_that_is_none(name):
    text, said = WRONG[name]
    with pytest.raises(AnimateDiffError, match=said) as caught:
        read_poses(text)
    assert "19 numbers" in caught.value.expected


@tries(300)
@given(
    st.lists(
        st.one_of(
            st.just(ROW),
            st.tuples(st.integers(0, 18), st.sampled_from(PIECES)).map(
                lambda it: " ".join([*ROW.split()[: it[0]], it[1], *ROW.split()[it[0] + 1 :]])
            ),
            st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join),
        ),
        max_size=4,
    )
)
def test_fuzz_poses(lines):
    path = only_our_error(lambda: read_poses("\n".join(lines)), AnimateDiffError)
    if path is not None:
        assert np.isfinite(path.w2c).all() and np.isfinite(path.intrinsics).all()
        assert np.isfinite(camera_rays(path, 8, 8).numpy()).all()
        assert len(read_poses(write_poses(path))) == len(path) >= 1


def test_a_move_that_is_none():
    with pytest.raises(AnimateDiffError, match="'dolly'"):
        camera_move("dolly", 4)


def test_a_path_is_of_its_own_numbers():
    first = along("pan left", 4)
    assert isinstance(first, CameraPath)
    afterwards(first, first)
    assert np.array_equal(first.w2c, along("pan left", 4).w2c)
