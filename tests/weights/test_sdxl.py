"""HotshotXL and AnimateDiff-SDXL beta on a tiny SDXL model.

Tolerance of the parity: as in test_parity.py.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalMemberAccess=false

from dataclasses import replace

import comfy.sample
import comfy.supported_models
import pytest
import torch
from adn_testing import lora_files, motion_files, tiny, tiny_sdxl
from adn_testing.unet_call import noise_of, relative_error
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.block_factors import read_block_factors
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.frame_strengths import FrameStrengths
from animatediff_native.motion.free_long import FreeLong
from animatediff_native.motion.motion_strength import Kind, StrengthField, strength_effects
from animatediff_native.motion.unet_placement import require_sd15
from animatediff_native.samplers.clip_run import set_automatic_windows, set_windows
from animatediff_native.samplers.context_handler import ContextWindows
from animatediff_native.samplers.windows import Schedule, WindowPlan
from animatediff_native.training.session import require_trainable
from comfy.patcher_extension import WrappersMP

TOLERANCE = 1e-4
VERSIONS = ("HotshotXL", "SDXL beta")
pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module")
def plain():
    return tiny_sdxl.model()


def reference_of(plain, version, frames, seed=3):
    kind = "v3" if version == "SDXL beta" else "v1"
    tensors = motion_files.original(kind, seed, widths=tiny_sdxl.WIDTHS)
    return tiny_sdxl.motion_unet(plain.model.diffusion_model, version, tensors, frames)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("frames", "conds"), [(8, 2), (16, 1)])
def test_equals_the_independent_implementation(plain, version, frames, conds):
    model = apply_motion_module(plain, tiny_sdxl.motion_module(version, seed=3))
    reference = reference_of(plain, version, frames)
    x = torch.cat([tiny.noise(frames, seed=i) for i in range(conds)])
    prompts = [tiny_sdxl.conditioning(i)[0] for i in range(conds)]
    context = torch.cat([prompt[0] for prompt in prompts])
    pooled = torch.cat([prompt[1]["pooled_output"] for prompt in prompts])
    y = torch.cat([tiny_sdxl.adm_of(plain, i) for i in range(conds)])
    for timestep in (999, 1):
        theirs = tiny_sdxl.predict(reference, x, timestep, context, pooled, frames)
        y_by_frame = y.repeat_interleave(frames, dim=0)
        mine = noise_of(model, x, timestep, context, conds, frames, y=y_by_frame)
        assert relative_error(mine, theirs) <= TOLERANCE


@pytest.mark.parametrize("version", VERSIONS)
def test_the_comparison_sees_which_norms_are_over_the_frames(plain, version):
    """The other version's norms are far outside the tolerance."""
    frames, other = 8, VERSIONS[version == VERSIONS[0]]
    model = apply_motion_module(plain, tiny_sdxl.motion_module(version, seed=3))
    reference = reference_of(plain, other, frames)
    prompt, settings = tiny_sdxl.conditioning(1)[0]
    x, y = tiny.noise(frames), tiny_sdxl.adm_of(plain, 1).expand(frames, -1)
    theirs = tiny_sdxl.predict(reference, x, 500, prompt, settings["pooled_output"], frames)
    mine = noise_of(model, x, 500, prompt, 1, frames, y=y)
    assert relative_error(mine, theirs) > 100 * TOLERANCE


@pytest.mark.parametrize("version", VERSIONS)
def test_zero_output_layers_and_strength_0_give_the_plain_bits(plain, version):
    still = tiny_sdxl.sample(plain)
    zero = tiny_sdxl.motion_module(version, zero_out=True)
    off = apply_motion_module(plain, tiny_sdxl.motion_module(version), strength=0)
    assert torch.equal(tiny_sdxl.sample(off), still)
    if version == "SDXL beta":  # HotshotXL's norms of the UNet differ, too
        assert torch.equal(tiny_sdxl.sample(apply_motion_module(plain, zero)), still)


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_is_left_after_a_run_or_an_exception(plain, version):
    before, keys = tiny_sdxl.sample(plain), list(plain.model.state_dict())
    tree = [name for name, _ in plain.model.named_modules()]
    animated = apply_motion_module(plain, tiny_sdxl.motion_module(version))
    moved = tiny_sdxl.sample(animated)
    assert relative_error(moved, before) > 0.01

    def broken(*_args):
        raise RuntimeError("in the middle")

    stopped = animated.clone()
    stopped.set_model_attn1_patch(broken)
    with pytest.raises(RuntimeError, match="in the middle"):
        tiny_sdxl.sample(stopped)
    assert [name for name, _ in plain.model.named_modules()] == tree
    assert list(plain.model.state_dict()) == keys
    assert torch.equal(tiny_sdxl.sample(plain), before)
    assert torch.equal(tiny_sdxl.sample(animated), moved)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_slots_are_behind_the_fifteen_layers(plain, version):
    """Before the upsampler in output_blocks 2 and 5, last everywhere else, none in the middle."""
    seen = []

    animated = apply_motion_module(plain, tiny_sdxl.motion_module(version))

    def look(executor, *args, **kwargs):
        unet = plain.model.diffusion_model
        for name in ("input_blocks", "output_blocks"):
            for index, block in enumerate(getattr(unet, name)):
                children = [child for child, _ in block.named_children()]
                places = [i for i, c in enumerate(children) if c.startswith("animatediff_")]
                seen.extend((name, index, len(children) - 1 - place) for place in places)
        assert not any("animatediff" in n for n, _ in unet.middle_block.named_children())
        return executor(*args, **kwargs)

    animated.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "test", look)
    tiny_sdxl.sample(animated, steps=1, cfg=1.0)
    down = [("input_blocks", i, 0) for i in (1, 2, 4, 5, 7, 8)]
    up = [("output_blocks", i, int(i in (2, 5))) for i in range(9)]
    assert seen == down + up


@pytest.mark.parametrize("version", VERSIONS)
def test_every_window_is_a_clip_by_itself(plain, version):
    """Also what SDXL has beside the text: pooled outputs and sizes."""
    animated = apply_motion_module(plain, tiny_sdxl.motion_module(version))
    windowed = animated.clone()
    set_windows(windowed, ContextWindows(WindowPlan(8, 0, 1, Schedule.BATCHED)))
    noise = tiny.noise(16)
    whole = predicted(windowed, noise)
    parts = torch.cat([predicted(animated, part) for part in noise.split(8)])
    assert relative_error(whole, parts) <= TOLERANCE
    one = animated.clone()
    set_windows(one, ContextWindows(WindowPlan(8, 0, 1, Schedule.STATIC)))
    assert torch.equal(predicted(one, noise[:8]), predicted(animated, noise[:8]))


def by_frame(frames):
    """A conditioning of a prompt per frame, as Prompt Schedule makes it."""
    prompts = [tiny_sdxl.conditioning(frame)[0] for frame in frames]
    pooled = torch.cat([settings["pooled_output"] for _, settings in prompts])
    return [[torch.cat([text for text, _ in prompts]), {"pooled_output": pooled}]]


def test_prompts_by_frame_in_windows(plain):
    """Texts and pooled outputs are those of the window's frames."""
    animated = apply_motion_module(plain, tiny_sdxl.motion_module("SDXL beta"))
    set_automatic_windows(animated, 32)
    windowed = animated.clone()
    set_windows(windowed, ContextWindows(WindowPlan(8, 0, 1, Schedule.BATCHED)))
    noise = tiny.noise(16)
    whole = predicted(windowed, noise, by_frame(range(16)))
    parts = [predicted(animated, noise[i : i + 8], by_frame(range(i, i + 8))) for i in (0, 8)]
    assert relative_error(whole, torch.cat(parts)) <= TOLERANCE
    same = predicted(animated, noise[8:], by_frame(range(8)))
    assert relative_error(parts[1], same) > 100 * TOLERANCE


def predicted(model, noise, positive=None):
    """After one step from this noise."""
    return comfy.sample.sample(
        model, noise, 1, 4.0, "euler", "normal", positive or tiny_sdxl.conditioning(1),
        tiny_sdxl.conditioning(3), torch.zeros_like(noise), disable_pbar=True, seed=5,
    )  # fmt: skip


def test_more_frames_than_hotshots_table(plain):
    animated = apply_motion_module(plain, tiny_sdxl.motion_module("HotshotXL"))
    with pytest.raises(AnimateDiffError, match=r"has 25 frames.*can see 24 at once"):
        tiny_sdxl.sample(animated, frames=25)


# models and modules that do not go together


def refiner():
    return tiny_sdxl.model(config_class=comfy.supported_models.SDXLRefiner)


def sd15():
    return tiny.model()


def sd2():
    return tiny.model(config_class=comfy.supported_models.SD20, model_channels=64)


@pytest.mark.parametrize(
    ("make", "kind", "fitting"),
    [(refiner, "SDXLRefiner", None), (sd15, "SD15", "v3_sd15_mm.ckpt"), (sd2, "SD20", None)],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_module_for_sdxl_on_another_kind(make, kind, fitting, version):
    with pytest.raises(AnimateDiffError, match=f"of the kind {kind}") as caught:
        apply_motion_module(make(), tiny_sdxl.motion_module(version))
    error = caught.value
    assert f"an SDXL base checkpoint for '{version}.file'" in error.expected
    assert "load an SDXL base checkpoint in Load Checkpoint" in error.remedy
    assert ("choose a motion module" in error.remedy) == (fitting is not None)
    assert fitting is None or fitting in error.remedy


def test_a_module_for_sd15_on_sdxl(plain):
    with pytest.raises(AnimateDiffError, match="of the kind SDXL") as caught:
        apply_motion_module(plain, tiny.motion_module("v3"))
    assert "an SD1.5 checkpoint for 'v3.safetensors'" in caught.value.expected
    assert "hsxl_temporal_layers.f16.safetensors" in caught.value.remedy
    apply_motion_module(plain, tiny_sdxl.motion_module("HotshotXL"))  # as the remedy says


def test_a_smaller_sdxl():
    """KOALA: one ResBlock per level."""
    koala = tiny_sdxl.model(
        config_class=comfy.supported_models.KOALA_700M,
        num_res_blocks=[1, 1, 1],
        transformer_depth=[0, 1, 1],
        transformer_depth_output=[0, 0, 1, 1, 1, 1],
    )
    with pytest.raises(AnimateDiffError, match="does not fit this model"):
        apply_motion_module(koala, tiny_sdxl.motion_module("HotshotXL"))


# what else takes part in a module's calls


def with_blocks(module, text):
    field = StrengthField(kind=Kind.OUTPUT, blocks=read_block_factors(text))
    for effect in strength_effects((field,)):
        module = module.with_effect(effect)
    return module


def test_strength_by_block(plain):
    module = tiny_sdxl.motion_module("SDXL beta")
    all_of_it = tiny_sdxl.sample(apply_motion_module(plain, module))
    less = apply_motion_module(plain, with_blocks(module, "up.2: 0, mid: 0"))
    assert relative_error(tiny_sdxl.sample(less), all_of_it) > 0.001
    none = apply_motion_module(plain, with_blocks(module, "up: 0, down: 0"))
    assert torch.equal(tiny_sdxl.sample(none), tiny_sdxl.sample(plain))


@pytest.mark.parametrize("text", ["down.3: 0.5", "up.3.2: 0"])
def test_a_block_that_sdxl_does_not_have(plain, text):
    animated = apply_motion_module(plain, with_blocks(tiny_sdxl.motion_module("HotshotXL"), text))
    name = text.split(":")[0]
    with pytest.raises(AnimateDiffError, match=f"names {name}, and 'HotshotXL.file' has no"):
        tiny_sdxl.sample(animated)


def lora_for(widths, levels):
    lora = lora_files.motion_lora(4, widths=widths, mid_block=False, levels=levels)
    return (LoraUse(lora, 1.0),)


def test_a_motion_lora_for_sdxl(plain):
    """Merged, it changes every one of the 15 blocks by what it adds to their weights."""
    module, lora = tiny_sdxl.motion_module("SDXL beta"), lora_for(tiny_sdxl.WIDTHS, 3)
    merged = with_motion_lora(module, lora)
    assert set(merged.patcher.patches) == set(lora[0].lora.pairs)
    moved = tiny_sdxl.sample(apply_motion_module(plain, merged))
    assert relative_error(moved, tiny_sdxl.sample(apply_motion_module(plain, module))) > 0.01
    by_frame = replace(lora[0], frames=FrameStrengths((1.0,) * 7 + (1.0001,)))
    nearly = with_motion_lora(module, (by_frame,))
    assert relative_error(tiny_sdxl.sample(apply_motion_module(plain, nearly)), moved) < 0.01


@pytest.mark.parametrize(
    ("module", "lora"),
    [
        (lambda: tiny_sdxl.motion_module("HotshotXL"), lambda: lora_for(motion_files.WIDTHS, 4)),
        (lambda: tiny.motion_module("v3"), lambda: lora_for(tiny_sdxl.WIDTHS, 3)),
    ],
    ids=["SD1.5's on SDXL", "SDXL's on SD1.5"],
)
def test_a_motion_lora_for_the_other_kind(module, lora):
    with pytest.raises(AnimateDiffError, match=r"does not fit .* the LoRA's") as caught:
        with_motion_lora(module(), lora())
    assert "made for a motion module of this structure" in caught.value.expected


def test_training_and_domain_adapter_say_so(plain):
    """Before anything starts."""
    animated = apply_motion_module(plain, tiny_sdxl.motion_module("HotshotXL"))
    for refuse in (require_trainable, require_sd15):
        with pytest.raises(AnimateDiffError, match="of the kind SDXL") as caught:
            refuse(animated)
        assert "load an SD1.5 checkpoint in Load Checkpoint" in caught.value.remedy


def test_free_long_knows_where_the_full_size_is(plain):
    """At the last of three levels there are the parts alone."""
    seen = []

    class Watched(FreeLong):
        def _stretched(self, frames, table):
            seen.append(self.site)
            return super()._stretched(frames, table)

        def attention(self, site, index, attention, x, rows):
            self.site = site.site
            return super().attention(site, index, attention, x, rows)

    module = tiny_sdxl.motion_module("SDXL beta").with_effect(Watched(4))
    tiny_sdxl.sample(apply_motion_module(plain, module), frames=8, steps=1, cfg=1.0)
    assert {(site.block, site.level) for site in seen} == {
        ("down", 1), ("down", 2), ("up", 0), ("up", 1)
    }  # fmt: skip
