"""A model whose subjects follow paths: against the host with attention written out by hand, in
windows, several clips and areas, beside other owners of attention; and what it leaves alone."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import gc
import weakref
from functools import partial

import numpy as np
import pytest
import torch
from adn_testing import probes, tiny, tiny_sdxl
from adn_testing.control import control_lora
from adn_testing.guiders import sample_two
from adn_testing.traces import model_trace
from adn_testing.unet_call import relative_error
from animatediff_native.motion.apply import apply_frame_sharing, apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.step_range import StepRange
from animatediff_native.samplers.windows import WindowPlan
from animatediff_native.trajectories import follow_call
from animatediff_native.trajectories.follow_boxes import labels
from animatediff_native.trajectories.follow_call import attention_places
from animatediff_native.trajectories.follow_cross import Columns, edit_of
from animatediff_native.trajectories.follow_run import Follow
from animatediff_native.trajectories.follow_spatial import LITTLE
from animatediff_native.trajectories.follow_trajectory import follow_trajectory
from animatediff_native.trajectories.trajectory import Trajectory
from comfy.patcher_extension import WrappersMP

pytestmark = pytest.mark.usefixtures("inference")
FRAMES, STEPS, LENGTH = 4, 2, 7
COLUMNS = (Columns((1, 2), (0,)), Columns((5,), (0,)))
TOLERANCE = 1e-4  # of the deviation: rounding of sums in another order


def going(*path, frames=FRAMES, visible=True):
    begin, end = np.array(path[:2]), np.array(path[2:])
    points = begin + np.linspace(0, 1, frames)[:, None, None] * (end - begin)
    shown = np.full((frames, 1), visible)
    return Trajectory(points, shown, np.full((1, 2), 0.4), 64, 64)


PATH = going(0.2, 0.3, 0.8, 0.6)


def follow(model, path=PATH, temporal=0.0, **settings):
    settings = {"strength": 0.8, "outside": 0.01, "columns": COLUMNS, **settings}
    return follow_trajectory(model, Follow(path, length=LENGTH, **settings), temporal)


def sampled(model, frames=FRAMES, **options):
    return tiny.sample(model, frames=frames, steps=STEPS, **options)


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


@pytest.fixture(scope="module")
def moving(plain):
    return apply_motion_module(plain, tiny.motion_module())


@pytest.fixture(params=["batched", "apart"])
def cfg_calls(request, plain, monkeypatch):
    if request.param == "apart":
        monkeypatch.setattr(plain.model, "memory_required", lambda *_, **__: 1e18)


def heads_apart(tensor, heads):
    return tensor.unflatten(-1, (heads, -1)).transpose(1, 2)


def cross_by_hand(path, strength, outside, q, k, v, extra):
    """The whole of cross-attention with the edited probabilities, for every entry of the batch."""
    q, k, v = (heads_apart(each, extra["n_heads"]) for each in (q, k, v))
    found = torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, dim=-1)
    size = tuple(extra["activations_shape"][-2:])
    edit = edit_of(path, COLUMNS, size, strength, outside)
    chunks = found.chunk(len(extra["cond_or_uncond"]))
    for cond, chunk in zip(extra["cond_or_uncond"], chunks, strict=True):
        if cond != 0:
            continue
        for frame in range(len(path)):
            own = chunk[frame][..., [1, 2, 5]]
            new = own * (1 + edit.scale[frame][:, edit.kind])
            new = new + own.max() * edit.add[frame][:, edit.kind]
            chunk[frame][..., [1, 2, 5]] = new
    return (found @ v).transpose(1, 2).flatten(2)


def self_by_hand(path, q, k, v, extra):
    q, k, v = (heads_apart(each, extra["n_heads"]) for each in (q, k, v))
    logits = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    found = torch.from_numpy(labels(path, *extra["activations_shape"][-2:])).flatten(1)
    same = found[:, :, None] == found[:, None]
    factors = torch.where(same, 1.0, LITTLE).repeat(len(q) // len(path), 1, 1)
    done = torch.softmax(logits * factors[:, None], dim=-1) @ v
    return done.transpose(1, 2).flatten(2)


def replaced(model, kind, function):
    """A clone with the function in every block, the host's way."""
    model = model.clone()
    for name, number, _ in attention_places(model.model.diffusion_model):
        model.set_model_attn2_replace(function, name, number) if kind == "attn2" else (
            model.set_model_attn1_replace(function, name, number)
        )
    return model


def test_places_are_the_hosts(plain):
    found = attention_places(plain.model.diffusion_model)
    assert [(name, number) for name, number, _ in found] == [
        *(("input", number) for number in (1, 2, 4, 5, 7, 8)),
        ("middle", 0),
        *(("output", number) for number in range(3, 12)),
    ]
    of_sdxl = attention_places(tiny_sdxl.model().model.diffusion_model)
    assert ("input", 7, 1) in of_sdxl and ("middle", 0, 1) in of_sdxl


def test_cross_attention_in_every_block(plain, cfg_calls):
    by_hand = replaced(plain, "attn2", partial(cross_by_hand, PATH, 0.8, 0.01))
    expected = sampled(by_hand)
    assert relative_error(sampled(follow(plain)), expected) < TOLERANCE
    assert relative_error(sampled(plain), expected) > 0.01, "the edit does nothing"


def test_self_attention_in_every_block(plain, cfg_calls):
    expected = sampled(replaced(plain, "attn1", partial(self_by_hand, PATH)))
    got = sampled(follow(plain, strength=0, outside=1, spatial=1.0))
    assert relative_error(got, expected) < TOLERANCE
    assert relative_error(sampled(plain), expected) > 0.003, "the edit does nothing"


def test_sdxl():
    """Two transformers in a block."""
    model = tiny_sdxl.model()
    by_hand = replaced(model, "attn2", partial(cross_by_hand, PATH, 0.8, 0.01))
    expected = tiny_sdxl.sample(by_hand, FRAMES, steps=STEPS)
    got = tiny_sdxl.sample(follow(model), FRAMES, steps=STEPS)
    assert relative_error(got, expected) < TOLERANCE


def test_plain_bits_where_nothing_is_asked(moving):
    expected = sampled(moving)
    hidden = going(0.2, 0.3, 0.8, 0.6, visible=False)
    nothing = Trajectory(np.zeros((1, 0, 2)), np.zeros((1, 0), bool), np.zeros((0, 2)), 64, 64)
    for model in (
        follow(moving, strength=0, outside=1),
        follow(moving, hidden, temporal=1.0, spatial=1.0),
        follow(moving, nothing, columns=(), temporal=1.0, spatial=1.0),
        follow(moving, steps=StepRange(0.6, 0.7), temporal=1.0, spatial=1.0),
    ):
        assert torch.equal(sampled(model), expected)


def test_only_frames_with_a_box_change(plain):
    """Without motion a frame does not see others. In the last two frames the path is outside."""
    leaves = going(0.5, 0.5, 3.5, 0.5)
    got, expected = sampled(follow(plain, leaves, spatial=1.0)), sampled(plain)
    assert relative_error(got[2:], expected[2:]) < 1e-6
    assert relative_error(got[0], expected[0]) > 0.01


def test_the_temporal_edit_is_of_motion_modules(plain, moving):
    only = {"strength": 0, "outside": 1, "temporal": 1.0}
    assert torch.equal(sampled(follow(plain, **only)), sampled(plain))
    before = apply_motion_module(follow(plain, **only), tiny.motion_module())
    got = sampled(follow(moving, **only))
    assert torch.equal(sampled(before), got)
    assert relative_error(got, sampled(moving)) > 1e-3


@pytest.mark.parametrize("per_call", [1, 2])
def test_windows_go_by_the_clips_frames(plain, monkeypatch, per_call):
    """Without motion a frame does not know its window."""
    from animatediff_native.samplers import context_handler

    monkeypatch.setattr(context_handler, "windows_per_call", lambda *_: per_call)
    path = going(0.2, 0.3, 0.8, 0.6, frames=10)
    model = follow(plain, path, spatial=1.0)
    windows = probes.windowed(model, WindowPlan(4, 2))
    assert relative_error(sampled(windows, 10), sampled(model, 10)) < TOLERANCE


def test_two_windows_in_a_call_as_each_by_itself(moving, monkeypatch):
    from animatediff_native.samplers import context_handler

    path = going(0.2, 0.3, 0.8, 0.6, frames=8)
    model = probes.windowed(follow(moving, path, temporal=1.0, spatial=1.0), WindowPlan(4, 2))
    found = []
    for per_call in (1, 3):
        monkeypatch.setattr(context_handler, "windows_per_call", lambda *_, n=per_call: n)
        found.append(sampled(model, 8))
    assert relative_error(*found) < TOLERANCE


def test_several_clips_in_a_batch(plain):
    """Each clip follows the path."""
    still = partial(apply_motion_module, plain, tiny.motion_module(), strength=1e-9)
    got = sampled(follow(still(clips=2), spatial=1.0), 2 * FRAMES)
    noise = tiny.noise(2 * FRAMES)
    for clip in range(2):
        own = noise[clip * FRAMES : (clip + 1) * FRAMES]
        model = follow(still(), spatial=1.0)
        model.add_wrapper_with_key(
            WrappersMP.OUTER_SAMPLE, "noise",
            lambda executor, _, *args, own=own, **kwargs: executor(own, *args, **kwargs),
        )  # fmt: skip
        expected = sampled(model)
        assert relative_error(got[clip * FRAMES : (clip + 1) * FRAMES], expected) < TOLERANCE


def test_where_deep_levels_share_frames(moving):
    shared = apply_frame_sharing(moving, 1)
    got = sampled(follow(shared, temporal=1.0, spatial=1.0))
    assert relative_error(got, sampled(shared)) > 1e-3 and got.isfinite().all()


def test_with_motion_lora_and_control(moving):
    from adn_testing import lora_files
    from animatediff_native.lora.apply import with_motion_lora
    from animatediff_native.lora.chain import LoraUse
    from animatediff_native.lora.formats import read_motion_lora
    from animatediff_native.lora.load import MotionLora

    pairs = read_motion_lora(lora_files.official(lora_files.pairs()), "a.safetensors")
    lora = MotionLora("a.safetensors", pairs)
    module = with_motion_lora(tiny.motion_module(), (LoraUse(lora, 1.0),))
    control = control_lora(FRAMES)
    options = {
        "positive": tiny.conditioning(1, control=control, control_apply_to_uncond=True),
    }
    model = apply_motion_module(tiny.model_that_ran(), module)
    got = sampled(follow(model, temporal=0.5, spatial=0.5), **options)
    assert got.isfinite().all()
    assert relative_error(got, sampled(model, **options)) > 1e-3


def test_control_nets_are_not_touched(plain, monkeypatch):
    """They run with the host's options, before ours are made."""
    seen = []
    control = control_lora(FRAMES)
    get_control = type(control).get_control

    def note(self, x, t, cond, batch, options):
        seen.append(options.get("patches_replace"))
        return get_control(self, x, t, cond, batch, options)

    monkeypatch.setattr(type(control), "get_control", note)
    sampled(follow(plain), positive=tiny.conditioning(1, control=control))
    assert seen and not any(seen)


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("kind", ["attn2", "attn1"])
def test_beside_another_owner(plain, kind, behind):
    """What it gives, and on top what following changes: attention with the edit less that
    without."""

    def theirs(q, k, v, extra):
        return follow_call._attend(q, k, v, extra) + 0.3 * q

    def both(q, k, v, extra):
        edited = partial(cross_by_hand, PATH, 0.8, 0.01) if kind == "attn2" else (
            partial(self_by_hand, PATH)
        )  # fmt: skip
        return edited(q, k, v, extra) + 0.3 * q

    settings = {} if kind == "attn2" else {"strength": 0, "outside": 1, "spatial": 1.0}
    own = partial(replaced, kind=kind, function=theirs)
    model = own(follow(plain, **settings)) if behind else follow(own(plain), **settings)
    expected = sampled(replaced(plain, kind, both))
    assert relative_error(sampled(model), expected) < TOLERANCE
    assert relative_error(sampled(own(plain)), expected) > 1e-3


def test_two_on_one_model_add_up(plain):
    """Of different words; as one with both."""
    other = going(0.8, 0.2, 0.3, 0.8)
    first = follow(plain, columns=(Columns((1,), (0,)),))
    twice = follow(first, other, columns=(Columns((3,), (0,)),))
    got = sampled(twice)
    assert relative_error(got, sampled(first)) > 1e-3
    assert torch.equal(sampled(follow(first, other, columns=(), spatial=0.0)), sampled(first))


def test_areas_of_the_picture(plain):
    """An area that is the whole picture is one; a part is looked at where it is."""
    whole = sampled(follow(plain), size=16)
    conditioning = tiny.conditioning(1, area=(16, 16, 0, 0), strength=1.0)
    assert relative_error(
        sampled(follow(plain), size=16, positive=conditioning), whole
    ) < TOLERANCE  # fmt: skip
    seen = []
    model = follow(plain)

    def note(executor, *args, **kwargs):
        seen.append(args[5].get("patches_replace"))
        return executor(*args, **kwargs)

    model.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "probe", note)
    part = tiny.conditioning(1, area=(8, 16, 8, 0), strength=1.0)
    sampled(model, size=16, positive=[*tiny.conditioning(1), *part])
    views = {
        rows.view
        for replaced in seen if replaced
        for rows in next(iter(replaced["attn2"].values())).call.rows if rows.positive
    }  # fmt: skip
    assert {tuple(view) for view in views} == {(0, 0, 1, 1), (0, 0.5, 1, 0.5)}


def test_areas_by_percentage_and_in_windows(plain):
    part = tiny.conditioning(1, area=("percentage", 0.5, 1.0, 0.5, 0.0), strength=1.0)
    prompts = [*tiny.conditioning(1), *part]
    path = going(0.2, 0.3, 0.8, 0.6, frames=10)
    model = follow(plain, path)
    whole = sampled(model, 10, size=16, positive=prompts)
    windows = probes.windowed(model, WindowPlan(4, 2))
    assert relative_error(sampled(windows, 10, size=16, positive=prompts), whole) < TOLERANCE


def test_tiles_of_somebody_else_are_an_error(plain):
    model = follow(plain)

    def tiled(apply, args):
        x = args["input"]
        return apply(x[..., :4], args["timestep"], **args["c"]).repeat(1, 1, 1, 2)

    model.set_model_unet_function_wrapper(tiled)
    with pytest.raises(AnimateDiffError, match="given 4 x 8 of 8 x 8 latent pixels"):
        sampled(model)


def test_a_batch_that_somebody_splits_is_an_error(plain):
    model = follow(plain)

    def split(apply, args):
        x, t, c = args["input"], args["timestep"], args["c"]
        return torch.cat([
            apply(part, t[: len(part)], **{**c, "c_crossattn": context})
            for part, context in zip(x.chunk(2), c["c_crossattn"].chunk(2), strict=True)
        ])  # fmt: skip

    model.set_model_unet_function_wrapper(split)
    with pytest.raises(AnimateDiffError, match="given 4 frames at once for 2 prompts"):
        sampled(model)


def test_prompts_of_unequal_length(plain, cfg_calls):
    """The host repeats the shorter one where both are in a batch, and not where they are apart."""
    long = torch.randn(1, 2 * LENGTH, tiny.CONTEXT_DIM, generator=torch.Generator().manual_seed(9))
    expected = sampled(
        replaced(plain, "attn2", partial(_first_sections, PATH)), negative=[[long, {}]]
    )
    got = sampled(follow(plain), negative=[[long, {}]])
    assert relative_error(got, expected) < TOLERANCE


def _first_sections(path, q, k, v, extra):
    """Positive rows see their prompt once, however often the host has repeated it."""
    whole = follow_call._attend(q, k, v, extra)
    once = cross_by_hand(path, 0.8, 0.01, q, k[:, :LENGTH], v[:, :LENGTH], extra)
    chunks = zip(extra["cond_or_uncond"], whole.chunk(len(extra["cond_or_uncond"])),
                 once.chunk(len(extra["cond_or_uncond"])), strict=True)  # fmt: skip
    return torch.cat([new if cond == 0 else old for cond, old, new in chunks])


def test_another_prompt_than_was_said(plain):
    model = follow_trajectory(plain, Follow(PATH, COLUMNS, length=77))
    with pytest.raises(AnimateDiffError, match=r"has 7 tokens, and that .* 77"):
        sampled(model)


def test_a_short_path_is_held_with_a_word(plain, caplog):
    held = Trajectory(PATH.points[[0, 1, 1, 1]], PATH.visible, PATH.boxes, 64, 64)
    expected = sampled(follow(plain, held))
    assert "places" not in caplog.text
    got = sampled(follow(plain, PATH.at(range(2))))
    assert torch.equal(got, expected) and "2 places for a clip of 4 frames" in caplog.text


def test_no_points_are_said(plain, caplog):
    with caplog.at_level("INFO"):
        follow(plain, going(0.2, 0.3, 0.8, 0.6, visible=False))
    assert "no points" in caplog.text


def test_where_frames_are_merged_is_an_error(plain):
    model = plain.clone()
    model.set_model_attn2_patch(lambda n, k, v, _: (n[:3], k[:3], v[:3]))
    with pytest.raises(AnimateDiffError, match=r"given 3 of 8 frames"):
        sampled(follow(model))


def test_a_model_without_cross_attention(plain):
    with pytest.raises(AnimateDiffError, match="has no cross-attention"):
        follow(probes.trivial())


def test_two_models_of_one_checkpoint(plain):
    with pytest.raises(AnimateDiffError, match="only one of them follows"):
        sample_two(follow(plain), plain, FRAMES, STEPS)
    other = tiny.model(seed=3)
    alone = sample_two(plain, other, FRAMES, STEPS)
    assert relative_error(sample_two(follow(plain), other, FRAMES, STEPS), alone) > 1e-3


def test_nothing_is_left_behind(moving):
    """Also after an exception in the UNet."""
    before, expected = model_trace(moving), sampled(moving)
    model = follow(moving, temporal=1.0, spatial=1.0)
    own = model_trace(model)
    sampled(model)
    assert model_trace(model) == own
    failing = model.clone()

    def fail(*args):
        assert args[6]["patches_replace"]["attn2"]
        raise RuntimeError("no")

    failing.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "probe", fail)
    with pytest.raises(RuntimeError, match="no"):
        sampled(failing)
    assert model_trace(moving) == before and torch.equal(sampled(moving), expected)


def test_what_is_kept_goes_with_the_run(plain):
    runs = []
    model = follow(plain)

    def note(executor, *args, **kwargs):
        runs.append(weakref.ref(args[5][follow_call.KEY]))
        return executor(*args, **kwargs)

    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "probe", note)
    sampled(model)
    gc.collect()
    assert runs and all(run() is None for run in runs)


def test_half_precision():
    """Attention is edited in fp32, and rounded once."""
    model = tiny.model_cast(torch.float16)
    got = sampled(follow(model, spatial=1.0))
    assert got.isfinite().all() and relative_error(got, sampled(model)) > 0.01
