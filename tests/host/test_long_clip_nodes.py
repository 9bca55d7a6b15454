"""Context Windows, FreeNoise and Prompt Schedule, as the host calls them."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import comfy.samplers
import comfy_extras.nodes_custom_sampler as custom
import pytest
import torch
from adn_testing import probes, tiny
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.context_windows import ContextWindows
from animatediff_native.nodes.free_noise import FreeNoise
from animatediff_native.nodes.motion_module import ApplyMotionModule
from animatediff_native.nodes.prompt_schedule import PromptSchedule
from animatediff_native.samplers.free_noise import NoiseOrder, noise_order
from animatediff_native.samplers.windows import Schedule, WindowPlan
from comfy.patcher_extension import WrappersMP

import nodes

pytestmark = pytest.mark.usefixtures("inference")


# Context Windows


def windowed(model, *settings):
    return ContextWindows.execute(model, *(settings or (16, 4, 1, "static", "pyramid")))[0]


def test_the_model_that_goes_in_stays():
    model = probes.trivial()
    out = windowed(model)
    assert "context_handler" in out.model_options
    assert "context_handler" not in model.model_options
    assert not model.wrappers


@pytest.mark.parametrize("settings", [(16, 16, 1), (4, 5, 1), (1, 0, 1), (16, 4, 0)])
def test_settings_that_cannot_work(settings):
    with pytest.raises(AnimateDiffError, match="context_"):
        windowed(probes.trivial(), *settings, "uniform", "flat")


def test_the_last_of_two_nodes_decides():
    twice = windowed(windowed(probes.trivial()), 8, 2, 1, "looped", "flat")
    assert twice.model_options["context_handler"].plan == WindowPlan(8, 2, 1, Schedule.LOOPED)
    assert len(twice.wrappers[WrappersMP.SAMPLER_SAMPLE]["animatediff_native_clip"]) == 1


@pytest.mark.parametrize("first", ["windows", "motion"])
def test_before_or_after_apply_motion_module(first, caplog):
    """The same clip, and longer than the module could see."""
    module, model = tiny.motion_module("v1"), tiny.model()

    def move(model):
        return ApplyMotionModule.execute(model, module, 1.0, "auto", 0.0, 1.0)[0]

    model = move(windowed(model)) if first == "windows" else windowed(move(model))
    assert not model.model_options["context_handler"].automatic
    assert torch.isfinite(tiny.sample(model, frames=26, steps=1, cfg=1.0)).all()


def test_a_plain_model_in_windows():
    assert torch.isfinite(tiny.sample(windowed(tiny.model()), frames=20, steps=1, cfg=1.0)).all()


# FreeNoise


def noise_of(run) -> torch.Tensor:
    """The noise that a sampler node hands to the host's sampling."""
    noted = []

    def note(executor, noise, *args, **kwargs):
        noted.append(noise.clone())
        return executor(noise, *args, **kwargs)

    model = probes.trivial()
    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, "probe", note)
    run(model)
    return noted[0]


def ksampler(latent):
    return lambda model: nodes.KSampler().sample(
        model, 7, 1, 1.0, "euler", "normal", tiny.conditioning(1), tiny.conditioning(3), latent
    )


def ksampler_advanced(latent):
    return lambda model: nodes.KSamplerAdvanced().sample(
        model, "enable", 7, 1, 1.0, "euler", "normal", tiny.conditioning(1), tiny.conditioning(3),
        latent, 0, 10000, "disable")  # fmt: skip


def sampler_custom_advanced(latent):
    def run(model):
        guider = comfy.samplers.CFGGuider(model)
        guider.set_conds(tiny.conditioning(1), tiny.conditioning(3))
        sigmas = comfy.samplers.calculate_sigmas(
            model.get_model_object("model_sampling"), "karras", 1
        )
        node = custom.SamplerCustomAdvanced
        execute = node.execute if hasattr(node, "execute") else node().sample  # V3, or V1 before
        sampler = comfy.samplers.sampler_object("euler")
        return execute(custom.Noise_RandomNoise(7), guider, sampler, sigmas, latent)

    return run


@pytest.mark.parametrize("sampler", [ksampler, ksampler_advanced, sampler_custom_advanced])
def test_samplers_draw_the_noise_in_this_order(sampler):
    latent = {"samples": torch.zeros(40, 4, 8, 8)}
    shuffled = FreeNoise.execute(latent, 16, 4, 3)[0]
    order = noise_order(WindowPlan(schedule=Schedule.LOOPED), 40, NoiseOrder.ANY, 3)
    assert shuffled["batch_index"] == order
    assert "batch_index" not in latent
    noise = noise_of(sampler(shuffled))
    for frame, number in enumerate(order):
        first = order.index(number)
        assert torch.equal(noise[frame], noise[first])
    assert len({tuple(frame.flatten().tolist()) for frame in noise}) == len(set(order))


def test_a_clip_of_one_window_is_left_alone():
    latent = {"samples": torch.zeros(16, 4, 8, 8)}
    assert FreeNoise.execute(latent, 16, 4, 3)[0] is latent


def test_noise_that_is_numbered_already():
    """A latent cut out of a batch keeps the numbers that it has."""
    latent = {"samples": torch.zeros(20, 4, 8, 8), "batch_index": list(range(5, 25))}
    plain = FreeNoise.execute({"samples": latent["samples"]}, 16, 4, 3, "static")[0]
    numbered = FreeNoise.execute(latent, 16, 4, 3, "static")[0]
    assert numbered["batch_index"] == [5 + i for i in plain["batch_index"]]


def test_free_noise_refuses_what_windows_refuse():
    with pytest.raises(AnimateDiffError, match="context_overlap is 16"):
        FreeNoise.execute({"samples": torch.zeros(40, 4, 8, 8)}, 16, 16, 3)


# Prompt Schedule


class FakeClip:
    """Encodes a prompt as its length, in a token count that follows the length too."""

    def __init__(self, pooled: bool = True):
        self.pooled = pooled

    def tokenize(self, text):
        return text

    def encode_from_tokens_scheduled(self, tokens):
        count = 2 if len(tokens) < 9 else 4
        value = torch.full((1, count, 16), float(len(tokens)))
        pooled = torch.full((1, 8), float(len(tokens))) if self.pooled else None
        return [[value, {"pooled_output": pooled}]]


def test_a_conditioning_with_an_entry_per_frame():
    out = PromptSchedule.execute(FakeClip(), '0: "a"\n4: "abcde"', 6, "", "", "linear")
    ((embedding, extra),) = out[0]
    assert embedding.shape == (6, 2, 16)
    assert embedding[:, 0, 0].tolist() == [1, 2, 3, 4, 5, 5]
    assert extra["pooled_output"][:, 0].tolist() == [1, 2, 3, 4, 5, 5]
    assert out[1].splitlines()[1] == "- 1 to 3: changing to the next"


def test_prefix_suffix_hold_and_no_pooled_output():
    out = PromptSchedule.execute(FakeClip(False), "0: a\n2: abc", 4, "xyz", "uvwxyz", "hold")
    ((embedding, extra),) = out[0]
    assert (
        embedding[:, 0, 0].tolist() == [len("xyz, a, uvwxyz")] * 2 + [len("xyz, abc, uvwxyz")] * 2
    )
    assert extra == {"pooled_output": None}


def test_a_checkpoint_without_a_text_encoder():
    with pytest.raises(AnimateDiffError, match="without a text encoder"):
        PromptSchedule.execute(None, "0: a", 4, "", "", "hold")


def test_a_schedule_of_another_length_than_the_clip():
    positive = PromptSchedule.execute(FakeClip(), "0: a\n4: b", 20, "", "", "linear")[0]
    with pytest.raises(AnimateDiffError, match=r"for 20 frames.* 30 frames"):
        tiny.sample(windowed(probes.trivial()), frames=30, positive=positive, steps=1)
    assert torch.isfinite(
        tiny.sample(windowed(probes.trivial()), frames=20, positive=positive, steps=1)
    ).all()
