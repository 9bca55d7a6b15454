"""A loaded model as a trainer sees it: the noise that it predicts, gradients, precision, and whose
tensors it computes with. On a tiny model, in inference mode as the host runs nodes."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

from dataclasses import replace

import pytest
import torch
from adn_testing import lora_files, tiny
from adn_testing.training import (
    FRAMES,
    STAGES,
    animated,
    clip_set,
    fixed_call,
    linear,
    noised,
    train_motion_lora,
)
from adn_testing.unet_call import relative_error
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse
from animatediff_native.training.clip_set import Batch
from animatediff_native.training.normal_tensors import normal_tensors
from animatediff_native.training.session import training_session
from animatediff_native.training.settings import Precision, TrainingSettings

pytestmark = pytest.mark.usefixtures("inference")

TOLERANCE = 1e-4  # of the standard deviation: the same sums in another order, as in test_parity
TWO_STEPS = TrainingSettings(steps=2, learning_rate=0.01, max_gradient_norm=1e9)


@pytest.fixture(scope="module")
def plain():
    with torch.inference_mode():
        return tiny.model()


@pytest.fixture(scope="module")
def module():
    with torch.inference_mode():
        return tiny.motion_module("v3", seed=3)


def session(model, precision=Precision.FP32):
    return training_session(model, precision, False, FRAMES)


# the noise


def call_at(*timesteps, seed=5):
    """A clip for each timestep, with noise and a prompt."""
    clips = clip_set(len(timesteps), seed=seed)
    noise = torch.randn(clips.latents.shape, generator=torch.Generator().manual_seed(seed + 1))
    return Batch(clips.latents, clips.contexts), noise, torch.tensor(timesteps)


@pytest.mark.parametrize("timestep", [0, 1, 250, 999])
def test_predicts_what_the_bare_unet_does_of_the_noised_latents(plain, timestep):
    """In the linear schedule, which is written out in `noised`."""
    batch, noise, t = call_at(timestep)
    with session(linear(plain)) as predict, torch.no_grad():
        mine = predict(batch, noise, t)
    unet = plain.model.diffusion_model
    seen = noised(batch.latents[0], noise[0], timestep)
    context = batch.context.expand(FRAMES, -1, -1)
    theirs = unet(seen, torch.full((FRAMES,), float(timestep)), context, transformer_options={})
    assert relative_error(mine[0], theirs) <= TOLERANCE
    neighbour = unet(seen, torch.full((FRAMES,), timestep + 30.0), context, transformer_options={})
    assert relative_error(mine[0], neighbour) > 10 * TOLERANCE


def test_clips_of_a_batch_know_nothing_of_each_other(plain, module):
    """Two timesteps at once; each clip by itself gives the same."""
    batch, noise, t = call_at(40, 900)
    latents, context = batch.latents, batch.context
    with session(animated(plain, module)) as predict, torch.no_grad():
        together = predict(batch, noise, t)
        for i in range(2):
            one = slice(i, i + 1)
            alone = predict(Batch(latents[one], context[one]), noise[one], t[one])
            assert relative_error(together[one], alone) <= TOLERANCE


def test_frames_of_a_clip_do_know_of_each_other(plain, module):
    batch, noise, t = call_at(500)
    with session(animated(plain, module)) as predict, torch.no_grad():
        before = predict(batch, noise, t)
        other = noise.clone()
        other[0, -1] += 1
        after = predict(batch, other, t)
    assert relative_error(after[0, 0], before[0, 0]) > 100 * TOLERANCE


def test_all_timesteps_of_the_schedule_are_trained(plain):
    with session(plain) as predict:
        assert predict.sigmas.shape == (1000,)


# beginning with a MotionLoRA


def test_a_motion_lora_to_begin_with_takes_part_from_the_first_step(plain, module):
    start, seen = lora_files.motion_lora(3, mid_block=False), []

    def watch(trainer):
        with torch.no_grad():
            seen.append(trainer.predict(*fixed_call(trainer.clips)))

    settings = replace(TWO_STEPS, steps=1)
    train_motion_lora(plain, module, settings, watch, start=start)
    with session(animated(plain, with_motion_lora(module, (LoraUse(start),)))) as predict:
        expected = predict(*fixed_call(clip_set()))
    assert relative_error(seen[0], expected) <= TOLERANCE
    assert relative_error(seen[1], expected) > 10 * TOLERANCE


# precision


def seen_dtypes(model, module, precision):
    """The dtypes that a temporal block and the UNet's last layer get, in one session."""
    found = []
    layers = [module.patcher.model.at(module.config.sites[0]), model.model.diffusion_model.out[0]]
    hooks = [
        layer.register_forward_pre_hook(lambda _, args: found.append(args[0].dtype))
        for layer in layers
    ]
    with session(animated(model, module), precision) as predict, torch.no_grad():
        noise = predict(*fixed_call(clip_set()))
    for hook in hooks:
        hook.remove()
    return set(found), noise


def test_every_session_computes_in_its_own_precision(plain, module):
    """Also in the one after a session of the same precision, whose model is still loaded."""
    expected = seen_dtypes(plain, module, Precision.FP32)[1]
    for precision in (Precision.BF16, Precision.BF16, Precision.FP32, Precision.FP32):
        dtypes, noise = seen_dtypes(plain, module, precision)
        assert dtypes == {precision.dtype}
        assert noise.dtype == torch.float32
        assert torch.equal(noise, expected) == (precision is Precision.FP32)


@pytest.mark.parametrize("name", STAGES)
def test_bf16_stays_near_fp32(plain, module, name):
    """bf16 rounds to 2^-9, or 0.2 %: gradients through some 60 layers of it lose a few percent,
    the loss, a mean, far less. What is trained stays in fp32."""
    found = {}

    def watch(trainer):
        parameters = trainer.parameters.values()
        assert {parameter.dtype for parameter in parameters} == {torch.float32}
        if trainer.step == 1:
            gradient = [p.grad.flatten() for p in parameters if p.grad is not None]
            found[trainer.settings.precision] = trainer.losses[0], torch.cat(gradient)

    for precision in Precision:
        STAGES[name](plain, module, replace(TWO_STEPS, steps=1, precision=precision), watch)
    (loss, gradient), (rough_loss, rough) = found[Precision.FP32], found[Precision.BF16]
    assert rough_loss == pytest.approx(loss, rel=0.01) and rough_loss != loss
    assert torch.cosine_similarity(gradient, rough, dim=0) > 0.95


# tensors


def tensors_of(module):
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def test_normal_tensors_lie_in_the_same_memory(plain):
    unet = plain.model.diffusion_model
    own = tensors_of(unet)
    assert all(tensor.is_inference() for tensor in own.values())
    with normal_tensors([unet]):
        for name, tensor in tensors_of(unet).items():
            assert not tensor.is_inference() and not tensor.requires_grad
            assert isinstance(tensor, torch.nn.Parameter) == isinstance(
                own[name], torch.nn.Parameter
            )
            assert tensor.data_ptr() == own[name].data_ptr()
            assert tensor.stride() == own[name].stride() and torch.equal(tensor, own[name])
    after = tensors_of(unet)
    assert all(after[name] is own[name] for name in own) and after.keys() == own.keys()


def test_normal_tensors_of_slices_and_transposed_tensors():
    """A layer's tensor need not begin where its memory does, nor be contiguous."""
    layer = torch.nn.Module()
    layer.register_buffer("part", torch.arange(24.0).reshape(2, 3, 4)[1].T)
    layer.register_buffer("none", None)
    before = layer.part
    with normal_tensors([layer]):
        assert layer.none is None and layer.part is not before
        assert layer.part.tolist() == before.tolist() and layer.part.stride() == (1, 4)
    assert layer.part is before


def test_normal_tensors_end_with_an_exception_too(plain):
    unet = plain.model.diffusion_model
    own = tensors_of(unet)
    with pytest.raises(RuntimeError, match="on purpose"), normal_tensors([unet]):
        raise RuntimeError("broken on purpose")
    assert all(tensor is own[name] for name, tensor in tensors_of(unet).items())


def test_frozen_ordinary_tensors_are_left_alone():
    with torch.inference_mode(False):
        layer = torch.nn.Linear(2, 2).requires_grad_(False)
    own = tensors_of(layer)
    with normal_tensors([layer]):
        assert all(tensor is own[name] for name, tensor in tensors_of(layer).items())


@pytest.mark.parametrize("name", STAGES)
def test_a_model_made_outside_of_inference_mode_stays_frozen(name):
    """Its parameters ask for gradients, as torch makes them; none may get one."""
    with torch.inference_mode(False):
        model, module = tiny.model(), tiny.motion_module("v3")
        model.model.requires_grad_(True)
        module.patcher.model.requires_grad_(True)
    STAGES[name](model, module, replace(TWO_STEPS, steps=1), lambda trainer: None)
    for each in (model.model, module.patcher.model):
        assert not [name for name, p in each.named_parameters() if p.grad is not None]
