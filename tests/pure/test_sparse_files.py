"""SparseCtrl files: the published names and shapes, wrappers around them, and what is none."""

import pytest
import torch
from adn_testing import motion_files, sparse_files
from adn_testing.fuzzing import only_our_error
from animatediff_native.conditions.sparse_files import (
    SparseConfig,
    SparseKind,
    encoder_shapes,
    read_sparse_ctrl,
)
from animatediff_native.motion.detect import expected_shapes, read_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.known_files import known_file

KINDS = ["rgb", "scribble"]


@pytest.fixture(scope="module", params=KINDS)
def whole(request):
    """A kind, and a file of it."""
    return request.param, sparse_files.original(request.param)


def read(loaded):
    return read_sparse_ctrl(loaded, "file.ckpt")


def assert_same(a, b):
    assert a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_what_is_read(whole):
    kind, tensors = whole
    config, encoder, motion = read(dict(tensors))
    assert config == SparseConfig(SparseKind(kind), motion_files.WIDTHS, 16, 32)
    assert_same({**encoder, **motion}, tensors)
    assert len(config.motion.channels) == 8 and config.motion.attentions == 1


@pytest.mark.parametrize("kind", KINDS)
def test_names_and_shapes_of_the_published_files(kind):
    """At full width, as diffusers' network of the official settings has them."""
    from diffusers.models.controlnets.controlnet_sparsectrl import SparseControlNetModel

    with torch.device("meta"):
        model = SparseControlNetModel(
            conditioning_channels=SparseKind(kind).channels,
            use_simplified_condition_embedding=kind == "rgb",
        )
    config = SparseConfig(SparseKind(kind), (320, 640, 1280, 1280), 768, 32)
    ours = {k: torch.empty(v, device="meta") for k, v in sparse_files.shapes(config).items()}
    theirs = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    assert {k: tuple(v.shape) for k, v in sparse_files.in_diffusers_names(ours).items()} == theirs
    numbers = sum(tensor.numel() for tensor in ours.values())
    assert numbers == sum(tensor.numel() for tensor in model.state_dict().values())
    for key, shape in {
        "conv_in.weight": (320, 4, 3, 3),
        "controlnet_down_blocks.3.weight": (320, 320, 1, 1),
        "controlnet_down_blocks.11.bias": (1280,),
        "down_blocks.2.motion_modules.1.temporal_transformer.transformer_blocks.0."
        "attention_blocks.0.pos_encoder.pe": (1, 32, 1280),
    }.items():
        assert tuple(ours[key].shape) == shape
    assert len(encoder_shapes(config)) + len(expected_shapes(config.motion)) == len(theirs)


WRAPPERS = {
    "controlnet": lambda t: {"controlnet": t, "animatediff_config": {"fps": 8}},
    "state_dict": lambda t: {"epoch": 3, "state_dict": t},
    "module.": lambda t: {"controlnet": {f"module.{k}": v for k, v in t.items()}},
    "a stray config": lambda t: {**t, "animatediff_config": {"fps": 8}},
    "diffusers": sparse_files.in_diffusers_names,
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers(whole, wrapper):
    _, tensors = whole
    found = read(WRAPPERS[wrapper](dict(tensors)))
    assert_same({**found.encoder, **found.motion}, tensors)


def test_without_tables_and_with_longer_ones(whole):
    _, tensors = whole
    found = read({k: v for k, v in tensors.items() if not k.endswith(".pe")})
    assert_same({**found.encoder, **found.motion}, tensors)
    longer = sparse_files.original(whole[0], positions=48)
    assert read(longer).config.positions == 48


def changed(part, change):
    return lambda t: {k: change(v) if part in k else v for k, v in t.items()}


def without(part):
    return lambda t: {k: v for k, v in t.items() if part not in k}


BROKEN = {
    "a missing tensor": (without("down_blocks.2.resnets.1.norm2.bias"), "lacks 1 tensor: down_bl"),
    "no middle": (without("mid_block.resnets"), "lacks 20 tensors"),
    "no pictures' layer": (without("cond_embedding"), "it has none"),
    "a motion module less": (without("down_blocks.3.motion_modules.1."), "lacks .* tensors"),
    "a further tensor": (lambda t: {**t, "x.y": torch.zeros(2)}, "1 tensor of no known kind: x.y"),
    "a wrong shape": (changed("time_embedding.linear_2.weight", lambda v: v[:5]), r"is \[5, 128\]"),
    "no widths": (without("resnets.0.conv1"), "it has no down_blocks.0.resnets.0.conv1.weight"),
    "odd widths": (changed("resnets.0.conv1.weight", lambda v: v[:-3]), "channels"),
    "NaN": (changed("conv_in.bias", lambda v: v * float("nan")), "NaN or infinite"),
    "int8": (changed("conv_in.bias", lambda v: v.to(torch.int8)), "int8"),
    "tables of two lengths": (
        changed("down_blocks.1.motion_modules.0.temporal_transformer.transformer_blocks.0."
                "attention_blocks.0.pos_encoder.pe", lambda v: v[:, :7]), "tables"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files(whole, name):
    change, said = BROKEN[name]
    with pytest.raises(AnimateDiffError, match=said):
        read(change(dict(whole[1])))


OTHERS = {
    "a motion module": (motion_files.original("v3"), "Load Motion Module"),
    "a ControlNet": (
        {"controlnet_cond_embedding.conv_in.weight": torch.zeros(16, 3, 3, 3)},
        "ComfyUI's Load ControlNet Model",
    ),
    "no SparseCtrl model": ({"x": torch.zeros(4)}, "v3_sd15_sparsectrl_rgb.ckpt"),
    "a LoRA for the checkpoint": ({"lora_unet_x.lora_down.weight": torch.zeros(4)}, "Load LoRA"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_files_of_other_kinds(name):
    tensors, remedy = OTHERS[name]
    with pytest.raises(AnimateDiffError, match=name) as caught:
        read(tensors)
    assert remedy in caught.value.remedy


def test_a_sparse_ctrl_where_a_motion_module_is_to_be(whole):
    with pytest.raises(AnimateDiffError, match="is a SparseCtrl model") as caught:
        read_motion_module(dict(whole[1]), "file.ckpt")
    assert "move it to models/controlnet, press R, and choose it in Load SparseCtrl" in (
        caught.value.remedy
    )


@pytest.mark.parametrize("kind", KINDS)
def test_where_they_can_be_had(kind):
    known = known_file(f"v3_sd15_sparsectrl_{kind}.ckpt")
    assert known is not None and known.directory == "controlnet"
    assert known.url.endswith(f"/guoyww/animatediff/resolve/main/v3_sd15_sparsectrl_{kind}.ckpt")


def test_anything_is_read_or_refused(whole):
    """Each tensor gone, emptied, or of another shape: one error, never another."""
    tensors = whole[1]
    for number, key in enumerate(tensors):
        for odd in (None, torch.zeros(0), tensors[key][None], torch.tensor(1.0))[number % 4 :][:1]:
            rest = {k: v for k, v in tensors.items() if k != key}
            loaded = rest if odd is None else {**rest, key: odd}
            only_our_error(lambda loaded=loaded: read(loaded), AnimateDiffError)
