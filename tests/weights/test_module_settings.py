"""Another position table, and other weights, in a motion module.

Tolerance: sums in another order over 21 blocks of fp32, as in test_parity.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import pytest
import torch.nn.functional as F
from adn_testing import motion_files, tiny
from animatediff_native.motion.adjusted_weights import Weights, with_adjusted_weights
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.detect import read_motion_module
from animatediff_native.motion.effects import NO_LIMIT
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.free_long import FreeLong
from animatediff_native.motion.load import MotionModule, build_patcher
from animatediff_native.motion.stretched_positions import stretched
from animatediff_native.samplers.clip_run import set_automatic_windows

pytestmark = pytest.mark.usefixtures("inference")

TOLERANCE = 1e-4
ENDS = {
    "positions": ("pos_encoder.pe",),
    "attention": ("to_q.weight", "to_k.weight", "to_v.weight", "to_out.0.weight", "to_out.0.bias"),
    "query": ("to_q.weight",),
    "out bias": ("to_out.0.bias",),
}


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


def from_tensors(change, version="v2"):
    """A motion module out of a changed file, which is what others do when they load it."""
    tensors = {key: change(key, t) for key, t in motion_files.original(version).items()}
    config, tensors = read_motion_module(tensors, "changed.safetensors")
    return MotionModule("changed.safetensors", config, build_patcher(config, tensors))


def relative_error(a, b):
    return ((a - b).abs().max() / b.std()).item()


def sampled(plain, module, **options):
    return tiny.sample(apply_motion_module(plain, module), **options)


def stretched_module(*settings):
    """Each: positions, rows, first row; in the order in which the nodes stand."""
    module = tiny.motion_module("v2")
    for positions, rows, first_row in settings:
        effect = stretched(module.table_length, positions, rows, first_row)
        module = module if effect is None else module.with_effect(effect)
    return module


def by_hand(*settings):
    """The same done to the file's tables, as AnimateDiff-Evolved does when it loads them."""

    def change(key, tensor):
        if not key.endswith("pos_encoder.pe"):
            return tensor
        for positions, rows, first in settings:
            chosen = tensor[:, first : first + (rows or tensor.shape[1] - first)]
            size = (positions, tensor.shape[2])
            tensor = F.interpolate(chosen[:, None], size=size, mode="bilinear")[:, 0]
        return tensor

    return from_tensors(change)


@pytest.mark.parametrize(
    "settings",
    [
        [(48, 0, 0)],  # full stretch
        [(40, 16, 0)],  # sweet spot
        [(24, 24, 8)],  # an offset
        [(16, 16, 0)],  # a cap
        [(48, 0, 0), (40, 40, 8), (32, 16, 0), (30, 30, 2)],  # all in the order of the incumbent
    ],
)
def test_positions_against_a_changed_table(plain, settings):
    module, other = stretched_module(*settings), by_hand(*settings)
    assert module.frames_at_once == module.table_length == other.config.position_length
    for frames in (8, module.frames_at_once):
        found = sampled(plain, module, frames=frames, steps=1)
        wanted = sampled(plain, other, frames=frames, steps=1)
        assert relative_error(found, wanted) <= TOLERANCE
    assert relative_error(sampled(plain, module), sampled(plain, tiny.motion_module("v2"))) > (
        1e-3 if settings != [(16, 16, 0)] else -1
    )


def test_the_whole_table_is_the_module_itself():
    assert stretched(32, 32, 0, 0) is None
    assert stretched(32, 32, 32, 0) is None
    assert stretched(32, 0, 0, 0) is None
    assert stretched(32, 0, 0, 0, 8) == stretched(32, 40, 0, 0)
    assert stretched(32, 0, 16, 4, 2) == stretched(32, 18, 16, 4)


def test_more_frames_than_positions_are_refused(plain):
    model = apply_motion_module(plain, stretched_module((40, 16, 0)))
    with pytest.raises(AnimateDiffError, match=r"41\s+frames, and '.*' can see 40 at once"):
        tiny.sample(model, frames=41, steps=1)


@pytest.mark.parametrize("first", ["stretched", "long"])
def test_beside_what_sees_any_number_of_frames(plain, first):
    """In either order: the long clip is seen at once, and its parts get the stretched rows."""
    effects = [FreeLong(8), stretched(32, 40, 16, 0)]
    module = tiny.motion_module("v2")
    for effect in reversed(effects) if first == "stretched" else effects:
        module = module.with_effect(effect)
    assert module.frames_at_once == NO_LIMIT and module.table_length == 40
    assert sampled(plain, module, frames=48, steps=1).isfinite().all()


def test_automatic_windows_know_how_many_frames_are_seen(plain):
    module = stretched_module((48, 0, 0))
    model = apply_motion_module(plain, module)
    set_automatic_windows(model, module.frames_at_once)
    handler = model.model_options["context_handler"]
    assert not handler.cuts(48) and handler.cuts(49)


@pytest.mark.parametrize(("rows", "first"), [(33, 0), (20, 20), (0, 32), (1, 32)])
def test_rows_that_there_are_not(rows, first):
    with pytest.raises(AnimateDiffError, match="the position table has 32 rows"):
        stretched(32, 32, rows, first)


@pytest.mark.parametrize("kind", [*ENDS, "all", "other"])
def test_weights_against_a_changed_file(plain, kind):
    add, multiply = 0.003, 1.05

    def chosen(key):
        if kind == "other":
            return not key.endswith((*ENDS["positions"], *ENDS["attention"]))
        return kind == "all" or key.endswith(ENDS[kind])

    other = from_tensors(lambda key, t: (t + add) * multiply if chosen(key) else t)
    module = with_adjusted_weights(tiny.motion_module("v2"), Weights(kind), add, multiply)
    found, wanted = sampled(plain, module), sampled(plain, other)
    assert relative_error(found, wanted) <= TOLERANCE
    assert relative_error(sampled(plain, tiny.motion_module("v2")), wanted) > TOLERANCE


def test_adjusted_twice_in_the_order_of_the_nodes(plain):
    module = with_adjusted_weights(tiny.motion_module("v2"), Weights.QUERY, 0.0, 2.0)
    module = with_adjusted_weights(module, Weights.QUERY, 0.01, 1.0)
    other = from_tensors(lambda key, t: t * 2 + 0.01 if key.endswith("to_q.weight") else t)
    assert relative_error(sampled(plain, module), sampled(plain, other)) <= TOLERANCE


def test_nothing_adjusted_is_the_module_itself():
    module = tiny.motion_module("v2")
    assert with_adjusted_weights(module, Weights.ALL, 0.0, 1.0) is module
