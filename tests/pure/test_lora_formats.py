"""Every published format of a MotionLoRA, and what is none."""

import logging

import pytest
import torch
from adn_testing import lora_files, motion_files
from adn_testing.lora_files import (
    ATTENTION,
    FEED_FORWARD,
    RANK,
    diffusers_legacy,
    domain_adapter,
    kohya,
    kohya_diffusers,
    official,
    peft,
)
from animatediff_native.lora.formats import read_motion_lora
from animatediff_native.motion.errors import AnimateDiffError

FORMATS = {
    "official": (official, ATTENTION, 1.0),
    "MotionDirector": (official, ATTENTION + FEED_FORWARD, 1.0),
    "diffusers": (diffusers_legacy, ATTENTION, 1.0),
    "PEFT": (peft, ATTENTION, 1.0),
    "PEFT with feed-forward": (peft, ATTENTION + FEED_FORWARD, 1.0),
    "kohya": (kohya, ATTENTION + FEED_FORWARD, 2.0 / RANK),
    "kohya, diffusers names": (kohya_diffusers, ATTENTION + FEED_FORWARD, 2.0 / RANK),
}


def read(loaded):
    return read_motion_lora(loaded, "lora.ckpt")


def assert_reads(loaded, made, scale):
    found = read(loaded)
    assert found.keys() == {lora_files.weight_key(*place) for place in made}
    for place, (down, up) in made.items():
        pair = found[lora_files.weight_key(*place)]
        assert torch.equal(pair.down, down) and torch.equal(pair.up, up)
        assert pair.scale == scale


@pytest.mark.parametrize("name", FORMATS)
def test_every_format(name):
    write, names, scale = FORMATS[name]
    made = lora_files.pairs(names=names)
    assert_reads(write(made), made, scale)


def test_the_size_of_the_official_files():
    """Published: 336 tensors, 19,333,120 parameters, 73.75 MiB in fp32."""
    tensors = official(lora_files.pairs(rank=64, widths=(320, 640, 1280, 1280)))
    assert len(tensors) == 336
    assert sum(tensor.numel() for tensor in tensors.values()) == 19_333_120


@pytest.mark.parametrize(
    "wrap",
    [
        lambda t: {"state_dict": t},
        lambda t: {"epoch": 3, "state_dict": t},
        lambda t: {f"module.{k}": v for k, v in t.items()},
        lambda t: {f"unet.{k}": v for k, v in t.items()},
        lambda t: {f"motion_module.{k}": v for k, v in t.items()},
        lambda t: dict(reversed(t.items())),
    ],
    ids=["state_dict", "lightning", "module.", "unet.", "motion_module.", "other order"],
)
def test_wrappers_and_prefixes(wrap):
    made = lora_files.pairs()
    assert_reads(wrap(official(made)), made, 1.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_storage_dtypes(dtype):
    made = {k: (d.to(dtype), u.to(dtype)) for k, (d, u) in lora_files.pairs().items()}
    assert_reads(official(made), made, 1.0)


def test_halves_as_convolutions():
    made = lora_files.pairs()
    tensors = {k: v if v.ndim == 0 else v[..., None, None] for k, v in kohya(made).items()}
    assert_reads(tensors, made, 2.0 / RANK)


def test_tensors_of_other_models_are_named_in_a_warning(caplog):
    caplog.set_level(logging.WARNING)
    made = lora_files.pairs()
    spatial = domain_adapter()
    assert_reads(official(made) | spatial, made, 1.0)
    assert f"{len(spatial)} tensors of lora.ckpt" in caplog.text


OTHERS = {
    "domain adapter": (domain_adapter(), "Load Domain Adapter"),
    "SD LoRA": (
        {"lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight": torch.zeros(4, 4)},
        "Load LoRA",
    ),
    "motion module": (motion_files.original("v3"), "Load Motion Module"),
    "HotshotXL LoRA": (
        {"down_blocks.0.temporal_attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight": torch.zeros(4, 4)},
        "LoRA for HotshotXL",
    ),
    "checkpoint": ({"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(4)}, "Load Checkpoint"),
    "VAE": ({"decoder.conv_in.weight": torch.zeros(4)}, "Load VAE"),
    "something else": ({"foo": torch.zeros(4)}, "foo"),
    "no tensors": ({"state_dict": {"a": 1}}, "no tensors"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_another_kind_of_file(name):
    loaded, hint = OTHERS[name]
    with pytest.raises(AnimateDiffError, match=hint) as caught:
        read(loaded)
    assert "lora.ckpt" in caught.value.given
    assert "MotionLoRA" in caught.value.expected
    assert caught.value.remedy


def changed(part, change):
    return {k: change(v) if part in k else v for k, v in official(lora_files.pairs()).items()}


BLOCK = "up_blocks.1.motion_modules.2.temporal_transformer.transformer_blocks.0.attention_blocks.1"
PART = f"{BLOCK}.processor.to_v_lora"
WHOLE = official(lora_files.pairs())
BROKEN = {
    "no up": ({k: v for k, v in WHOLE.items() if k != f"{PART}.up.weight"}, "no up half"),
    "no down": ({k: v for k, v in WHOLE.items() if k != f"{PART}.down.weight"}, "no down half"),
    "ranks disagree": (changed(f"{PART}.up", lambda v: v[:, :3]), "down 4, up 3"),
    "channels of one half": (changed(f"{PART}.down", lambda v: v[:, :-1]), r"\[128, 127\] where \[128, 128\]"),
    "channels of one pair": (
        {k: v[:, :64] if f"{PART}.down" in k else v[:64] if f"{PART}.up" in k else v for k, v in WHOLE.items()},
        r"\[64, 64\] where \[128, 128\]",
    ),
    "NaN": (changed(f"{PART}.up", lambda v: v * float("nan")), "NaN"),
    "infinity": (changed(f"{PART}.up", lambda v: v / 0), "NaN or infinite"),
    "vectors": (changed(f"{PART}.up", lambda v: v[:, 0]), "no matrices"),
    "unknown weight": ({**WHOLE, f"{BLOCK}.processor.to_x_lora.up.weight": torch.zeros(4, 4)}, "to_x"),
    "DoRA": ({**WHOLE, f"{BLOCK}.to_q.lora_magnitude_vector": torch.zeros(4)}, "magnitude"),
    "a weight twice": ({**WHOLE, f"module.{PART}.up.weight": torch.zeros(128, 4)}, "twice"),
    "an alpha of two numbers": (
        {k: v.expand(2) if k.endswith("alpha") else v for k, v in kohya(lora_files.pairs()).items()},
        "2 of them",
    ),
    "rank 0": (changed(PART, lambda v: v[:0] if len(v) == 4 else v[:, :0]), "rank 0"),
    "no channels": (changed(f"{PART}.down", lambda v: v[:, :0]), "no channels"),
    "int8": (changed(f"{PART}.up", lambda v: v.to(torch.int8)), "1 tensor other than plain weights.*to_v.*int8"),
    "sparse": (changed(f"{PART}.up", lambda v: v.to_sparse()), "1 tensor other than plain weights.*sparse"),
    "a level of 5000 digits": ({**WHOLE, f"up_blocks.{'9' * 5000}.motion_modules.0.x.to_q_lora.up.weight": torch.zeros(4, 4)}, "no known name"),
    "only an alpha": ({**WHOLE, "mid_block.motion_modules.0.temporal_transformer.proj_in.alpha": torch.tensor(1.0)}, "no down and no up"),
}  # fmt: skip


ALPHAS = {
    "two numbers": torch.ones(2),
    "none": torch.ones(0),
    "NaN": torch.tensor(float("nan")),
    "infinity": torch.tensor(float("inf")),
    "complex": torch.tensor(1 + 1j),
    "without contents": torch.ones((), device="meta"),
}


@pytest.mark.parametrize("name", ALPHAS)
def test_an_alpha_that_is_no_number(name):
    tensors = kohya(lora_files.pairs())
    key = next(key for key in tensors if key.endswith(".alpha"))
    with pytest.raises(AnimateDiffError, match=r"the alpha of down_blocks.0.* is no number"):
        read({**tensors, key: ALPHAS[name]})


@pytest.mark.parametrize("alpha", [torch.tensor(2), torch.tensor([2.0]), torch.tensor([[2]])])
def test_an_alpha_in_any_shape_of_one_number(alpha):
    made = lora_files.pairs()
    tensors = {k: alpha if k.endswith(".alpha") else v for k, v in kohya(made).items()}
    assert_reads(tensors, made, 2.0 / RANK)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file(name):
    loaded, hint = BROKEN[name]
    with pytest.raises(AnimateDiffError, match=hint):
        read(loaded)


def test_one_for_sdxl():
    """Three levels; which motion module it fits shows where it is applied."""
    made = lora_files.pairs(widths=(32, 64, 128), mid_block=False, levels=3)
    assert_reads(official(made), made, 1.0)


def test_a_part_of_the_sites_is_enough():
    """Only some blocks trained."""
    made = {k: v for k, v in lora_files.pairs().items() if k[0][:13] in ("up_blocks.0.m", "up_blocks.1.m", "up_blocks.2.m")}  # fmt: skip
    assert_reads(official(made), made, 1.0)
