"""A space-time U-Net's motion module: its start, its numbers, its file."""

import pytest
import torch
from adn_testing import tiny
from adn_testing.shared_frames import CLOSE, blocks_of, by_hand, called, given
from animatediff_native.motion.apply import apply_frame_sharing, apply_motion_module
from animatediff_native.motion.config import Version
from animatediff_native.motion.detect import expected_shapes, read_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.load import MotionModule, build_patcher, load_motion_module
from animatediff_native.motion.recognise import MOTION_MODULE, kind_of
from animatediff_native.training.space_time import new_space_time_module
from safetensors.torch import save_file

FILE = "space_time.safetensors"


@pytest.fixture(scope="module")
def model():
    return tiny.model()


@pytest.fixture(scope="module")
def begun(model):
    return new_space_time_module(model, FILE, seed=1)


def trained(module, seed=2):
    """With other weights throughout, as a training leaves them."""
    tensors = module.patcher.model.as_in_files()
    generator = torch.Generator().manual_seed(seed)
    for key, each in tensors.items():
        if key.endswith(".pe"):
            continue
        scale = each[0].numel() ** -0.5 if each.ndim > 1 else 0.1
        tensors[key] = each + scale * torch.randn(each.shape, generator=generator)
    return MotionModule(FILE, module.config, build_patcher(module.config, tensors))


def test_its_start_is_nearest_sampled_frames_exactly(model, begun):
    x, t, context = given()
    found = called(apply_motion_module(model, begun), x, t, context)
    assert torch.equal(found, called(apply_frame_sharing(model, 3), x, t, context))


@pytest.mark.parametrize("frames", [8, 5])
def test_a_call_equals_plain_torch(model, begun, frames):
    x, t, context = given(frames)
    moving = apply_motion_module(model, trained(begun))
    found = called(moving, x, t, context)
    motion = blocks_of(moving, frames)
    network = moving.get_additional_models()[0].model
    with torch.no_grad():
        wanted = by_hand(
            model.model.diffusion_model, x, t, context, frames, 3, motion, resamplers=network
        )
    assert (found - wanted).abs().max() <= CLOSE * wanted.std()
    nearest = called(apply_frame_sharing(model, 3), x, t, context)
    assert (found - nearest).std() > 1e-2 * nearest.std()


def test_off_is_the_model_without(model, begun):
    plain = tiny.sample(model)
    module = trained(begun)
    assert torch.equal(tiny.sample(apply_motion_module(model, module, strength=0.0)), plain)
    assert torch.equal(tiny.sample(apply_motion_module(model, module, 1.0, 0.2, 0.3)), plain)


def test_a_second_motion_module_sees_the_frames_that_are_there(model, begun):
    x, t, context = given()
    both = apply_motion_module(apply_motion_module(model, begun), tiny.motion_module("v2"))
    shared = apply_frame_sharing(apply_motion_module(model, tiny.motion_module("v2")), 3)
    assert torch.equal(called(both, x, t, context), called(shared, x, t, context))


def test_one_way_of_sharing_for_a_model(model, begun):
    with pytest.raises(AnimateDiffError, match="already"):
        apply_motion_module(apply_frame_sharing(model, 1), begun)
    with pytest.raises(AnimateDiffError, match=FILE):
        apply_frame_sharing(apply_motion_module(model, begun), 1)
    assert apply_frame_sharing(apply_motion_module(model, begun), 0)  # off


def test_its_file_is_recognised_and_loads_the_same(model, begun, tmp_path):
    module = trained(begun)
    tensors = module.patcher.model.as_in_files()
    save_file(tensors, tmp_path / FILE)
    loaded = load_motion_module(tmp_path / FILE)
    assert loaded.config == module.config
    assert loaded.config.version is Version.SPACE_TIME
    assert kind_of(tensors) is MOTION_MODULE
    assert {k: tuple(v.shape) for k, v in tensors.items()} == expected_shapes(loaded.config)
    again = tiny.sample(apply_motion_module(model, loaded))
    assert torch.equal(again, tiny.sample(apply_motion_module(model, module)))
    named = {f"module.{key}": each for key, each in tensors.items()}
    assert read_motion_module(named, FILE)[0] == module.config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("up_blocks.0.temporal_upsampler.conv.weight"), "lacks 1 tensor"),
        (lambda t: t.pop("down_blocks.1.motion_modules.0.factorised_convolution.temporal.bias"),
         "lacks 1 tensor"),
        (lambda t: [t.pop(k) for k in list(t) if k.startswith("mid_block")], "missing: mid_block"),
        (lambda t: t.update({"up_blocks.9.motion_modules.0.x": torch.zeros(1)}), "no known kind"),
        (lambda t: t["mid_block.motion_modules.0.temporal_transformer.norm.weight"].fill_(
            float("nan")), "NaN"),
        (lambda t: [t.pop(k) for k in list(t) if k.endswith(".pe")], "no table of positions"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_whole(begun, change, message):
    tensors = {key: each.clone() for key, each in begun.patcher.model.as_in_files().items()}
    change(tensors)
    with pytest.raises(AnimateDiffError, match=message):
        read_motion_module(tensors, FILE)
