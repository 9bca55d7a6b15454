"""What following does to attention: each of the three edits against plain loops over numbers."""

# torch is typed loosely.
# pyright: reportArgumentType=false

import numpy as np
import pytest
import torch
from animatediff_native.motion.call import MotionCall, SiteCall
from animatediff_native.motion.call_frames import Part
from animatediff_native.motion.config import Site
from animatediff_native.motion.effects import CallEffects
from animatediff_native.motion.step_range import StepRange
from animatediff_native.trajectories import follow_cross
from animatediff_native.trajectories.follow_boxes import View, inside, labels, nearness
from animatediff_native.trajectories.follow_cross import change, columns_of, edit_of
from animatediff_native.trajectories.follow_spatial import LITTLE, edited, factor_of, kinds_of
from animatediff_native.trajectories.follow_temporal import CallInTime, FollowInTime
from animatediff_native.trajectories.trajectory import Trajectory

FRAMES, HEIGHT, WIDTH, HEADS, SIZE, TOKENS = 5, 4, 6, 2, 3, 7
PIXELS = HEIGHT * WIDTH


def going(*paths, box=0.4, visible=None, frames=FRAMES):
    """Paths from (x, y) to (x, y)."""
    time = np.linspace(0, 1, frames)[:, None, None]
    begin, end = (np.array([path[i : i + 2] for path in paths]) for i in (0, 2))
    shown = np.ones((frames, len(paths)), bool) if visible is None else np.array(visible)
    return Trajectory(begin + time * (end - begin), shown, np.full((len(paths), 2), box), 64, 64)


ONE = going((0.2, 0.3, 0.8, 0.6))
TWO = going((0.2, 0.3, 0.8, 0.6), (0.7, 0.2, 0.3, 0.7))
HIDDEN = going((0.2, 0.3, 0.8, 0.6), (0.7, 0.2, 0.3, 0.7),
               visible=[[True, i != 1] if i != 3 else [False, False] for i in range(FRAMES)])  # fmt: skip
OUT = going((0.2, 0.3, 1.8, 0.6))
SMALL = going((0.2, 0.3, 0.8, 0.6), box=0.05)
PATHS = {"one": ONE, "two": TWO, "hidden": HIDDEN, "out of the picture": OUT, "small": SMALL}


def randoms(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def qkv(rows=FRAMES, keys=TOKENS):
    channels = HEADS * SIZE
    return (
        2 * randoms(rows, PIXELS, channels, seed=1),
        2 * randoms(rows, keys, channels, seed=2),
        randoms(rows, keys, channels, seed=3),
    )


def probabilities(logits):
    grown = np.exp(logits - logits.max())
    return grown / grown.sum()


def box_at(path, frame, number, row, column):
    """How much of the cell is in the box (or of a smaller box in the cell), and the Gaussian."""
    if not path.visible[frame, number]:
        return 0.0, 0.0
    share, near = 1.0, 1.0
    for axis, cell, count in ((0, column, WIDTH), (1, row, HEIGHT)):
        middle, side = path.points[frame, number, axis], path.boxes[number, axis]
        begin, end = max(middle - side / 2, cell / count), min(middle + side / 2, (cell + 1) / count)
        share *= max(0.0, end - begin) / min(side, 1 / count)
        sigma = max(side, 1 / count) / 2
        near *= np.exp(-0.5 * (((cell + 0.5) / count - middle) / sigma) ** 2)
    return share, near


def cross_by_hand(q, k, v, path, subjects, tail, strength, outside):
    """The attended values with the edit less those without, number by number."""
    q, k, v = (each.double().numpy() for each in (q, k, v))
    out = np.zeros_like(q)
    follow = {t: [p for p, own in enumerate(subjects) if t in (*own, *tail)] for t in range(TOKENS)}
    tokens = [t for t in follow if follow[t]]
    for frame in range(FRAMES):
        plain = np.zeros((HEADS, PIXELS, TOKENS))
        for head in range(HEADS):
            part = slice(head * SIZE, (head + 1) * SIZE)
            for pixel in range(PIXELS):
                logits = k[frame, :, part] @ q[frame, pixel, part] / np.sqrt(SIZE)
                plain[head, pixel] = probabilities(logits)
        peak = plain[:, :, tokens].max()
        for head in range(HEADS):
            part = slice(head * SIZE, (head + 1) * SIZE)
            for pixel in range(PIXELS):
                row, column = divmod(pixel, WIDTH)
                for token in tokens:
                    boxes = [box_at(path, frame, p, row, column) for p in follow[token]]
                    shown = [
                        any(box_at(path, frame, p, r, c)[0] for r in range(HEIGHT)
                            for c in range(WIDTH)) for p in follow[token]
                    ]  # fmt: skip
                    if not any(shown):
                        continue
                    within = max(share for share, _ in boxes)
                    near = max(share * close for share, close in boxes)
                    old = plain[head, pixel, token]
                    new = old * within + old * outside * (1 - within) + strength * near * peak
                    out[frame, pixel, part] += (new - old) * v[frame, token, part]
    return torch.from_numpy(out).float()


def relative(got, expected):
    return (got - expected).abs().max().item() / expected.abs().max().item()


@pytest.mark.parametrize("path", PATHS)
def test_cross_attention(path):
    path = PATHS[path]
    subjects = [(1, 2), (4,)][: path.paths]
    for strength, outside, tail in ((0.7, 0.01, (5, 6)), (0.0, 0.5, ()), (1.0, 1.0, (5,))):
        edit = edit_of(path, columns_of(subjects, tail), (HEIGHT, WIDTH), strength, outside)
        got = change(*qkv(), HEADS, edit)
        expected = cross_by_hand(*qkv(), path, subjects, tail, strength, outside)
        assert relative(got, expected) < 1e-5


def test_a_subject_of_both_paths_is_in_either_box():
    edit = edit_of(TWO, columns_of([(2,), (2,)], ()), (HEIGHT, WIDTH), 1.0, 0.0)
    expected = cross_by_hand(*qkv(), TWO, [(2,), (2,)], (), 1.0, 0.0)
    assert relative(change(*qkv(), HEADS, edit), expected) < 1e-5


def test_some_frames_at_a_time(monkeypatch):
    edit = edit_of(TWO, columns_of([(1,), (2,)], (6,)), (HEIGHT, WIDTH), 1.0, 0.0)
    whole = change(*qkv(), HEADS, edit)
    monkeypatch.setattr(follow_cross, "AT_ONCE", 2 * HEADS * PIXELS * TOKENS)
    assert torch.allclose(change(*qkv(), HEADS, edit), whole, atol=1e-6)


def test_repeated_prompts_change_as_much():
    q, k, v = qkv()
    edit = edit_of(ONE, columns_of([(1, 2)], (6,)), (HEIGHT, WIDTH), 1.0, 0.01)
    twice = change(q, k.repeat(1, 2, 1), v.repeat(1, 2, 1), HEADS, edit.repeated(2, TOKENS))
    assert relative(twice, change(q, k, v, HEADS, edit)) < 1e-5


def test_a_part_of_the_picture():
    """Its cells are those of the whole."""
    view = View(1 / 3, 0.5, 0.5, 0.5)
    for of in (inside, nearness):
        whole, part = of(TWO, HEIGHT, WIDTH), of(TWO, 2, 3, view)
        assert np.allclose(part, whole[:, :, 2:, 2:5])
    assert np.array_equal(labels(TWO, 2, 3, view), labels(TWO, HEIGHT, WIDTH)[:, 2:, 2:5])


def test_a_path_goes_on_by_parts_of_a_cell():
    slow = going((0.50, 0.5, 0.52, 0.5), box=0.3, frames=9)
    middles = (inside(slow, 8, 8)[:, 0].sum(1) * (np.arange(8) + 0.5) / 8).sum(1)
    middles /= inside(slow, 8, 8)[:, 0].sum((1, 2))
    assert (np.diff(middles) > 0).all()


@pytest.mark.parametrize("path", PATHS)
def test_self_attention(path):
    path, factor = PATHS[path], factor_of(1.0)
    assert factor == pytest.approx(LITTLE)
    q, k, v = qkv(keys=PIXELS)
    found = labels(path, HEIGHT, WIDTH)
    kinds = [kinds_of(frame, factor, torch.device("cpu")) for frame in found]

    def attend(q, k, v):
        q, k, v = (each.unflatten(-1, (HEADS, -1)).transpose(1, 2) for each in (q, k, v))
        done = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        return done.transpose(1, 2).flatten(2)

    got = edited(q, k, v, kinds, attend)
    expected = np.zeros(q.shape)
    for frame in range(FRAMES):
        of = [
            [box_at_least_half(path, frame, p, *divmod(pixel, WIDTH)) for p in range(path.paths)]
            for pixel in range(PIXELS)
        ]
        for head in range(HEADS):
            part = slice(head * SIZE, (head + 1) * SIZE)
            for i in range(PIXELS):
                logits = (k[frame, :, part] @ q[frame, i, part]).double().numpy() / np.sqrt(SIZE)
                logits *= [1.0 if of[i] == of[j] else LITTLE for j in range(PIXELS)]
                expected[frame, i, part] = probabilities(logits) @ v[frame, :, part].double().numpy()
    assert relative(got, torch.from_numpy(expected).float()) < 1e-5


def box_at_least_half(path, frame, number, row, column):
    if not path.visible[frame, number]:
        return False
    for axis, cell, count in ((0, column, WIDTH), (1, row, HEIGHT)):
        middle, side = path.points[frame, number, axis], path.boxes[number, axis]
        begin, end = max(middle - side / 2, cell / count), min(middle + side / 2, (cell + 1) / count)
        if end - begin < 0.5 * min(side, 1 / count) - 1e-9:
            return False
    return True


def test_kinds_of_one():
    assert kinds_of(np.zeros((2, 2), np.int64), 0.5, torch.device("cpu")).one


def site(parts, first, behind_last, view=None):
    call = MotionCall(None, len(parts[0].frames), parts, 5, (1, 0), torch.ones(1), None)
    block = Site("up", 0, 0)
    return SiteCall(call, block, HEIGHT, WIDTH, CallEffects([]), first, behind_last, view)


@pytest.mark.parametrize("path", PATHS)
def test_along_the_frames(path):
    """Two windows in a call, of which a slice begins in one and ends in the other."""
    path = PATHS[path]
    parts = (Part(0, (0, 1, 2)), Part(0, (2, 3, 4)))
    at = site(parts, 10, PIXELS + 20)
    count = at.behind_last - at.first
    q, k, v = (2 * randoms(count, HEADS, 3, SIZE, seed=seed) for seed in (1, 2, 3))
    effect = CallInTime(FollowInTime(path, 1.0, StepRange()))
    plain = torch.nn.functional.scaled_dot_product_attention
    got = effect.attend(at, 0, plain, q, k, v)
    expected = np.zeros(q.shape)
    for sequence in range(count):
        clip, pixel = divmod(at.first + sequence, PIXELS)
        frames = parts[clip].frames
        of = [
            [box_at_least_half(path, f, p, *divmod(pixel, WIDTH)) for p in range(path.paths)]
            for f in frames
        ]
        for head in range(HEADS):
            for i in range(3):
                logits = (k[sequence, head] @ q[sequence, head, i]).double().numpy()
                logits = logits / np.sqrt(SIZE) * [1.0 if o == of[i] else LITTLE for o in of]
                values = v[sequence, head].double().numpy()
                expected[sequence, head, i] = probabilities(logits) @ values
    assert relative(got, torch.from_numpy(expected).float()) < 1e-5


def test_frames_in_view_and_places_that_stay():
    """Some of the frames of a part; and where a place is always in or always out, nothing is."""
    at = site((Part(0, (0, 1, 2, 3, 4)),), 0, PIXELS, view=(0, 2))
    q, k, v = (randoms(PIXELS, HEADS, 2, SIZE, seed=seed) for seed in (1, 2, 3))
    plain = torch.nn.functional.scaled_dot_product_attention
    effect = CallInTime(FollowInTime(ONE, 1.0, StepRange()))
    found = labels(ONE, HEIGHT, WIDTH).reshape(FRAMES, -1)
    stays = torch.from_numpy(found[0] == found[2])
    got = effect.attend(at, 0, plain, q, k, v)
    assert torch.equal(got[stays], plain(q, k, v)[stays])
    assert not torch.isclose(got[~stays], plain(q, k, v)[~stays]).all()
