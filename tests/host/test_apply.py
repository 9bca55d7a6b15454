"""What Apply Motion Module refuses, and what it reports."""

# The host is typed loosely, and differently in every version.
# pyright: reportOptionalMemberAccess=false, reportArgumentType=false

import logging

import comfy.supported_models
import pytest
import torch
from adn_testing import tiny
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError

pytestmark = pytest.mark.usefixtures("inference")


def sdxl():
    return tiny.model(
        config_class=comfy.supported_models.SDXL,
        channel_mult=[1, 2, 4],
        num_res_blocks=[2, 2, 2],
        transformer_depth=[0, 0, 1, 1, 1, 1],
        transformer_depth_output=[0, 0, 0, 1, 1, 1, 1, 1, 1],
        num_classes="sequential",
        adm_in_channels=16,
    )


def sd2():
    return tiny.model(config_class=comfy.supported_models.SD20, model_channels=64)


@pytest.mark.parametrize(("make", "name"), [(sdxl, "SDXL"), (sd2, "SD20")])
def test_a_checkpoint_of_another_family(make, name):
    with pytest.raises(AnimateDiffError, match=name) as caught:
        apply_motion_module(make(), tiny.motion_module("v3"))
    assert "SD1.5" in caught.value.expected


def test_a_module_of_another_width():
    narrow = tiny.motion_module("v3", widths=(32, 64, 96, 96))
    with pytest.raises(AnimateDiffError, match="96 channels where the UNet has 128"):
        apply_motion_module(tiny.model(), narrow)


def test_a_unet_of_fewer_levels():
    pruned = tiny.model(
        channel_mult=[1, 2, 4],
        num_res_blocks=[2, 2, 2],
        transformer_depth=[1, 1, 1, 1, 1, 1],
        transformer_depth_output=[1] * 9,
    )
    with pytest.raises(AnimateDiffError, match=r"no place for down_blocks\.3|channels where"):
        apply_motion_module(pruned, tiny.motion_module("v3"))


@pytest.mark.parametrize(("start", "end"), [(0.5, 0.5), (0.8, 0.2)])
def test_an_empty_range(start, end):
    with pytest.raises(AnimateDiffError, match="start before the end"):
        apply_motion_module(
            tiny.model(), tiny.motion_module("v3"), start_percent=start, end_percent=end
        )


@pytest.mark.parametrize("frames", [1, 7])
def test_few_frames_warn(caplog, frames):
    tiny.sample(apply_motion_module(tiny.model(), tiny.motion_module("v3")), frames=frames, steps=1)
    assert f"{frames} frame" in caplog.text
    assert "at least 8" in caplog.text


def test_enough_frames_do_not_warn(caplog):
    tiny.sample(apply_motion_module(tiny.model(), tiny.motion_module("v3")), frames=8, steps=1)
    assert not [
        r for r in caplog.records if r.levelno >= logging.WARNING and "AnimateDiff" in r.message
    ]


def test_one_line_per_run(caplog):
    caplog.set_level(logging.INFO, logger="animatediff_native")
    animated = apply_motion_module(
        tiny.model(), tiny.motion_module("v2"), strength=0.8, end_percent=0.5
    )
    caplog.clear()
    tiny.sample(animated, frames=8, steps=4, cfg=1.0)
    (line,) = [r.message for r in caplog.records if r.name == "animatediff_native"]
    assert "v2.safetensors (v2)" in line
    assert "21 modules inserted in 2 of 4 model calls" in line
    assert "8 frames" in line
    assert "strength 0.8" in line
    assert "0% to 50%" in line


def test_a_range_between_two_steps_is_said(caplog):
    animated = apply_motion_module(
        tiny.model(), tiny.motion_module("v2"), start_percent=0.5, end_percent=0.51
    )
    tiny.sample(animated, steps=2, cfg=1.0)
    assert "took no part" in caplog.text


def test_the_host_makes_room_for_the_motion_module(monkeypatch):
    """The motion network is among the models that the host loads for a run."""
    import comfy.model_management

    module = tiny.motion_module("v3")
    animated = apply_motion_module(tiny.model(), module)
    tiny.sample(animated, steps=1)
    entries = comfy.model_management.current_loaded_models
    loaded = [entry.model.model for entry in entries if entry.model is not None]
    assert any(model is module.patcher.model for model in loaded)


def test_the_host_counts_what_belongs_to_an_effect(monkeypatch):
    """An effect's own network is among the models that room is made for at once, by its size."""
    import comfy.model_management
    from animatediff_native.motion.effects import Effect

    class WithNetwork(Effect):
        companion = tiny.motion_module("v3", seed=9).patcher

    asked, load = [], comfy.model_management.load_models_gpu

    def watched(models, *args, **kwargs):
        asked.append([each.model for each in models])
        return load(models, *args, **kwargs)

    monkeypatch.setattr(comfy.model_management, "load_models_gpu", watched)
    model, module = tiny.model(), tiny.motion_module("v3").with_effect(WithNetwork())
    tiny.sample(apply_motion_module(model, module), steps=1)
    (together,) = [models for models in asked if model.model in models]
    assert module.patcher.model in together
    assert WithNetwork.companion.model in together
    assert WithNetwork.companion.model_size() == module.patcher.model_size() > 0


def test_half_precision_weights_follow_the_unet():
    """fp16 storage computes in the UNet's dtype: here fp32, so only rounding of weights differs."""
    tensors = tiny.motion_files.original("v3")
    exact = module_of(tensors)
    halved = module_of({k: v.half() for k, v in tensors.items()})
    halved.patcher.model.half()
    model = tiny.model()
    a = tiny.sample(apply_motion_module(model, exact), steps=1)
    b = tiny.sample(apply_motion_module(model, halved), steps=1)
    assert b.dtype == a.dtype == torch.float32
    # fp16 weights: 2^-11 relative each, over 20 blocks
    assert ((a - b).abs().max() / a.std()).item() < 0.02


def module_of(tensors):
    from animatediff_native.motion.detect import read_motion_module
    from animatediff_native.motion.load import MotionModule, build_patcher

    config, complete = read_motion_module(dict(tensors), "mm")
    return MotionModule("mm", config, build_patcher(config, complete))
