"""AnimateLCM-I2V: features of a picture, added on the way down.

The oracle is the authors' encoder in plain torch, and hooks on the layers of the UNet that stand
before the motion modules. 1e-4 of the deviation, as in test_parity.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import gc
import logging
import math
import weakref
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import comfy.latent_formats
import pytest
import torch
import torch.nn.functional as F
from adn_testing import image_files, tiny, tiny_vae
from adn_testing.probes import windowed
from adn_testing.traces import ProcessTrace, model_trace
from animatediff_native.conditions.i2v import I2VImage, ImageEncoder
from animatediff_native.conditions.picture import Picture
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.config import Version
from animatediff_native.motion.effects import Effect
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers.windows import Schedule, WindowPlan

pytestmark = pytest.mark.usefixtures("inference")

FRAMES, FILE = 8, "AnimateLCM_sd15_i2v.ckpt"
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


@pytest.fixture(scope="module")
def vae():
    return tiny_vae.vae()


@pytest.fixture(scope="module")
def tensors():
    return image_files.i2v()


@pytest.fixture
def module(tensors):
    return image_files.module_of(dict(tensors), FILE)


def with_picture(module, vae, pixels=None, motion_scale=0.8):
    pixels = image_files.picture() if pixels is None else pixels
    picture = Picture(pixels, vae, "AnimateLCM-I2V Image")
    return module.with_effect(I2VImage(module.beside, picture, motion_scale))


def without_picture(module):
    return replace(module, config=replace(module.config, version=Version.ANIMATE_LCM), beside={})


def latent_of(vae, pixels=None):
    pixels = image_files.picture() if pixels is None else pixels
    return comfy.latent_formats.SD15().process_in(vae.encode(pixels)).cpu()


def relative_error(a, b):
    return ((a - b).abs().max() / b.std()).item()


def oracle(tensors, latent, frames, scale):
    """Features of the four levels, [F, C, h, w], frame by frame."""
    own = {k.removeprefix("img_encoder."): v for k, v in tensors.items() if "img_encoder" in k}

    def conv(name, x):
        weight = own[f"{name}.weight"]
        return F.conv2d(x, weight, own[f"{name}.bias"], padding=weight.shape[-1] // 2)

    levels = [[] for _ in range(4)]
    for frame in range(frames):
        x = conv("conv_in", latent)
        for channel in range(x.shape[1]):
            angle = frame * math.exp(-(channel // 2 * 2) * math.log(10000.0) / x.shape[1])
            x[:, channel] += scale * (math.cos(angle) if channel % 2 else math.sin(angle))
        for body in range(8):
            if body in (2, 4, 6):
                height, width = x.shape[-2:]
                rows = [min(i, height - 1) for i in range(height + height % 2)]
                columns = [min(i, width - 1) for i in range(width + width % 2)]
                x = x[..., rows, :][..., columns]
                x = (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2]
                     + x[..., 1::2, 1::2]) / 4  # fmt: skip
            if f"body.{body}.in_conv.weight" in own:
                x = conv(f"body.{body}.in_conv", x)
            x = x + conv(f"body.{body}.block2", conv(f"body.{body}.block1", x).clamp(min=0))
            if body % 2:
                levels[body // 2].append(x)
    return [torch.cat(level) for level in levels]


@contextmanager
def added_in_the_unet(plain, features):
    """While it lasts, the layers before the second motion module of each level add these."""
    unet = plain.model.diffusion_model
    places = [unet.input_blocks[2][1], unet.input_blocks[5][1], unet.input_blocks[8][1],
              unet.input_blocks[11][0]]  # fmt: skip

    def adding(level):
        def hook(_layer, _given, made):
            added = features[level].to(made)
            return made + added.repeat(made.shape[0] // len(added), 1, 1, 1)

        return hook

    with ExitStack() as hooks:
        for level, place in enumerate(places):
            hooks.callback(place.register_forward_hook(adding(level)).remove)
        yield


def expected(plain, tensors, module, latent, scale=0.8, frames=FRAMES, plan=None, **options):
    """plan: windows, each of `frames` frames, whose positions begin anew."""
    model = apply_motion_module(plain, without_picture(module))
    model = windowed(model, plan) if plan else model
    with added_in_the_unet(plain, oracle(tensors, latent, frames, scale)):
        return tiny.sample(model, **options)


@pytest.mark.parametrize("size", [(8, 8), (9, 7), (5, 12), (11, 11)])
def test_the_encoder_is_the_authors(tensors, module, vae, size):
    latent = torch.randn(1, 4, *size, generator=torch.Generator().manual_seed(3))
    network = I2VImage(module.beside, Picture(image_files.picture(), vae, "")).companion.model
    found = network(latent, FRAMES, 0.8)
    wanted = oracle(tensors, latent, FRAMES, 0.8)
    assert [tuple(level.shape) for level in found] == [tuple(level.shape) for level in wanted]
    assert all(relative_error(a, b) <= 1e-5 for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("scale", [0.8, 0.0, 1.5])
def test_a_sampling_adds_them_before_the_motion_modules(plain, tensors, module, vae, scale):
    animated = apply_motion_module(plain, with_picture(module, vae, motion_scale=scale))
    wanted = expected(plain, tensors, module, latent_of(vae), scale)
    found = tiny.sample(animated)
    assert relative_error(found, wanted) <= TOLERANCE
    without = tiny.sample(apply_motion_module(plain, without_picture(module)))
    assert relative_error(without, wanted) > 100 * TOLERANCE


def test_a_latent_of_odd_size(plain, tensors, module, vae):
    """13 x 13: 7 x 7, 4 x 4 and 2 x 2 on the way down."""
    pixels = image_files.picture(104, 104)
    animated = apply_motion_module(plain, with_picture(module, vae, pixels))
    wanted = expected(plain, tensors, module, latent_of(vae, pixels), size=13, steps=1)
    assert relative_error(tiny.sample(animated, size=13, steps=1), wanted) <= TOLERANCE


def test_without_second_layers_every_level_has_the_first(module, vae):
    """block2 = 0: a body hands on what it was given, so at scale 0 all frames have one picture."""
    still = {k: v * 0 if "block2" in k else v for k, v in image_files.encoder().items()}
    network = I2VImage(still, Picture(image_files.picture(), vae, "")).companion.model
    latent = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    first, *others = network(latent, 2, 0.0)
    weight, bias = still["img_encoder.conv_in.weight"], still["img_encoder.conv_in.bias"]
    assert torch.equal(first[:1], F.conv2d(latent, weight, bias, padding=1))
    for level in (first, *others):
        assert torch.equal(level[0], level[1])


def test_an_encoder_of_zeros_gives_the_plain_bits(plain, module, vae):
    """Zeros are what its training began with."""
    zeros = replace(module, beside={k: v * 0 for k, v in module.beside.items()})
    animated = apply_motion_module(plain, with_picture(zeros, vae, motion_scale=0.0))
    plainly = apply_motion_module(plain, without_picture(module))
    assert torch.equal(tiny.sample(animated), tiny.sample(plainly))


def test_positions_begin_anew_in_every_window(plain, tensors, module, vae):
    plan = WindowPlan(4, 2, 1, Schedule.STATIC)
    animated = apply_motion_module(plain, with_picture(module, vae))
    wanted = expected(plain, tensors, module, latent_of(vae), frames=4, plan=plan)
    assert relative_error(tiny.sample(windowed(animated, plan)), wanted) <= TOLERANCE


def test_one_window_gives_the_bits_of_none(plain, module, vae):
    animated = apply_motion_module(plain, with_picture(module, vae))
    plan = WindowPlan(FRAMES, 0, 1, Schedule.STATIC)
    assert torch.equal(tiny.sample(windowed(animated, plan)), tiny.sample(animated))


def test_cond_and_uncond_one_by_one(plain, module, vae, monkeypatch):
    animated = apply_motion_module(plain, with_picture(module, vae))
    together = tiny.sample(animated)
    monkeypatch.setattr(plain.model, "memory_required", lambda *_args, **_kwargs: 1e30)
    assert relative_error(tiny.sample(animated), together) <= TOLERANCE


def test_several_clips_each_with_its_picture(plain, module, vae):
    pictures = image_files.picture(count=2)
    noise, latent = tiny.noise(FRAMES), torch.zeros(2 * FRAMES, 4, 8, 8)

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
    none = apply_motion_module(
        plain, with_picture(module, vae), start_percent=0.4, end_percent=0.5
    )
    assert torch.equal(tiny.sample(none, steps=2), tiny.sample(plain, steps=2))


def test_the_encoder_runs_once_a_run(plain, module, vae, monkeypatch):
    made = []
    forward = ImageEncoder.forward

    def noted(self, *args):
        features = forward(self, *args)
        made.append([weakref.ref(feature) for feature in features])
        return features

    monkeypatch.setattr(ImageEncoder, "forward", noted)
    animated = apply_motion_module(plain, with_picture(module, vae))
    tiny.sample(windowed(animated, WindowPlan(4, 2, 1, Schedule.STATIC)), steps=3)
    assert len(made) == 1
    assert [feature() for feature in made[0]] == [None] * 4  # and they go with the run


class Broken(Effect):
    def after(self, site, x, y):
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


def test_where_another_node_makes_the_unet_smaller(plain, module, vae):
    """As the host's Deep Shrink does behind a block on the way down: features follow."""
    from comfy_extras.nodes_model_downscale import PatchModelAddDownscale

    shrink = PatchModelAddDownscale.execute if hasattr(PatchModelAddDownscale, "execute") else (
        PatchModelAddDownscale().patch
    )  # fmt: skip
    settings = (3, 2.0, 0.0, 1.0, True, "bicubic", "bicubic")
    animated = apply_motion_module(plain, with_picture(module, vae))
    shrunk = shrink(animated, *settings)[0]
    found = tiny.sample(shrunk, size=16, steps=1)
    without = apply_motion_module(plain, without_picture(module))
    wanted = tiny.sample(shrink(without, *settings)[0], size=16, steps=1)
    assert found.isfinite().all()
    assert relative_error(found, wanted) > 100 * TOLERANCE


def test_prompts_for_areas(plain, module, vae):
    animated = apply_motion_module(plain, with_picture(module, vae))
    area = tiny.conditioning(1, area=(4, 8, 0, 0), strength=1.0)
    with pytest.raises(AnimateDiffError, match="4 x 8 in a run of 8 x 8"):
        tiny.sample(animated, positive=area)


def test_without_a_picture_it_runs_as_a_plain_module_and_says_so(plain, module, caplog):
    caplog.set_level(logging.WARNING, logger="animatediff_native")
    found = tiny.sample(apply_motion_module(plain, module))
    assert torch.equal(found, tiny.sample(apply_motion_module(plain, without_picture(module))))
    assert FILE in caplog.text and "Put AnimateLCM-I2V Image between" in caplog.text


def test_the_log_names_it(plain, module, vae, caplog):
    caplog.set_level(logging.INFO, logger="animatediff_native")
    tiny.sample(apply_motion_module(plain, with_picture(module, vae)), steps=1)
    assert f"{FILE} (AnimateLCM-I2V)" in caplog.text
    assert "AnimateLCM-I2V Image (motion_scale 0.8)" in caplog.text
