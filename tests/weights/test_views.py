"""Views: the motion module sees overlapping parts of a clip, the UNet all of it."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportGeneralTypeIssues=false

import comfy.sample
import pytest
import torch
from adn_testing import tiny
from adn_testing.probes import windowed
from adn_testing.temporal import (
    animated,
    attention_by_hand,
    block_by_hand,
    call_of,
    run_block,
    table_of,
)
from adn_testing.traces import model_trace
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.config import Site
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers.fuse import Fuse, shares
from animatediff_native.samplers.views import Views
from animatediff_native.samplers.windows import Schedule, WindowPlan

pytestmark = pytest.mark.usefixtures("inference")

TOLERANCE = 1e-4
SITE = Site("up", 1, 0)
PLAN = WindowPlan(4, 2, 1, Schedule.STATIC, "view")


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


def relative_error(a, b):
    return ((a - b).abs().max() / b.std()).item()


def pictures(call, size=3, seed=4):
    channels = call.network.config.channels[SITE]
    count = call.frames * len(call.parts) * len(call.conds)
    return torch.randn(
        count, channels, size, size + 1, generator=torch.Generator().manual_seed(seed)
    )


def seen_in_views(views, weights):
    """Both attentions of each view by hand, then their weighted mean, frame by frame."""

    def both(block, x):
        out = torch.zeros_like(x)
        total = torch.zeros(x.shape[1])
        for view, weight in zip(views, weights, strict=True):
            part = x[:, list(view)]
            for attention, norm in zip(block.attention_blocks, block.norms, strict=True):
                rows = table_of(attention)[: len(view)]
                part = part + attention_by_hand(attention, norm(part), rows)
            for place, frame in enumerate(view):
                out[:, frame] += part[:, place] * weight[place]
                total[frame] += weight[place]
        return out / total[:, None]

    return both


@pytest.mark.parametrize("fuse", Fuse)
@pytest.mark.parametrize("schedule", Schedule)
def test_as_a_slow_loop(plain, schedule, fuse):
    plan = WindowPlan(4, 1, 1, schedule, "view")
    call = call_of(plain, 9, conds=2, parts=2)
    x = pictures(call)
    views = plan.windows(9)
    weights = shares(fuse, views, 9, plan)
    expected = block_by_hand(call, SITE, x, seen_in_views(views, weights))
    ours = run_block(call, SITE, x, Views(plan, fuse).for_call(call))
    assert relative_error(ours, expected) <= TOLERANCE
    assert relative_error(run_block(call, SITE, x), expected) > 1e-2


def test_as_diffusers(plain):
    """Its FreeNoise, where the clip is a whole number of strides."""
    from diffusers.models.attention import FreeNoiseTransformerBlock

    call = call_of(plain, 8, conds=1)
    (block,) = call.network.at(SITE).transformer_blocks
    channels = call.network.config.channels[SITE]
    theirs = FreeNoiseTransformerBlock(
        channels, 8, channels // 8, attention_bias=False, double_self_attention=True,
        positional_embeddings="sinusoidal", num_positional_embeddings=32,
        context_length=4, context_stride=2,
    )  # fmt: skip
    theirs.load_state_dict(
        {
            "pos_embed.pe": table_of(block.attention_blocks[0])[None],
            "norm3.weight": block.ff_norm.weight,
            "norm3.bias": block.ff_norm.bias,
            **{f"ff.{key}": value for key, value in block.ff.state_dict().items()},
            **{
                f"norm{i + 1}.{key}": value
                for i, norm in enumerate(block.norms)
                for key, value in norm.state_dict().items()
            },
            **{
                f"attn{i + 1}.{key}": value
                for i, attention in enumerate(block.attention_blocks)
                for key, value in attention.state_dict().items()
                if "pos_encoder" not in key
            },
        }
    )
    assert torch.equal(*(table_of(attention) for attention in block.attention_blocks))
    x = torch.randn(12, 8, channels, generator=torch.Generator().manual_seed(6))
    from animatediff_native.motion.call import SiteCall
    from animatediff_native.motion.effects import CallEffects

    effects = CallEffects([Views(PLAN).for_call(call)])
    ours = block(x.clone(), SiteCall(call, SITE, 3, 4, effects))
    assert relative_error(ours, theirs(x)) <= TOLERANCE


def test_clips_of_one_view_have_the_bits_of_none(plain):
    for frames in (1, 4):
        latent = torch.zeros(frames, 4, 8, 8)
        assert torch.equal(
            tiny.sample(animated(plain, Views(PLAN)), latent=latent),
            tiny.sample(animated(plain), latent=latent),
        )


def test_longer_clips_than_the_table_are_seen_at_once(plain):
    before = model_trace(plain)
    calls = []
    model = animated(plain, Views(WindowPlan(16, 4)))
    model.set_model_unet_function_wrapper(
        lambda apply, args: (
            calls.append(len(args["input"])) or apply(args["input"], args["timestep"], **args["c"])
        )
    )
    assert tiny.sample(model, frames=36, steps=1).isfinite().all()
    assert calls == [72]
    assert model_trace(plain) == before


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_context_windows_have_views_of_their_own(plain, version):
    """A window is a clip by itself; one after the other in a call, or side by side."""
    alone = animated(plain, Views(PLAN), version=version)
    noise = tiny.noise(12)
    whole = predicted(windowed(alone, WindowPlan(6, 0, 1, Schedule.BATCHED)), noise)
    parts = torch.cat([predicted(alone, part) for part in noise.split(6)])
    assert relative_error(whole, parts) <= TOLERANCE


def predicted(model, noise):
    """After one step from this noise."""
    return comfy.sample.sample(
        model, noise, 1, 4.0, "euler", "normal", tiny.conditioning(1), tiny.conditioning(3),
        torch.zeros_like(noise), disable_pbar=True, seed=5,
    )  # fmt: skip


def test_views_move_with_the_steps(plain):
    plan = WindowPlan(4, 2, 1, Schedule.UNIFORM, "view")
    steps = []

    class Noted(Views):
        def for_call(self, call):
            steps.append(call.step)
            return super().for_call(call)

    moving = tiny.sample(animated(plain, Noted(plan)), frames=10, steps=3)
    assert steps == [0, 1, 2]
    assert relative_error(tiny.sample(animated(plain, Views(PLAN)), frames=10), moving) > 1e-3


def test_more_frames_than_positions_are_an_error_where_the_module_is_applied(plain):
    with pytest.raises(AnimateDiffError, match=r"of Views is 40.*positions for 32 frames"):
        animated(plain, Views(WindowPlan(40, 4, name="view")))
    with pytest.raises(AnimateDiffError, match="view_overlap is 8"):
        WindowPlan(8, 8, name="view")


def test_the_node(plain):
    from animatediff_native.nodes.views import Views as Node

    module = tiny.motion_module("v2")
    (given,) = Node.execute(module, 4, 2, "static", "pyramid").args
    assert module.effects == ()
    assert given.frames_at_once > 1000
    assert torch.equal(
        tiny.sample(apply_motion_module(plain, given)), tiny.sample(animated(plain, Views(PLAN)))
    )
