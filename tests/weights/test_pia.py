"""PIA: a picture in the UNet's first layer.

The oracle is a UNet whose first layer has 9 channels, the first four the user's, given the
concatenation as the host gives it to inpainting checkpoints. The same sums come in another order:
1e-4 of the deviation, as in test_parity.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalSubscript=false

import gc
import logging
import weakref
from dataclasses import replace
from functools import partial

import comfy.latent_formats
import pytest
import torch
from adn_testing import image_files, tiny, tiny_vae
from adn_testing.guiders import sample_two
from adn_testing.probes import windowed
from adn_testing.traces import ProcessTrace, model_trace
from animatediff_native.conditions.pia import PiaConv, PiaImage
from animatediff_native.conditions.pia_masks import PiaMotion, pia_mask
from animatediff_native.conditions.picture import Picture
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.config import Version
from animatediff_native.motion.effects import Effect
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.frame_strengths import FrameStrengths, given_strengths
from animatediff_native.motion.managed import managed
from animatediff_native.samplers.windows import Schedule, WindowPlan

pytestmark = pytest.mark.usefixtures("inference")

FRAMES, FILE = 8, "pia.ckpt"
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


@pytest.fixture(scope="module")
def vae():
    return tiny_vae.vae()


@pytest.fixture(scope="module")
def tensors():
    return image_files.pia()


@pytest.fixture
def module(tensors):
    return image_files.module_of(dict(tensors), FILE)


def with_picture(module, vae, pixels=None, **settings):
    pixels = image_files.picture() if pixels is None else pixels
    picture = Picture(pixels, vae, "PIA Image")
    return module.with_effect(PiaImage(module.beside, picture, **settings))


def without_picture(module):
    """The same blocks and norms, as a motion module that wants no picture."""
    return replace(module, config=replace(module.config, version=Version.V1), beside={})


def latent_of(vae, pixels=None):
    """[1, 4, h, w] as the UNet takes it."""
    pixels = image_files.picture() if pixels is None else pixels
    return comfy.latent_formats.SD15().process_in(vae.encode(pixels)).cpu()


def with_nine_channels(plain, tensors):
    """The authors' first layer: the user's weights for the latent, PIA's for the rest."""
    nine = tiny.model(in_channels=9)
    state = dict(plain.model.diffusion_model.state_dict())
    first = state["input_blocks.0.0.weight"]
    added = tensors["conv_in.weight"][:, 4:].to(first)
    state["input_blocks.0.0.weight"] = torch.cat((first, added), dim=1)
    nine.model.diffusion_model.load_state_dict(state)
    return nine


class NineChannels:
    """A UNet function wrapper that concatenates mask and picture, by the frames of the call."""

    def __init__(self, mask, picture):
        self.mask, self.picture = torch.tensor(mask), picture

    def __call__(self, apply_model, args):
        x, c = args["input"], args["c"]
        window = c["transformer_options"].get("context_window")
        frames = list(window.index_list) if window is not None else list(range(len(self.mask)))
        mask = self.mask[frames].to(x)[:, None, None, None].expand(-1, 1, *x.shape[-2:])
        picture = self.picture.to(x).expand(len(frames), -1, -1, -1)
        both = torch.cat((mask, picture), dim=1)
        c = {**c, "c_concat": both.repeat(x.shape[0] // len(frames), 1, 1, 1)}
        return apply_model(x, args["timestep"], **c)


def relative_error(a, b):
    return ((a - b).abs().max() / b.std()).item()


def expected(plain, tensors, module, mask, picture, plan=None, **options):
    model = apply_motion_module(with_nine_channels(plain, tensors), without_picture(module))
    model.model.concat_keys = ()  # the wrapper brings what is concatenated
    model.set_model_unet_function_wrapper(NineChannels(mask, picture))
    return tiny.sample(windowed(model, plan) if plan else model, **options)


def test_the_first_layer_is_that_of_nine_channels(tensors):
    """In fp64, where 1e-12 of the deviation is rounding."""
    generator = torch.Generator().manual_seed(4)
    latents, picture = torch.randn(2, FRAMES, 4, 9, 7, generator=generator).double()
    mask = torch.rand(FRAMES, 1, 1, 1, generator=generator).double().expand(-1, 1, 9, 7)
    weight, bias = tensors["conv_in.weight"].double(), tensors["conv_in.bias"].double()
    wanted = torch.nn.functional.conv2d(
        torch.cat((latents, mask, picture), dim=1), weight, bias, padding=1
    )
    own = {"conv.weight": weight[:, 4:].float()}
    conv = managed(partial(PiaConv, weight.shape[0]), own).model
    users = torch.nn.functional.conv2d(latents, weight[:, :4], bias, padding=1)
    assert relative_error(users + conv(mask, picture), wanted) <= 1e-12


@pytest.mark.parametrize("motion", [PiaMotion.SMALL, PiaMotion.LOOP_LARGE])
@pytest.mark.parametrize("image_frame", [0, 3, -1])
def test_a_sampling_is_that_of_nine_channels(plain, tensors, module, vae, motion, image_frame):
    animated = apply_motion_module(
        plain, with_picture(module, vae, motion=motion, image_frame=image_frame)
    )
    mask = pia_mask(motion, FRAMES, image_frame % FRAMES)
    wanted = expected(plain, tensors, module, mask, latent_of(vae))
    assert relative_error(tiny.sample(animated), wanted) <= TOLERANCE
    other = expected(plain, tensors, module, mask[1:] + mask[:1], latent_of(vae))
    assert relative_error(tiny.sample(animated), other) > 10 * TOLERANCE


def test_cond_and_uncond_one_by_one(plain, tensors, module, vae, monkeypatch):
    """A machine that is short of memory asks for the two conditionings one after the other."""
    animated = apply_motion_module(plain, with_picture(module, vae))
    together = tiny.sample(animated)
    monkeypatch.setattr(plain.model, "memory_required", lambda *_args, **_kwargs: 1e30)
    assert relative_error(tiny.sample(animated), together) <= TOLERANCE


def test_windows_have_the_clips_frames(plain, tensors, module, vae):
    plan = WindowPlan(4, 2, 1, Schedule.STATIC)
    strong = FrameStrengths(tuple(0.1 * i for i in range(FRAMES)))
    animated = apply_motion_module(plain, with_picture(module, vae, values=strong))
    wanted = expected(plain, tensors, module, strong.over(FRAMES), latent_of(vae), plan)
    assert relative_error(tiny.sample(windowed(animated, plan)), wanted) <= TOLERANCE


def test_one_window_gives_the_bits_of_none(plain, module, vae):
    animated = apply_motion_module(plain, with_picture(module, vae))
    plan = WindowPlan(FRAMES, 0, 1, Schedule.STATIC)
    assert torch.equal(tiny.sample(windowed(animated, plan)), tiny.sample(animated))


def test_several_clips_each_with_its_picture(plain, module, vae):
    """Two clips of a batch are what each is alone, on the same noise; the host's noise of the
    second clip differs, so each is compared by a sampling of the first frames and of all."""
    pictures = image_files.picture(count=2)
    noise = tiny.noise(FRAMES)
    latent = torch.zeros(2 * FRAMES, 4, 8, 8)

    def sampled(model, noise, latent):
        return tiny.comfy.sample.sample(
            model, noise, 2, 4.0, "euler", "normal", tiny.conditioning(1), tiny.conditioning(3),
            latent, seed=5, disable_pbar=True,
        )  # fmt: skip

    both = apply_motion_module(plain, with_picture(module, vae, pictures), clips=2)
    found = sampled(both, torch.cat((noise, noise)), latent)
    for clip in range(2):
        alone = apply_motion_module(plain, with_picture(module, vae, pictures[clip : clip + 1]))
        wanted = sampled(alone, noise, latent[:FRAMES])
        part = found[clip * FRAMES : (clip + 1) * FRAMES]
        assert relative_error(part, wanted) <= TOLERANCE
    assert relative_error(found[:FRAMES], found[FRAMES:]) > 0.01


def test_strength_0_gives_the_plain_bits(plain, module, vae):
    still = apply_motion_module(plain, with_picture(module, vae), strength=0.0)
    assert torch.equal(tiny.sample(still), tiny.sample(plain))


def test_outside_of_its_steps_it_takes_no_part(plain, module, vae):
    """A range that holds no step; and half of them is not all of them."""
    picture = with_picture(module, vae)
    none = apply_motion_module(plain, picture, start_percent=0.4, end_percent=0.5)
    assert torch.equal(tiny.sample(none, steps=2), tiny.sample(plain, steps=2))
    half = tiny.sample(apply_motion_module(plain, picture, end_percent=0.5), steps=2)
    every = tiny.sample(apply_motion_module(plain, picture), steps=2)
    assert relative_error(half, every) > TOLERANCE


def lora_of_first_layer(plain):
    weight = plain.model.diffusion_model.input_blocks[0][0].weight
    generator = torch.Generator().manual_seed(6)
    return {
        "diffusion_model.input_blocks.0.0.weight": (
            "diff", (torch.randn(weight.shape, generator=generator) * 0.1,)
        )
    }  # fmt: skip


def test_a_lora_on_the_first_layer_is_kept(plain, tensors, module, vae):
    changed = plain.clone()
    patches = lora_of_first_layer(plain)
    assert changed.add_patches(patches)
    animated = apply_motion_module(changed, with_picture(module, vae))
    merged = tiny.model_that_ran()
    weight = merged.model.diffusion_model.input_blocks[0][0].weight
    weight.add_(next(iter(patches.values()))[1][0].to(weight))
    mask = pia_mask(PiaMotion.SMALL, FRAMES)
    wanted = expected(merged, tensors, module, mask, latent_of(vae))
    found = tiny.sample(animated)
    assert relative_error(found, wanted) <= TOLERANCE
    without = tiny.sample(apply_motion_module(plain, with_picture(module, vae)))
    assert relative_error(without, wanted) > 100 * TOLERANCE


@pytest.mark.parametrize("size", [(64, 64), (40, 120), (100, 50), (16, 16)])
def test_a_picture_of_any_size_is_resized_as_pixels(plain, tensors, module, vae, size):
    """Cropped around its middle, so that a square is what a wide picture's middle is."""
    import comfy.utils

    pixels = image_files.picture(*size)
    animated = apply_motion_module(plain, with_picture(module, vae, pixels))
    resized = pixels
    if size != (64, 64):
        moved = pixels.movedim(-1, 1)
        resized = comfy.utils.common_upscale(moved, 64, 64, "lanczos", "center").movedim(1, -1)
    mask = pia_mask(PiaMotion.SMALL, FRAMES)
    wanted = expected(plain, tensors, module, mask, latent_of(vae, resized), steps=1)
    assert relative_error(tiny.sample(animated, steps=1), wanted) <= TOLERANCE


def test_the_picture_is_encoded_once_a_run(plain, module, vae, monkeypatch):
    encoded = []
    encode = vae.encode
    monkeypatch.setattr(vae, "encode", lambda pixels: encoded.append(pixels) or encode(pixels))
    animated = apply_motion_module(plain, with_picture(module, vae))
    plan = WindowPlan(4, 2, 1, Schedule.STATIC)
    tiny.sample(windowed(animated, plan), steps=3)
    assert len(encoded) == 1
    tiny.sample(animated, size=16, steps=1)  # a second pass over larger latents
    assert [tuple(pixels.shape[1:3]) for pixels in encoded] == [(64, 64), (128, 128)]


class Broken(Effect):
    def before(self, site, x):
        raise RuntimeError("broken on purpose")


@pytest.mark.parametrize("broken", [False, True])
def test_nothing_is_left(plain, module, vae, broken):
    process, before = ProcessTrace(), model_trace(plain)
    wanted = tiny.sample(plain)
    with_one = with_picture(module, vae)
    if broken:
        with pytest.raises(RuntimeError, match="on purpose"):
            tiny.sample(apply_motion_module(plain, with_one.with_effect(Broken())))
    else:
        tiny.sample(apply_motion_module(plain, with_one))
    gc.collect()
    assert model_trace(plain) == before
    assert torch.equal(tiny.sample(plain), wanted)
    process.assert_unchanged()


def test_what_a_run_made_goes_with_it(plain, module, vae, monkeypatch):
    made = []
    forward = PiaConv.forward

    def noted(self, mask, picture):
        result = forward(self, mask, picture)
        made.append(weakref.ref(result))
        return result

    monkeypatch.setattr(PiaConv, "forward", noted)
    tiny.sample(apply_motion_module(plain, with_picture(module, vae)))
    assert len(made) == 2
    assert [reference() for reference in made] == [None, None]


def test_clones_and_garbage(plain, module, vae):
    animated = apply_motion_module(plain, with_picture(module, vae))
    wanted = tiny.sample(animated)
    clone = animated.clone()
    del animated
    gc.collect()
    assert torch.equal(tiny.sample(clone), wanted)
    second = apply_motion_module(plain, with_picture(module, vae, image_files.picture(seed=10)))
    assert not torch.equal(tiny.sample(second), wanted)
    assert torch.equal(tiny.sample(clone), wanted)


def test_two_models_in_one_run(plain, module, vae):
    """The second model's picture is encoded while the run is under way: both do as they would
    with the other one beside them in memory."""
    other = tiny.model(seed=1)
    pictures = image_files.picture(), image_files.picture(seed=10)
    with_pictures = [with_picture(module, vae, each) for each in pictures]
    models = [apply_motion_module(m, p) for m, p in zip((plain, other), with_pictures, strict=True)]
    found = sample_two(*models)
    assert torch.equal(sample_two(*models), found)
    swapped = sample_two(models[0], apply_motion_module(other, with_pictures[0]))
    assert relative_error(swapped, found) > TOLERANCE


# what users are told


def error_of(act) -> str:
    with pytest.raises(AnimateDiffError) as caught:
        act()
    return str(caught.value)


def test_without_a_picture_the_node_is_named(plain, module):
    said = error_of(lambda: apply_motion_module(plain, module))
    assert FILE in said and "put PIA Image between" in said


def test_an_inpainting_checkpoint_is_refused(module, vae):
    nine = tiny.model(in_channels=9)
    said = error_of(lambda: apply_motion_module(nine, with_picture(module, vae)))
    assert "inpainting checkpoint" in said and "Clip Condition" in said


def test_a_frame_beyond_the_clip(plain, module, vae):
    for frame in (FRAMES, -FRAMES - 1):
        animated = apply_motion_module(plain, with_picture(module, vae, image_frame=frame))
        said = error_of(lambda: tiny.sample(animated))  # noqa: B023
        assert f"image_frame of PIA Image is {frame}, and the clip has 8 frames" in said


def test_a_list_of_another_length(plain, module, vae):
    values = given_strengths([0.5] * 3, node="PIA Image")
    animated = apply_motion_module(plain, with_picture(module, vae, values=values))
    assert "3 values for a clip of 8 frames" in error_of(lambda: tiny.sample(animated))


def test_several_pictures_of_one_clip(plain, module, vae):
    animated = apply_motion_module(plain, with_picture(module, vae, image_files.picture(count=3)))
    assert "has 3 pictures" in error_of(lambda: tiny.sample(animated))


def test_a_vae_of_another_kind(plain, module, vae):
    class Other:
        def spacial_compression_encode(self):
            return 8

        def encode(self, pixels):
            return torch.zeros(1, 16, 8, 8)

    animated = apply_motion_module(plain, with_picture(module, Other()))
    said = error_of(lambda: tiny.sample(animated))
    assert "[16, 8, 8]" in said and "[4, 8, 8]" in said


def test_prompts_for_areas(plain, module, vae):
    animated = apply_motion_module(plain, with_picture(module, vae))
    area = tiny.conditioning(1, area=(4, 8, 0, 0), strength=1.0)
    said = error_of(lambda: tiny.sample(animated, positive=area))
    assert "4 x 8 in a run of 8 x 8" in said


def test_the_log_names_it(plain, module, vae, caplog):
    caplog.set_level(logging.INFO, logger="animatediff_native")
    tiny.sample(apply_motion_module(plain, with_picture(module, vae)))
    assert "pia.ckpt (PIA)" in caplog.text
    assert "PIA Image (small motion)" in caplog.text
