"""MotionLoRAs whose strength follows the frame or the step: applied while the network runs.

Tolerance where two ways of adding are compared: the same products in another order, over up
to 21 blocks of fp32 and a few steps, as in test_parity; a strength on the wrong frame shows as
1e-2 and more.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import gc
import weakref

import pytest
import torch
from adn_testing import lora_files, tiny
from adn_testing.lora_files import motion_lora
from adn_testing.traces import ProcessTrace, model_trace
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse
from animatediff_native.lora.frame_path import FittedUse, FrameLoras
from animatediff_native.motion.application import applications
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.call import MotionCall, Part, SiteCall
from animatediff_native.motion.effects import CallEffects
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.frame_strengths import FrameStrengths, WrongLength
from animatediff_native.motion.run import MotionRun
from animatediff_native.motion.step_range import StepRange
from comfy.context_windows import ContextWindowABC
from comfy_api.torch_helpers import set_torch_compile_wrapper

pytestmark = pytest.mark.usefixtures("inference")

FRAMES = 8
TOLERANCE = 1e-4
ALL = lora_files.ATTENTION + lora_files.FEED_FORWARD
RAMP = tuple(i / (FRAMES - 1) for i in range(FRAMES))


def by_frame(*values, policy=WrongLength.ERROR):
    return FrameStrengths(tuple(values), policy)


def use(seed=0, strength=1.0, frames=None, steps=(0.0, 1.0), **options):
    return LoraUse(motion_lora(seed, **options), strength, frames, StepRange(*steps))


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


@pytest.fixture(scope="module")
def module():
    return tiny.motion_module("v2")


def animated(plain, module, *uses, **options):
    return apply_motion_module(plain, with_motion_lora(module, uses), **options)


def relative_error(a, b):
    return ((a - b).abs().max() / b.std()).item()


@pytest.mark.parametrize("names", [lora_files.ATTENTION, ALL], ids=["attention", "all"])
def test_equal_frames_are_the_merged_path(plain, module, names):
    merged = tiny.sample(animated(plain, module, use(1, 0.7, names=names), use(2, -0.4)))
    equal = by_frame(*[0.5] * FRAMES)
    live = [use(1, 1.4, equal, names=names), use(2, -0.8, equal)]
    assert all(each.constant is None for each in live)
    assert relative_error(tiny.sample(animated(plain, module, *live)), merged) <= TOLERANCE
    mixed = [use(1, 0.7, names=names), live[1]]
    assert relative_error(tiny.sample(animated(plain, module, *mixed)), merged) <= TOLERANCE


def test_the_comparison_can_fail(plain, module):
    merged = tiny.sample(animated(plain, module, use(1, 0.7)))
    one_off = by_frame(*[0.5] * (FRAMES - 1), 0.6)
    assert relative_error(tiny.sample(animated(plain, module, use(1, 1.4, one_off))), merged) > 1e-2


def test_all_zero_gives_the_bits_of_none(plain, module):
    without = tiny.sample(apply_motion_module(plain, module))
    off = animated(plain, module, use(1, 1.0, by_frame(*[0.0] * FRAMES)))
    assert torch.equal(tiny.sample(off), without)


class PerFrameLinear(torch.nn.Module):
    """y_f = (W + s_f D) x_f with all F weights written out: the oracle."""

    def __init__(self, linear, delta, strengths):
        super().__init__()
        self.weights = torch.stack([linear.weight + s * delta for s in strengths])
        self.bias = linear.bias

    def forward(self, x):
        out = torch.einsum("sfi,foi->sfo", x, self.weights)
        return out if self.bias is None else out + self.bias


def run(module):
    """A sampling run of a clip with this module; applied, though its model runs nothing."""
    (application,) = applications(apply_motion_module(tiny.model(), module))
    return MotionRun(application, FRAMES, (8, 8))


def call(network, *windows, sampling=None, sigma=0.0):
    parts = tuple(Part(0, tuple(window)) for window in windows)
    sigmas = torch.tensor([sigma])
    return MotionCall(network, len(windows[0]), parts, FRAMES, (0,), sigmas, sampling)


def oracle_and_ours(module, site, fitted, windows, x):
    """The block's output with weights per frame, window by window; and with our effect."""
    now = call(module.patcher.model, *windows)
    effect = fitted.for_run(run(module)).for_call(now)
    at = SiteCall(now, site, x.shape[-2], x.shape[-1], CallEffects([effect]))
    ours = now.network.at(site)(x, now.frames, 1.0, at)
    expected = []
    clips = x.split(len(windows[0]))
    for i, clip in enumerate(clips):
        window = windows[i % len(windows)]
        copied = tiny.motion_module("v2").patcher.model
        theirs = copied.at(site)
        for key, pair in fitted.uses[0].pairs.items():
            prefix = f"{site.key}.temporal_transformer."
            if key.startswith(prefix):
                name = key.removeprefix(prefix).removesuffix(".weight")
                parent, last = name.rsplit(".", 1)
                strengths = [fitted.uses[0].use.over(FRAMES)[frame] for frame in window]
                linear = PerFrameLinear(theirs.get_submodule(name), pair.up @ pair.down, strengths)
                setattr(theirs.get_submodule(parent), last, linear)
        expected.append(theirs(clip, len(window)))
    return torch.cat(expected), ours


@pytest.mark.parametrize(
    ("windows", "conds"),
    [
        ([range(FRAMES)], 2),
        ([[2, 3, 4, 5]], 2),
        ([[6, 7, 0, 1]], 1),
        ([[0, 1, 2, 3], [4, 5, 6, 7]], 2),
        ([[0, 1, 2, 3], [2, 3, 4, 5], [6, 7, 0, 1]], 2),
    ],
    ids=["whole", "window", "wrapped", "two windows", "three windows"],
)
def test_every_frame_has_its_own_weights(module, windows, conds):
    network = module.patcher.model
    one = use(3, 0.9, by_frame(*RAMP), names=ALL)
    fitted = FrameLoras([FittedUse(one, one.lora.pairs)])
    site = module.config.sites[3]
    frames = conds * sum(map(len, windows))
    # 12 x 12 pixels: the block takes them in several slices, which cross clips
    x = torch.randn(frames, module.config.channels[site], 12, 12)
    expected, ours = oracle_and_ours(module, site, fitted, windows, x)
    assert torch.allclose(ours, expected, rtol=1e-4, atol=1e-4)
    without = network.at(site)(x, len(windows[0]))
    assert not torch.allclose(ours, without, atol=1e-2)


def test_outside_of_its_steps_it_takes_no_part(module):
    class Sampling:
        percent_to_sigma = staticmethod(lambda percent: 1.0 - percent)

    one = use(3, 0.9, None, (0.0, 0.5))
    running = FrameLoras([FittedUse(one, one.lora.pairs)]).for_run(run(module))
    windows = [[0, 1], [2, 3]]
    inside = call(module.patcher.model, *windows, sampling=Sampling, sigma=0.9)
    assert running.for_call(inside) is not None
    behind = call(module.patcher.model, *windows, sampling=Sampling, sigma=0.4)
    assert running.for_call(behind) is None


def hooks_of(network):
    return [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in network.modules()]


# steps


def test_two_halves_of_the_steps_are_the_whole(plain, module):
    whole = tiny.sample(animated(plain, module, use(1, 0.7)), steps=6)
    halves = [use(1, 0.7, None, (0.0, 0.5)), use(1, 0.7, None, (0.5, 1.0))]
    assert (
        relative_error(tiny.sample(animated(plain, module, *halves), steps=6), whole) <= TOLERANCE
    )
    first_half = tiny.sample(animated(plain, module, halves[0]), steps=6)
    assert relative_error(first_half, whole) > 1e-2


def test_a_range_before_the_first_step_gives_the_bits_of_none(plain, module):
    without = tiny.sample(apply_motion_module(plain, module), denoise=0.3)
    early = animated(plain, module, use(1, 0.7, None, (0.0, 0.1)))
    assert torch.equal(tiny.sample(early, denoise=0.3), without)


# lengths


def test_a_list_of_the_wrong_length(plain, module):
    model = animated(plain, module, use(1, 1.0, by_frame(*RAMP[:5])))
    with pytest.raises(AnimateDiffError, match=r"5 values for a clip of 8 frames"):
        tiny.sample(model)


def test_a_list_that_is_resampled(plain, module):
    exact = tiny.sample(animated(plain, module, use(1, 1.0, by_frame(*RAMP))))
    ends = by_frame(0.0, 1.0, policy=WrongLength.RESAMPLE)
    stretched = tiny.sample(animated(plain, module, use(1, 1.0, ends)))
    assert relative_error(stretched, exact) <= TOLERANCE


class Window(ContextWindowABC):
    def __init__(self, index_list):
        self.index_list = index_list

    def get_tensor(self, full):
        return full

    def add_window(self, full, to_add):
        return full


def test_a_window_of_another_clip(plain, module):
    model = animated(plain, module, use(1, 1.0, by_frame(*RAMP)))
    model.model_options["transformer_options"]["context_window"] = Window(list(range(4, 12)))
    with pytest.raises(AnimateDiffError, match="names frame 11 of a clip of 8 frames"):
        tiny.sample(model, steps=1)


# invariants


def test_nothing_is_left(plain, module):
    network = module.patcher.model
    before, process, hooks = model_trace(plain), ProcessTrace(), hooks_of(network)
    weights = {k: v.clone().cpu() for k, v in network.state_dict().items()}
    tiny.sample(animated(plain, module, use(1, 1.0, by_frame(*RAMP))))
    assert model_trace(plain) == before
    process.assert_unchanged()
    assert hooks_of(network) == hooks
    assert all(torch.equal(v.cpu(), weights[k]) for k, v in network.state_dict().items())


def test_nothing_is_left_after_an_exception(plain, module):
    network = module.patcher.model
    model = animated(plain, module, use(1, 1.0, by_frame(*RAMP)))
    expected, before, hooks = tiny.sample(model), model_trace(plain), hooks_of(network)

    def fail(*_):
        raise RuntimeError("broken on purpose")

    handle = network.at(module.config.sites[-1]).proj_in.register_forward_hook(fail)
    with pytest.raises(RuntimeError, match="on purpose"):
        tiny.sample(model)
    handle.remove()
    assert hooks_of(network) == hooks
    assert model_trace(plain) == before
    assert torch.equal(tiny.sample(model), expected)


def test_the_tensors_go_with_the_run(plain, module, monkeypatch):
    """What a run brought to the device is dropped with it; settings stay."""
    model = animated(plain, module, use(1, 1.0, by_frame(*RAMP)))
    made, factors = [], FrameLoras.factors

    def noted(loras, key, like):
        found = factors(loras, key, like)
        made.append(weakref.ref(found.down))
        return found

    monkeypatch.setattr(FrameLoras, "factors", noted)
    tiny.sample(model, steps=3)
    gc.collect()
    keys = applications(model)[0].effects[0].keys
    assert len(made) == len(keys)  # once a run, not once a call
    assert not any(tensor() is not None for tensor in made)


def test_two_uses_of_one_module_on_one_model(plain, module):
    """Each of the two has its own hooks, though both run in the same call."""
    a, b = use(1, 1.0, by_frame(*RAMP)), use(2, -0.6, by_frame(*reversed(RAMP)))
    apart = [tiny.motion_module("v2") for _ in range(2)]
    expected = animated(animated(plain, apart[0], a, strength=0.5), apart[1], b, strength=0.5)
    expected = tiny.sample(expected)
    both = animated(animated(plain, module, a, strength=0.5), module, b, strength=0.5)
    assert torch.equal(tiny.sample(both), expected)


def test_torch_compile_with_a_range(plain, module):
    """Hooks that come and go between calls; the eager backend runs the same kernels."""
    uses = [use(1, 0.7, None, (0.0, 0.5)), use(2, 1.0, by_frame(*RAMP), (0.4, 1.0))]
    model = animated(plain, module, *uses)
    expected = tiny.sample(model, steps=6)
    compiled = model.clone()
    set_torch_compile_wrapper(compiled, backend="eager")
    assert relative_error(tiny.sample(compiled, steps=6), expected) <= TOLERANCE
