"""The UNet with shared frames, written out: every resolution computed apart."""

import comfy.model_management
import torch
from animatediff_native.motion.config import Site
from comfy.ldm.modules.attention import SpatialTransformer
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock, Upsample, timestep_embedding

from . import tiny

FRAMES, CLOSE = 8, 5e-5  # of the deviation: fp32 sums of another order in forty layers


def by_hand(
    unet, x, timesteps, context, frames, halvings, motion=None, control=None, resamplers=None
):
    """The UNet with the frames of every resolution computed apart; motion: a function of site,
    x [(clips frames), C, h, w] and the numbers of the frames; resamplers: a network that has some.
    """
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

    def mixed(h, block):
        """Along the frames, those at the ends once more beyond them; h: [clips, F, C, h, w]."""
        if block is None:
            return h
        padded = torch.cat([h[:, :1], h, h[:, -1:]], dim=1).transpose(1, 2)
        weight, bias = block.conv.weight[..., None], block.conv.bias
        return torch.nn.functional.conv3d(padded, weight, bias).transpose(1, 2)

    def fewer(h, level):
        h = h.unflatten(0, (-1, len(numbers(level))))
        if resamplers is not None:
            h = mixed(h, resamplers.down_blocks[level].temporal_downsampler)
        before = [numbers(level).index(n) for n in numbers(level + 1)]
        return h[:, before].flatten(0, 1)

    def more(h, level):
        h, finer = h.unflatten(0, (-1, len(numbers(level)))), numbers(level - 1)
        nearest = [max(i for i, n in enumerate(numbers(level)) if n <= f) for f in finer]
        h = h[:, nearest]
        if resamplers is not None:
            h = mixed(h, resamplers.up_blocks[deepest - level].temporal_upsampler)
        return h.flatten(0, 1)

    h, skips, level = x, [], 0
    for number, block in enumerate(unet.input_blocks):
        if number and number % 3 == 0:
            h = fewer(run(block, h, level), level)
            level += 1
        else:
            h = run(block, h, level)
            if number:
                h = moved(h, ("down", level, number % 3 - 1), level)
        h = added("input", h, level)
        skips.append((h, level))
    *before, last = unet.middle_block
    h = moved(run(before, h, level), ("mid", 0, 0), level)
    h = added("middle", run([last], h, level), level)
    for number, block in enumerate(unet.output_blocks):
        skip, of = skips.pop()
        assert of == level
        h = torch.cat([h, added("output", skip, level)], dim=1)
        layers = list(block)
        up = layers.pop() if isinstance(layers[-1], Upsample) else None
        h = moved(run(layers, h, level), ("up", deepest - level, number % 3), level)
        if up is not None:
            h = more(up(h, output_shape=skips[-1][0].shape), level)
            level -= 1
    return unet.out(h)


def given(frames=FRAMES, conds=2):
    generator = torch.Generator().manual_seed(3)
    batch = frames * conds
    x = torch.randn(batch, 4, 8, 8, generator=generator)
    context = torch.randn(batch, 7, tiny.CONTEXT_DIM, generator=generator)
    return x, torch.full((batch,), 500.0), context


def called(model, x, t, context, control=None, **options):
    """What the host's UNet gives in a call of the patched model."""
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


def blocks_of(model, frames):
    """What v2's temporal blocks make of some frames of each clip, at the places of those frames."""
    network = model.get_additional_models()[0].model

    def moved(site, h, numbers):
        block = network.at(Site(*site))
        if not network.config.attends_at(Site(*site)):
            return convolved(block, h, len(numbers))
        (inner,) = block.transformer_blocks
        tables = [attention.pos_encoder for attention in inner.attention_blocks]
        whole = [table.weight.data for table in tables]
        for table, rows in zip(tables, whole, strict=True):
            table.weight.data = rows[numbers]
        try:
            return block(h, len(numbers))
        finally:
            for table, rows in zip(tables, whole, strict=True):
                table.weight.data = rows

    return moved


def convolved(block, h, frames):
    """A factorised convolution in plain torch, with a true convolution over time."""
    silu = torch.nn.functional.silu
    y = torch.nn.functional.conv2d(h, block.spatial.weight, block.spatial.bias, padding=1)
    y = silu(torch.nn.functional.group_norm(y, 32, *weights_of(block.spatial_norm), eps=1e-6))
    y = y.unflatten(0, (-1, frames)).transpose(1, 2)
    weight = block.temporal.weight[..., None]
    y = torch.nn.functional.conv3d(y, weight, block.temporal.bias, padding=(1, 0, 0))
    y = y.transpose(1, 2).flatten(0, 1)
    y = silu(torch.nn.functional.group_norm(y, 32, *weights_of(block.temporal_norm), eps=1e-6))
    return h + torch.nn.functional.conv2d(y, block.proj_out.weight, block.proj_out.bias)


def weights_of(norm):
    return norm.weight, norm.bias
