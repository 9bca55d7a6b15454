"""SparseCtrl's residuals against diffusers' SparseControlNetModel."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false

import pytest
import torch
from adn_testing import sparse_files, tiny
from animatediff_native.conditions.sparse_files import read_sparse_ctrl
from animatediff_native.conditions.sparse_network import SparseEncoder, in_files, new_sparse_ctrl
from animatediff_native.conditions.sparse_placement import residuals
from animatediff_native.motion.call_frames import Part
from animatediff_native.motion.network import MotionNetwork

TOLERANCE = 1e-4  # of a residual's standard deviation; sums in another order differ by 1e-6
FRAMES = 16


def networks(tensors):
    file = read_sparse_ctrl(tensors, "file.ckpt")
    encoder, motion = SparseEncoder(file.config), MotionNetwork(file.config.motion, torch.nn)
    encoder.take(file.encoder)
    motion.take(file.motion)
    return encoder.eval(), motion.eval()


def inputs(kind, frames=FRAMES, shown=(0, 5, 15), seed=3):
    generator = torch.Generator().manual_seed(seed)
    channels, size = (4, 8) if kind == "rgb" else (3, 64)
    cond = torch.zeros(frames, channels, size, size)
    mask = torch.zeros(frames, 1, size, size)
    for frame in shown:
        cond[frame] = torch.rand(channels, size, size, generator=generator)
        mask[frame] = 1
    context = torch.randn(1, 7, tiny.CONTEXT_DIM, generator=generator)
    return cond, mask, context


def of_diffusers(model, cond, mask, context, timestep):
    """13 residuals, [F, C, h, w] each, of one clip."""
    frames, size = cond.shape[0], 8
    with torch.inference_mode():
        down, mid = model(
            torch.randn(1, 4, frames, size, size),
            timestep,
            encoder_hidden_states=context.repeat_interleave(frames, dim=0),
            controlnet_cond=cond.transpose(0, 1)[None],
            conditioning_mask=mask.transpose(0, 1)[None],
            return_dict=False,
        )
    return [r.transpose(1, 2).flatten(0, 1) if r.ndim == 5 else r for r in (*down, mid)]


def of_ours(encoder, motion, cond, mask, context, timestep, **options):
    frames = cond.shape[0]
    with torch.inference_mode():
        made = residuals(
            encoder,
            motion,
            torch.cat([cond, mask], dim=1),
            torch.full([frames], float(timestep)),
            context.expand(frames, -1, -1),
            [Part(0, tuple(range(frames)))],
            **options,
        )
    return [*made["output"], *made["middle"]]


def distance(ours, theirs):
    return max(float((a - b).abs().max() / b.std()) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("frames", [1, FRAMES, 32])
@pytest.mark.parametrize("kind", ["rgb", "scribble"])
def test_residuals_are_those_of_diffusers(kind, frames):
    tensors = sparse_files.original(kind)
    model = sparse_files.diffusers_model(tensors, kind)
    encoder, motion = networks(tensors)
    cond, mask, context = inputs(kind, frames, {0, frames // 3, frames - 1})
    theirs = of_diffusers(model, cond, mask, context, 301)
    ours = of_ours(encoder, motion, cond, mask, context, 301)
    assert len(ours) == 13
    assert distance(ours, theirs) <= TOLERANCE
    without = of_ours(encoder, motion, cond, mask, context, 301, strength=0)
    assert frames == 1 or distance(without, theirs) > 0.1


@pytest.mark.parametrize("kind", ["rgb", "scribble"])
def test_a_new_one_changes_nothing_yet_and_learns(kind):
    """Encoder weights of the UNet; every parameter but the tables has a gradient after a step."""
    unet = tiny.model().model.diffusion_model
    encoder, motion = new_sparse_ctrl(unet, sparse_files.SparseKind(kind), seed=1)
    ours, theirs = encoder.input_blocks[4][0], unet.input_blocks[4][0]
    assert torch.equal(ours.in_layers[2].weight, theirs.in_layers[2].weight)
    file = read_sparse_ctrl(in_files(encoder, motion), "new.safetensors")
    assert file.config == encoder.config
    cond, mask, context = inputs(kind, 4, (0,))
    shown = torch.cat([cond, mask], dim=1), torch.full([4], 500.0), context.expand(4, -1, -1)
    part = [Part(0, (0, 1, 2, 3))]
    named = [*encoder.named_parameters(), *motion.named_parameters()]
    parameters = [parameter.requires_grad_(True) for _, parameter in named]
    grads: tuple = ()
    for number in range(4):  # zero layers let the gradient through one after the other
        made = residuals(encoder, motion, *shown, part)
        tensors = [*made["output"], *made["middle"]]
        assert all((r == 0).all() for r in tensors) == (number == 0)
        loss = sum((r - 1).square().mean() for r in tensors)
        grads = torch.autograd.grad(loss, parameters, allow_unused=True)
        with torch.no_grad():
            for parameter, grad in zip(parameters, grads, strict=True):
                if grad is not None:
                    parameter -= 0.05 * grad
    dead = {name for (name, _), g in zip(named, grads, strict=True) if g is None or not g.any()}
    # the latent is zero, so the weight of the layer that sees it learns nothing; the middle
    # is one pixel, which attends to nothing but itself
    middle = "middle_block.1.transformer_blocks.0.attn1.to_"
    assert dead <= {"input_blocks.0.0.weight", f"{middle}q.weight", f"{middle}k.weight"}
