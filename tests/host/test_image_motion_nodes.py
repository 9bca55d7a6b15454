"""PIA Image and AnimateLCM-I2V Image, as the host calls them."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalMemberAccess=false

import logging

import pytest
import safetensors.torch
import torch
from adn_testing import image_files, motion_files, tiny, tiny_vae
from animatediff_native.conditions.pia_masks import PiaMotion, pia_mask
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.config import Norms
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.load import load_motion_module
from animatediff_native.nodes.image_motion import I2VImage, PiaImage

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


@pytest.fixture(scope="module")
def vae():
    return tiny_vae.vae()


FILES = {
    "pia.safetensors": image_files.pia,
    "i2v.safetensors": image_files.i2v,
    "v3.safetensors": lambda: motion_files.original("v3"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    for name, make in FILES.items():
        safetensors.torch.save_file(make(), folder / name)
    return folder


@pytest.mark.parametrize("node", [PiaImage, I2VImage])
def test_every_input_and_output_has_a_tooltip(node):
    schema = node.define_schema()
    assert all(each.tooltip for each in (*schema.inputs, *schema.outputs))
    assert schema.category == "AnimateDiff" and schema.description


def test_the_inputs_in_their_order():
    assert [each.id for each in PiaImage.define_schema().inputs] == [
        "motion_module", "image", "vae", "motion", "image_frame", "frame_strengths",
    ]  # fmt: skip
    assert [each.id for each in I2VImage.define_schema().inputs] == [
        "motion_module", "image", "vae", "motion_scale",
    ]  # fmt: skip


def test_the_loader_says_what_it_loaded(folder, caplog):
    caplog.set_level(logging.INFO, logger="animatediff_native")
    pia = load_motion_module(folder / "pia.safetensors")
    i2v = load_motion_module(folder / "i2v.safetensors")
    assert "pia.safetensors (PIA, 20 modules, up to 32 frames at once, norms over all" in caplog.text
    assert "i2v.safetensors (AnimateLCM-I2V, 21 modules, up to 64 frames at once)" in caplog.text
    assert pia.beside.keys() == {"conv_in.weight", "conv_in.bias"}
    assert i2v.beside.keys() == image_files.encoder().keys()
    assert not load_motion_module(folder / "v3.safetensors").beside


def test_norms_can_be_chosen(folder):
    config = load_motion_module(folder / "pia.safetensors", Norms.PER_FRAME).config
    assert not config.cross_frame_norm and config.version.value == "PIA"


def test_a_damaged_file_is_refused(folder, tmp_path):
    tensors = image_files.pia()
    del tensors["conv_in.bias"]
    safetensors.torch.save_file(tensors, tmp_path / "pia.safetensors")
    with pytest.raises(AnimateDiffError, match="lacks 1 tensor: conv_in"):
        load_motion_module(tmp_path / "pia.safetensors")


def test_pia_image(plain, vae, folder):
    module = load_motion_module(folder / "pia.safetensors")
    picture = image_files.picture()
    sampled = {}
    for name, settings in {
        "small": ("small motion",),
        "large": ("large motion",),
        "last": ("small motion", -1),
        "by hand": ("large motion", 3, pia_mask(PiaMotion.SMALL, 8)),
    }.items():
        found = PiaImage.execute(module, picture, vae, *settings)[0]
        sampled[name] = tiny.sample(apply_motion_module(plain, found), steps=1)
    assert torch.equal(sampled["by hand"], sampled["small"])
    assert not torch.equal(sampled["large"], sampled["small"])
    assert not torch.equal(sampled["last"], sampled["small"])
    assert not module.effects  # what was given is as it was


def test_pia_image_says_whose_list_is_of_another_length(plain, vae, folder):
    module = load_motion_module(folder / "pia.safetensors")
    found = PiaImage.execute(module, image_files.picture(), vae, "small motion", 0, [1.0, 0.5])[0]
    with pytest.raises(AnimateDiffError, match="of PIA Image has 2 values for a clip of 8"):
        tiny.sample(apply_motion_module(plain, found))


def test_i2v_image(plain, vae, folder):
    module = load_motion_module(folder / "i2v.safetensors")
    a, b = (
        tiny.sample(apply_motion_module(plain, I2VImage.execute(
            module, image_files.picture(), vae, scale)[0]), steps=1)
        for scale in (0.0, 0.8)
    )  # fmt: skip
    assert not torch.equal(a, b)


@pytest.mark.parametrize(
    ("node", "settings", "file", "said"),
    [
        (PiaImage, ("small motion",), "v3", "the kind v3.*choose pia.ckpt \\(from https"),
        (PiaImage, ("small motion",), "i2v", "the kind AnimateLCM-I2V"),
        (I2VImage, (0.8,), "pia", "the kind PIA.*choose AnimateLCM_sd15_i2v.ckpt"),
    ],
)
def test_another_motion_module(vae, folder, node, settings, file, said):
    module = load_motion_module(folder / f"{file}.safetensors")
    with pytest.raises(AnimateDiffError, match=f"(?s){said}"):
        node.execute(module, image_files.picture(), vae, *settings)


@pytest.mark.parametrize(
    ("node", "settings", "file"),
    [(PiaImage, ("small motion",), "pia"), (I2VImage, (0.8,), "i2v")],
)
def test_a_second_picture_is_refused(vae, folder, node, settings, file):
    module = load_motion_module(folder / f"{file}.safetensors")
    once = node.execute(module, image_files.picture(), vae, *settings)[0]
    with pytest.raises(AnimateDiffError, match="has a picture already"):
        node.execute(once, image_files.picture(), vae, *settings)
