"""Files of PIA and AnimateLCM-I2V: keys and shapes as published, and what is not whole."""

import pytest
import torch
from adn_testing import image_files, motion_files
from animatediff_native.motion.beside import shapes_beside
from animatediff_native.motion.config import Layout, MotionConfig, Version, sd15_sites
from animatediff_native.motion.detect import read_beside, read_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.known_files import known_file

FULL = (320, 640, 1280, 1280)
KINDS = {"PIA": image_files.pia, "AnimateLCM-I2V": image_files.i2v}


def read(tensors):
    config, complete = read_motion_module(tensors, "file.ckpt")
    return config, complete, read_beside(tensors, config, "file.ckpt")


def test_pia():
    """v1's norms, whose structure it has, although its table is as long as v3's."""
    tensors = image_files.pia()
    config, complete, own = read(dict(tensors))
    assert (config.version, config.position_length) == (Version.PIA, 32)
    assert config.cross_frame_norm and not config.mid_block
    assert own.keys() == {"conv_in.weight", "conv_in.bias"}
    assert all(torch.equal(({**complete, **own})[key], tensors[key]) for key in tensors)
    assert str(config) == "PIA, 20 modules, up to 32 frames at once, norms over all frames"


def test_animate_lcm_i2v():
    tensors = image_files.i2v()
    config, complete, own = read(dict(tensors))
    assert (config.version, config.position_length) == (Version.ANIMATE_LCM_I2V, 64)
    assert not config.cross_frame_norm and config.mid_block and not config.own_table
    assert own.keys() == image_files.encoder().keys()
    assert all(torch.equal(({**complete, **own})[key], tensors[key]) for key in tensors)
    assert str(config) == "AnimateLCM-I2V, 21 modules, up to 64 frames at once"


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_shapes(kind):
    version = Version(kind)
    levels = [FULL[site.level if site.block == "down" else 3 - site.level]
              for site in sd15_sites(False)]  # fmt: skip
    channels = dict(zip(sd15_sites(False), levels, strict=True))
    config = MotionConfig(version, Layout.ORIGINAL, channels, 32, False)
    shapes = shapes_beside(config)
    if kind == "PIA":
        assert shapes == {"conv_in.weight": (320, 9, 3, 3), "conv_in.bias": (320,)}
        return
    assert shapes["img_encoder.conv_in.weight"] == (320, 4, 3, 3)
    assert shapes["img_encoder.body.2.in_conv.weight"] == (640, 320, 1, 1)
    assert shapes["img_encoder.body.4.in_conv.weight"] == (1280, 640, 1, 1)
    assert shapes["img_encoder.body.7.block2.weight"] == (1280, 1280, 1, 1)
    assert "img_encoder.body.6.in_conv.weight" not in shapes
    assert len(shapes) == 2 * (1 + 8 * 2 + 2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda t: {"state_dict": t},
        lambda t: {f"module.{k}": v for k, v in t.items()},
        lambda t: {"state_dict": {f"module.{k}": v for k, v in t.items()}},
        lambda t: {**t, "down_blocks.0.resnets.0.conv1.weight": torch.zeros(1)},
    ],
    ids=["state_dict", "module.", "both", "unet"],
)
def test_wrappers_and_prefixes(kind, wrap):
    tensors = KINDS[kind]()
    config, _, own = read(wrap(dict(tensors)))
    assert config.version is Version(kind)
    assert own and all(torch.equal(own[key], tensors[key]) for key in own)


def test_pia_as_diffusers_has_it():
    """A MotionAdapter with conv_in_channels 9 has the same two names."""
    layer = image_files.pia_conv_in()
    config, _, own = read({**motion_files.diffusers(motion_files.original("v3")), **layer})
    assert (config.version, config.layout) == (Version.PIA, Layout.DIFFUSERS)
    assert all(torch.equal(own[key], layer[key]) for key in layer)


def without(tensors, *keys):
    return {key: tensor for key, tensor in tensors.items() if key not in keys}


DAMAGED = {
    "PIA without its bias": (without(image_files.pia(), "conv_in.bias"), "lacks 1 tensor"),
    "PIA of another width": (
        {**image_files.pia(), **image_files.pia_conv_in(64)},
        r"conv_in.weight is \[64, 9, 3, 3\], not \[32, 9, 3, 3\]",
    ),
    "PIA with NaN": (
        {**image_files.pia(), "conv_in.bias": torch.full((32,), torch.nan)},
        "NaN or infinite weights in 1 tensor: conv_in.bias",
    ),
    "PIA quantised": (
        {**image_files.pia(), "conv_in.bias": torch.zeros(32, dtype=torch.int8)},
        r"conv_in.bias \(int8\)",
    ),
    "I2V without a layer": (
        without(image_files.i2v(), "img_encoder.body.3.block1.weight"),
        "lacks 1 tensor: img_encoder.body.3.block1.weight",
    ),
    "I2V with more": (
        {**image_files.i2v(), "img_encoder.body.8.block1.bias": torch.zeros(128)},
        "1 tensor of no known kind: img_encoder.body.8.block1.bias",
    ),
    "I2V with infinity": (
        {**image_files.i2v(), "img_encoder.conv_in.bias": torch.full((32,), torch.inf)},
        "NaN or infinite",
    ),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_what_is_not_whole(what):
    tensors, said = DAMAGED[what]
    with pytest.raises(AnimateDiffError, match=said):
        read(tensors)


def test_a_plain_motion_module_has_nothing_beside():
    """Also one that was saved with the whole UNet of its training."""
    unet = {"conv_in.weight": torch.zeros(320, 4, 3, 3), "conv_in.bias": torch.zeros(320)}
    config, _, own = read({**motion_files.original("v3"), **unet})
    assert config.version is Version.V3
    assert not own


@pytest.mark.parametrize(
    ("name", "repository", "folder"),
    [
        ("pia.ckpt", "Leoxing/PIA", "animatediff_models"),
        ("AnimateLCM_sd15_i2v.ckpt", "wangfuyun/AnimateLCM-I2V", "animatediff_models"),
        ("AnimateLCM_sd15_i2v_lora.safetensors", "wangfuyun/AnimateLCM-I2V", "loras"),
    ],
)
def test_where_the_files_are(name, repository, folder):
    file = known_file(name)
    assert file is not None
    assert (file.page, file.directory) == (f"https://huggingface.co/{repository}", folder)
