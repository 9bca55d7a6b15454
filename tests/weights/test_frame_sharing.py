"""Frames that the UNet's deep levels share, against a UNet that is written out here."""

import pytest
import torch
from adn_testing import tiny
from animatediff_native.motion.apply import apply_frame_sharing
from comfy.ldm.modules.attention import SpatialTransformer
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock, Upsample, timestep_embedding

FRAMES, CLOSE = 8, 2e-5  # of the deviation: sums of another order


def by_hand(unet, x, timesteps, context, frames, halvings, motion=None, control=None):
    """The UNet with the frames of every resolution computed apart; motion: by site a function of
    x [frames, C, h, w] and the numbers of the frames."""
    emb = unet.time_embed(timestep_embedding(timesteps, unet.model_channels))
    control = {name: list(each) for name, each in (control or {}).items()}
    deepest = len(unet.input_blocks) // 3 - 1

    def numbers(level):
        return list(range(0, frames, 2 ** max(0, level - (deepest - halvings))))

    def rows(level):
        return [clip + n for clip in range(0, len(x), frames) for n in numbers(level)]

    def run(block, h, level, shape=None):
        for layer in block:
            if isinstance(layer, ResBlock):
                h = layer(h, emb[rows(level)])
            elif isinstance(layer, SpatialTransformer):
                h = layer(h, context[rows(level)], {})
            elif isinstance(layer, Upsample):
                h = layer(h, output_shape=shape)
            else:
                h = layer(h)
        return h

    def moved(h, site, level):
        return h if motion is None else motion(site, h, numbers(level))

    def added(name, h, level):
        each = control[name].pop() if control.get(name) else None
        return h if each is None else h + each[rows(level)]

    h, skips, level = x, [], 0
    for number, block in enumerate(unet.input_blocks):
        if number and number % 3 == 0:
            before = [numbers(level).index(n) for n in numbers(level + 1)]
            h = run(block, h, level).unflatten(0, (-1, len(numbers(level))))[:, before].flatten(0, 1)
            level += 1
        else:
            h = run(block, h, level)
            if number:
                h = moved(h, ("down", level, number % 3 - 1), level)
        h = added("input", h, level)
        skips.append((h, level))
    h = added("middle", moved(run(unet.middle_block, h, level), ("mid", 0, 0), level), level)
    for number, block in enumerate(unet.output_blocks):
        skip, of = skips.pop()
        assert of == level
        h = torch.cat([h, added("output", skip, level)], dim=1)
        layers = list(block)
        up = layers.pop() if isinstance(layers[-1], Upsample) else None
        h = moved(run(layers, h, level), ("up", deepest - level, number % 3), level)
        if up is not None:
            h = up(h, output_shape=skips[-1][0].shape).unflatten(0, (-1, len(numbers(level))))
            finer = numbers(level - 1)
            nearest = [max(i for i, n in enumerate(numbers(level)) if n <= f) for f in finer]
            h, level = h[:, nearest].flatten(0, 1), level - 1
    return unet.out(h)


@pytest.fixture(scope="module")
def model():
    return tiny.model()


def given(frames=FRAMES, conds=2):
    generator = torch.Generator().manual_seed(3)
    batch = frames * conds
    x = torch.randn(batch, 4, 8, 8, generator=generator)
    context = torch.randn(batch, 7, tiny.CONTEXT_DIM, generator=generator)
    return x, torch.full((batch,), 500.0), context


def called(model, x, t, context, control=None, **options):
    """What the host's UNet gives in a call of the patched model."""
    import comfy.model_management

    comfy.model_management.load_models_gpu([model, *model.get_nested_additional_models()])
    model.pre_run()
    sampling = model.get_model_object("model_sampling")
    sigma = sampling.sigma(t)
    told = {
        **model.model_options["transformer_options"],
        "wrappers": model.wrappers,
        "cond_or_uncond": [0, 1],
        "sigmas": sigma,
        **options,
    }
    noisy = x * (sigma.view(-1, 1, 1, 1) ** 2 + 1).sqrt()
    with torch.no_grad():
        denoised = model.model.apply_model(
            noisy, sigma, c_crossattn=context, control=control, transformer_options=told
        )
    model.cleanup()
    return (noisy - denoised) / sigma.view(-1, 1, 1, 1)


@pytest.mark.parametrize("halvings", [1, 2, 3])
@pytest.mark.parametrize("frames", [8, 7, 1])
def test_a_call_equals_the_unet_with_each_resolution_computed_apart(model, halvings, frames):
    x, t, context = given(frames)
    found = called(apply_frame_sharing(model, halvings), x, t, context)
    with torch.no_grad():
        wanted = by_hand(model.model.diffusion_model, x, t, context, frames, halvings)
    assert (found - wanted).abs().max() <= CLOSE * wanted.std()
    if frames > 1:
        plain = called(model, x, t, context)
        assert (found - plain).std() > 1e-3 * plain.std()
