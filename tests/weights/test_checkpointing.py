"""Gradient checkpointing: the same gradients from far fewer activations, by hooks alone.

The gradients of the stages are those of one pass in one thread, before an optimiser's step. With
another number of threads, which a busy machine may decide, sums of fp32 come in another order:
gradients then differ by 2e-6 to 8e-6 of their norm, and after the first step of AdamW, which goes
by little more than their signs, by 6e-5.
"""

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
    train_motion_lora,
)
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse
from animatediff_native.motion.checkpointing import LAYERS, checkpointed
from animatediff_native.motion.frame_strengths import FrameStrengths
from animatediff_native.training.clip_set import Batch
from animatediff_native.training.session import training_session
from animatediff_native.training.settings import Precision, TrainingSettings
from torch import nn

pytestmark = pytest.mark.usefixtures("inference")

SAME_SUMS = 1e-4  # ten times what another order makes; a block taken for another makes more than 1
ONE_STEP = TrainingSettings(steps=1, learning_rate=0.01, max_gradient_norm=1e9)


@pytest.fixture(scope="module")
def plain():
    with torch.inference_mode():
        return tiny.model()


@pytest.fixture(scope="module")
def module():
    with torch.inference_mode():
        return tiny.motion_module("v3", seed=3)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# the three stages


def begin_everywhere(trainer):
    """What begins as zero leaves other parts without a gradient."""
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for parameter in trainer.parameters.values():
            if not parameter.any():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.02)


def gradients(stage, plain, module, checkpointing, **options):
    """The loss of a step and its gradients."""
    found = []

    def watch(trainer):
        if trainer.step == 0:
            begin_everywhere(trainer)
        else:
            found.extend([trainer.losses, {k: p.grad for k, p in trainer.parameters.items()}])

    stage(plain, module, replace(ONE_STEP, checkpointing=checkpointing), watch, **options)
    return found


def joined(gradients):
    return torch.cat([gradients[key].flatten() for key in sorted(gradients)])


def assert_same_gradients(stage, plain, module, **options):
    (losses, kept), (again, recomputed) = (
        gradients(stage, plain, module, checkpointing, **options) for checkpointing in (False, True)
    )
    assert losses == pytest.approx(again, rel=SAME_SUMS)
    expected = joined(kept)
    reached = [gradient.any() for gradient in kept.values()]  # not: attention to a single token
    assert sum(reached) > 0.8 * len(reached)
    assert (joined(recomputed) - expected).norm() <= SAME_SUMS * expected.norm()


@pytest.mark.parametrize("name", STAGES)
def test_checkpointing_changes_no_gradient(plain, module, name):
    assert_same_gradients(STAGES[name], plain, module)


def test_checkpointing_keeps_the_pooled_norms_of_v1(plain):
    assert_same_gradients(train_motion_lora, plain, tiny.motion_module("v1"))


def test_checkpointing_keeps_what_patches_know_of_their_place(plain, module):
    """An attention patch that works in one block only, as IPAdapter-style packs set them."""

    def double_in_one_block(q, k, v, extra_options):
        return q, k, v * (2 if extra_options["block"] == ("output", 5) else 1)

    patched = plain.clone()
    patched.set_model_attn2_patch(double_in_one_block)
    assert (
        gradients(train_motion_lora, patched, module, False)[0]
        != (gradients(train_motion_lora, plain, module, False)[0])
    )
    assert_same_gradients(train_motion_lora, patched, module)


def test_checkpointing_keeps_strengths_by_frame(plain, module):
    """A layer that is computed again has the effects of its call."""
    ramp = FrameStrengths(tuple(i / FRAMES for i in range(FRAMES)))
    moving = with_motion_lora(module, (LoraUse(lora_files.motion_lora(), 1.0, ramp),))
    assert_same_gradients(train_motion_lora, plain, moving)


# the model's layers


def session(model, checkpointing=True):
    return training_session(model, Precision.FP32, checkpointing, FRAMES)


def kept_bytes(model, checkpointing):
    """What autograd keeps of one forward."""
    sizes = []

    def note(tensor):
        sizes.append(tensor.numel() * tensor.element_size())
        return tensor

    batch, noise, t = fixed_call(clip_set())
    with session(model, checkpointing) as predict:
        latents = batch.latents.clone().requires_grad_()
        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            predict(Batch(latents, batch.context), noise, t)
    return sum(sizes)


def test_checkpointing_keeps_far_fewer_activations(plain, module):
    model = animated(plain, module)
    assert kept_bytes(model, True) < 0.2 * kept_bytes(model, False)


def attributes(model):
    return [(name, sorted(vars(layer))) for name, layer in model.model.named_modules()]


def hooked(model):
    """The layers with a hook on them."""
    return [
        layer
        for layer in model.model.modules()
        if layer._forward_hooks or layer._forward_pre_hooks
    ]


def test_no_attribute_of_a_layer_is_set(plain):
    tiny.sample(plain, steps=1)  # on loading it the host marks its modules
    before = attributes(plain)
    with session(plain):
        assert attributes(plain) == before
        assert hooked(plain) and all(isinstance(layer, LAYERS) for layer in hooked(plain))
    assert not hooked(plain)


# any layers


class Layer(nn.Module):
    """Counts its calls; its exponential is what autograd keeps."""

    def __init__(self, inner: nn.Module | None = None):
        super().__init__()
        self.weight = nn.Parameter(torch.full((3,), 0.5, dtype=torch.float64))
        self.inner = inner
        self.calls = 0
        self.failure: BaseException | None = None
        self.more = 0

    def forward(self, x, options):
        self.calls += 1
        if self.failure is not None:
            raise self.failure
        x = (x * self.weight * options["scale"]).exp()
        options["scale"] = 100.0  # which the next call must not see
        for _ in range(self.more):
            x = x.exp()
        return x if self.inner is None else self.inner(x, {"scale": 0.1})


@pytest.fixture
def ordinary():
    """As in a training's session."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def passed(layers, checkpointing):
    """The gradients of a pass through all layers, and how often each was called."""
    layers = nn.ModuleList(layers)
    x = torch.linspace(0.1, 0.3, 3, dtype=torch.float64).requires_grad_()
    with checkpointed(layers if checkpointing else (), (Layer,)):
        y = x
        for layer in layers:
            y = layer(y, options={"scale": 0.7})
        y.sum().backward()
    gradients = [x.grad, *(p.grad for p in layers.parameters())]
    layers.zero_grad()
    return gradients, [i.calls for i in layers]


def test_the_gradients_to_the_bit(ordinary):
    layers = [Layer(), Layer(), Layer()]
    kept, calls = passed(layers, False)
    assert calls == [1, 1, 1]
    again, calls = passed(layers, True)
    assert calls == [3, 3, 3]  # forward and once more
    assert all(torch.equal(a, b) for a, b in zip(kept, again, strict=True))


def test_a_layer_inside_another_is_not_checkpointed_twice(ordinary):
    inner = Layer()
    outer = Layer(inner)
    kept, _ = passed([outer], False)
    inner.calls = 0
    again, _ = passed([outer], True)
    assert inner.calls == 2
    assert all(torch.equal(a, b) for a, b in zip(kept, again, strict=True))


def test_the_hooks_of_others_run_again_with_the_layer(ordinary):
    """A hook before it, and one after it, registered before and after ours."""
    layer = Layer()
    layer.register_forward_pre_hook(lambda _, args: (args[0] * 2,))
    layer.register_forward_hook(lambda _layer, _args, result: result.square())
    kept, _ = passed([layer], False)
    again, _ = passed([layer], True)
    assert all(torch.equal(a, b) for a, b in zip(kept, again, strict=True))


class Cancelled(BaseException):
    """As newer hosts cancel."""


@pytest.mark.parametrize("failure", [RuntimeError("broken on purpose"), Cancelled()])
def test_an_exception_leaves_nothing(ordinary, failure):
    """Neither hooks, nor autograd asking the layer for what others keep."""
    layer = Layer()
    layer.failure = failure
    with pytest.raises(type(failure)), checkpointed([layer], (Layer,)):
        layer(torch.ones(3, dtype=torch.float64), {"scale": 1.0})
    assert not layer._forward_hooks and not layer._forward_pre_hooks
    x = torch.ones(2, requires_grad=True)
    x.exp().sum().backward()
    assert layer.calls == 1
    layer.failure = None
    assert len(passed([layer], True)[0]) == 2


def test_within_the_block_an_exception_leaves_nothing_either(ordinary):
    layer = Layer()
    layer.failure = RuntimeError("broken on purpose")
    with checkpointed([layer], (Layer,)):
        with pytest.raises(RuntimeError, match="on purpose"):
            layer(torch.ones(3, dtype=torch.float64), {"scale": 1.0})
        x = torch.ones(2, requires_grad=True)
        x.exp().sum().backward()
    assert layer.calls == 1


def test_a_layer_that_computes_something_else_says_so(ordinary):
    layer = Layer()
    x = torch.ones(3, dtype=torch.float64, requires_grad=True)
    with checkpointed([layer], (Layer,)):
        y = layer(x, {"scale": 1.0}).sum()
        layer.more = 1
        with pytest.raises(RuntimeError, match="computes something else"):
            y.backward()


def test_what_was_written_into_before_it_is_needed_again_is_noticed(ordinary):
    layer = Layer()
    x = torch.ones(3, dtype=torch.float64, requires_grad=True) * 1
    with checkpointed([layer], (Layer,)):
        y = layer(x, {"scale": 1.0}).sum()
        x += 1
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.backward()


def test_a_second_backward_computes_once_more(ordinary):
    layer = Layer()
    x = torch.ones(3, dtype=torch.float64, requires_grad=True)
    with checkpointed([layer], (Layer,)):
        y = layer(x, {"scale": 1.0}).sum()
        (first,) = torch.autograd.grad(y, x, retain_graph=True)
        (second,) = torch.autograd.grad(y, x)
    assert torch.equal(first, second) and layer.calls == 3
