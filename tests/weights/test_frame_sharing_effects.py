"""What else takes part in a model whose deep levels share frames: it is for the frames there."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import pytest
import torch
from adn_testing import image_files, spatial_lora, tiny, tiny_vae
from adn_testing.shared_frames import CLOSE, FRAMES, blocks_of, by_hand, called, given
from animatediff_native.conditions.i2v import I2VImage
from animatediff_native.conditions.picture import Picture
from animatediff_native.lora.frame_lora import with_frame_lora
from animatediff_native.lora.spatial import read_lora
from animatediff_native.motion.apply import apply_frame_sharing, apply_motion_module
from animatediff_native.motion.frame_sharing import rows_shared
from animatediff_native.motion.free_long import FreeLong
from animatediff_native.motion.motion_strength import StrengthField, strength_effects
from animatediff_native.samplers.views import Views
from animatediff_native.samplers.windows import Schedule, WindowPlan

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


@pytest.mark.parametrize(
    ("count", "batch", "frames", "rows"),
    [
        (8, 16, 8, [0, 2, 4, 6, 8, 10, 12, 14]),
        (4, 16, 8, [0, 4, 8, 12]),
        (2, 16, 8, [0, 8]),
        (6, 10, 5, [0, 2, 4, 5, 7, 9]),
        (2, 6, 3, [0, 3]),
        (1, 1, 1, [0]),
        (5, 16, 8, None),
        (32, 16, 8, None),
    ],
)
def test_which_rows_a_layer_has(count, batch, frames, rows):
    assert rows_shared(count, batch, frames) == rows


def test_a_lora_by_frame_on_a_deep_layer(plain):
    """At frames that are not there its strength does not matter."""
    deep = {k: v for k, v in spatial_lora.kohya(spatial_lora.weights_of(plain)).items()
            if "mid_block" in k or "middle_block" in k}  # fmt: skip
    assert deep
    shared = apply_frame_sharing(plain, 1)
    x, t, context = given()

    def by_frame(strengths):
        lora = read_lora(dict(deep), "deep.safetensors", plain)
        return called(with_frame_lora(shared, lora, strengths), x, t, context)

    every, even = by_frame([0.7] * FRAMES), by_frame([0.7, 0.0] * (FRAMES // 2))
    assert (every - even).abs().max() <= 1e-5 * every.std()  # one strength is the host's own way
    assert not torch.equal(every, by_frame([0.7, 0.7, 0.0, 0.0] * (FRAMES // 4)))


def test_a_picture_s_features(plain):
    module = image_files.module_of(dict(image_files.i2v()), "AnimateLCM_sd15_i2v.ckpt")
    effect = I2VImage(module.beside, Picture(image_files.picture(), tiny_vae.vae(), "I2V"))
    x, t, context = given()
    moving = apply_motion_module(plain, module.with_effect(effect))
    found = called(apply_frame_sharing(moving, 2), x, t, context)
    blocks, encoder = blocks_of(moving, FRAMES), effect.companion.model
    latents = effect.picture.latents(_Run())
    features = encoder(latents, FRAMES, effect.motion_scale)

    def with_features(site, h, numbers):
        if site[0] == "down" and site[2] == 1:
            added = features[site[1]][numbers]
            h = h + added.repeat(len(h) // len(added), 1, 1, 1)
        return blocks(site, h, numbers)

    wanted = by_hand(plain.model.diffusion_model, x, t, context, FRAMES, 2, with_features)
    assert (found - wanted).abs().max() <= CLOSE * wanted.std()


class _Run:
    size, frames, batch = (8, 8), FRAMES, FRAMES

    class application:
        clips = 1

    def kept(self, _key, make):
        return make()


def test_parts_of_a_clip_are_of_the_frames_that_are_there(plain):
    """FreeLong and Views cut the shorter clip of a deep level; what is not longer than a part is
    seen at once, as without them."""
    x, t, context = given()
    module = tiny.motion_module("v2")
    deep = StrengthField(blocks={"down": 0.0, "up": 0.0, "up.0": 1.0})  # 4 frames of 8, and the mid
    (only_deep,) = strength_effects((deep,))
    alone = module.with_effect(only_deep)
    shared = [
        called(apply_frame_sharing(apply_motion_module(plain, each), 1), x, t, context)
        for each in (
            alone,
            alone.with_effect(FreeLong(4)),
            alone.with_effect(Views(WindowPlan(length=4, overlap=2, schedule=Schedule.STATIC))),
            alone.with_effect(Views(WindowPlan(length=2, overlap=1, schedule=Schedule.STATIC))),
        )
    ]
    for found in shared[1:3]:
        assert (found - shared[0]).abs().max() <= CLOSE * shared[0].std()
    assert (shared[3] - shared[0]).abs().max() > CLOSE * shared[0].std()
