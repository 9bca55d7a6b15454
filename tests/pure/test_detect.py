"""Every published layout of a motion module, and what is none."""

import time

import pytest
import torch
from adn_testing import motion_files
from adn_testing.motion_files import diffusers, hotshot, original
from animatediff_native.motion.config import Layout, Version
from animatediff_native.motion.detect import expected_shapes, read_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.positions import sinusoidal_positions


def read(loaded):
    return read_motion_module(loaded, "file.ckpt")


def assert_same(a, b):
    assert a.keys() == b.keys()
    # by bytes: torch cannot compare fp8
    assert all(torch.equal(a[k].view(torch.uint8), b[k].view(torch.uint8)) for k in a)


@pytest.mark.parametrize(
    ("version", "modules", "positions", "pooled"),
    [
        ("v1", 20, 24, True),
        ("v2", 21, 32, False),
        ("v3", 20, 32, False),
        ("AnimateLCM", 21, 64, False),
    ],
)
def test_original_layout(version, modules, positions, pooled):
    tensors = original(version)
    config, complete = read(dict(tensors))
    assert config.version.value == version
    assert config.layout is Layout.ORIGINAL
    assert len(config.channels) == modules
    assert config.mid_block == (modules == 21)
    assert config.position_length == positions
    assert config.cross_frame_norm is pooled
    assert sorted(set(config.channels.values())) == [32, 64, 128]
    assert all(torch.equal(complete[key], tensors[key]) for key in tensors)


SDXL_WIDTHS = (32, 64, 128)
HOTSHOT = hotshot(original("v1", widths=SDXL_WIDTHS))
SDXL_BETA = original("v3", widths=SDXL_WIDTHS)


@pytest.mark.parametrize(
    ("tensors", "version", "layout", "positions", "pooled", "own_pooled"),
    [
        (HOTSHOT, Version.HOTSHOT_XL, Layout.HOTSHOT_XL, 24, True, False),
        (SDXL_BETA, Version.SDXL_BETA, Layout.ORIGINAL, 32, False, True),
        (diffusers(SDXL_BETA), Version.SDXL_BETA, Layout.DIFFUSERS, 32, False, True),
    ],
    ids=["HotshotXL", "beta", "diffusers' beta"],
)
def test_modules_for_sdxl(tensors, version, layout, positions, pooled, own_pooled):
    config, complete = read(dict(tensors))
    assert (config.version, config.layout, config.position_length) == (version, layout, positions)
    assert (len(config.channels), config.levels, config.mid_block) == (15, 3, False)
    assert (config.cross_frame_norm, config.own_norm_over_frames) == (pooled, own_pooled)
    same = original("v1" if version is Version.HOTSHOT_XL else "v3", widths=SDXL_WIDTHS)
    assert_same(complete, same)


def test_animate_lcm_gets_its_table():
    _config, complete = read(original("AnimateLCM"))
    tables = [v for k, v in complete.items() if k.endswith(".pe")]
    assert len(tables) == 42
    assert all(torch.equal(t, sinusoidal_positions(64, t.shape[-1])) for t in tables)


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_diffusers_with_positions_equals_the_original(version):
    tensors = original(version)
    config, complete = read(diffusers(tensors))
    assert config.layout is Layout.DIFFUSERS
    assert config.version.value == version
    assert_same(complete, read(dict(tensors))[1])


def test_diffusers_without_positions_gets_the_default_table():
    tensors = original("v2")
    config, complete = read(diffusers(tensors, positions=False))
    assert (config.version, config.position_length) == (Version.V2, 32)
    assert_same(complete, read(dict(tensors))[1])


@pytest.mark.parametrize("length", [16, 48, 64])
def test_the_files_own_table_is_kept(length):
    """TemporalDiff, LongAnimateDiff, mm-p: ordinary keys, other tables."""
    tensors = original("v2", positions=length)
    tensors = {k: v * 0.5 if k.endswith(".pe") else v for k, v in tensors.items()}
    config, complete = read(dict(tensors))
    assert config.position_length == length
    assert all(torch.equal(complete[key], tensors[key]) for key in tensors)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda t: {"state_dict": t},
        lambda t: {"epoch": 3, "global_step": 9, "state_dict": t},
        lambda t: {"some_name": t},
        lambda t: {**t, "animatediff_config": {"motion_module_type": "Vanilla"}},
        lambda t: {f"module.{k}": v for k, v in t.items()},
        lambda t: {"state_dict": {f"module.{k}": v for k, v in t.items()}},
        lambda t: {f"unet.{k}": v for k, v in t.items()},
        lambda t: {**t, "down_blocks.0.resnets.0.conv1.weight": torch.zeros(1),
                   "conv_in.weight": torch.zeros(320, 4, 3, 3)},
    ],
    ids=["state_dict", "lightning", "lone dict", "stray config", "module.", "both", "unet.", "unet"],
)  # fmt: skip
def test_wrappers_and_prefixes(wrap):
    tensors = original("v3")
    config, complete = read(wrap(dict(tensors)))
    assert config.version is Version.V3
    assert_same(complete, tensors)


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2]
)
def test_storage_dtypes(dtype):
    tensors = {k: v.to(dtype) for k, v in original("v3").items()}
    assert_same(read(dict(tensors))[1], tensors)


def test_full_size_parameter_counts():
    """The published sizes: v1 and v3 417,137,600 parameters, v2 453,209,280, SDXL beta 236,779,200
    (tables not counted)."""
    sd15, sdxl = (320, 640, 1280, 1280), (320, 640, 1280)
    for version, widths, expected in (
        ("v3", sd15, 417_137_600), ("v2", sd15, 453_209_280), ("SDXL beta", sdxl, 236_779_200)
    ):  # fmt: skip
        with torch.device("meta"):
            config = read_config_of_widths(version, widths)
        shapes = expected_shapes(config)
        count = sum(torch.Size(s).numel() for k, s in shapes.items() if not k.endswith(".pe"))
        assert count == expected


def read_config_of_widths(version, widths):
    from animatediff_native.motion.config import MotionConfig, Site

    channels = {}
    for prefix, level in motion_files.sites(version == "v2", len(widths)):
        parts = prefix.split(".")
        site = Site("mid", 0, 0) if parts[0] == "mid_block" else Site(
            parts[0].removesuffix("_blocks"), int(parts[1]), int(parts[3])
        )  # fmt: skip
        channels[site] = widths[level]
    return MotionConfig(Version(version), Layout.ORIGINAL, channels, 32, False)


# what is no motion module


def lora(prefix, half="processor.to_q_lora.down.weight"):
    return {
        f"{prefix}.{half}": torch.zeros(4, 32),
        f"{prefix}.{half.replace('down', 'up')}": torch.zeros(32, 4),
    }


MODULE = (
    "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0"
)
UNET_BLOCK = "down_blocks.0.attentions.0.transformer_blocks.0.attn1"

OTHERS = {
    "HotshotXL LoRA": (lora("down_blocks.0.temporal_attentions.0", "attn1.to_q.lora_A.down"), "LoRA for HotshotXL"),
    "MotionLoRA": (lora(MODULE), "Load MotionLoRA"),
    "PEFT MotionLoRA": (
        {"unet.down_blocks.0.motion_modules.0.transformer_blocks.0.attn1.to_q.lora_A.weight": torch.zeros(4, 32)},
        "Load MotionLoRA",
    ),
    "domain adapter": (lora(UNET_BLOCK), "Load Domain Adapter"),
    "LoRA": ({"lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight": torch.zeros(4, 4)}, "Load LoRA"),
    "ControlNet": ({"control_model.zero_convs.0.0.weight": torch.zeros(4)}, "Load ControlNet"),
    "diffusers ControlNet": ({"controlnet_cond_embedding.conv_in.weight": torch.zeros(4)}, "Load ControlNet"),
    "SparseCtrl": (
        {**original("v3"), "controlnet_cond_embedding.weight": torch.zeros(32, 5, 3, 3)}, "SparseCtrl"
    ),
    "CameraCtrl": ({"qkv_merge.weight": torch.zeros(4)}, "CameraCtrl"),
    "FancyVideo": ({**original("v3"), "fps_embedding.linear.weight": torch.zeros(4)}, "FancyVideo"),
    "checkpoint": (
        {"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(4), "first_stage_model.decoder.conv_in.weight": torch.zeros(4)},
        "Load Checkpoint",
    ),
    "diffusion model": ({"down_blocks.0.resnets.0.conv1.weight": torch.zeros(4)}, "Load Diffusion Model"),
    "VAE": ({"decoder.conv_in.weight": torch.zeros(4)}, "Load VAE"),
    "text encoder": ({"text_model.encoder.layers.0.mlp.fc1.weight": torch.zeros(4)}, "Load CLIP"),
    "embedding": ({"emb_params": torch.zeros(4, 768)}, "embedding:"),
    "something else": ({"foo": torch.zeros(4)}, "foo"),
    "no tensors": ({"state_dict": {"a": 1}}, "no tensors"),
    "not a mapping": ([1, 2, 3], "no tensors"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_another_kind_of_file(name):
    loaded, hint = OTHERS[name]
    with pytest.raises(AnimateDiffError, match=hint) as caught:
        read(loaded)
    assert "file.ckpt" in caught.value.given
    assert "motion module" in caught.value.expected
    assert caught.value.remedy


def without(tensors, part):
    return {k: v for k, v in tensors.items() if part not in k}


def changed(tensors, part, change):
    return {k: change(v) if part in k else v for k, v in tensors.items()}


ATTENTION = "down_blocks.1.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.1.to_v"
BROKEN = {
    "one key missing": (without(original("v3"), ATTENTION), "lacks 1 tensor: down_blocks.1"),
    "a module missing": (without(original("v3"), "up_blocks.2.motion_modules.1."), "up_blocks.2.motion_modules.1"),
    "half the file": (dict(list(original("v3").items())[:200]), "missing"),
    "one module of HotshotXL": ({k: v for k, v in HOTSHOT.items() if "down_blocks.2.temporal_attentions.1" in k}, "beyond the SDXL layout: down_blocks.0.motion_modules.0"),
    "HotshotXL without a table": (changed(HOTSHOT, "down_blocks.0.temporal_attentions.0.transformer_blocks.0.attention_blocks.0.pos_encoder", lambda v: v[:, :8]), r"different lengths: \[8, 24\]"),
    "no norm": (without(original("v3"), "up_blocks.0.motion_modules.0.temporal_transformer.norm."), "norm.weight"),
    "wrong shape": (changed(original("v3"), ATTENTION, lambda v: v[:, :-1]), r"is \[64, 63\], not \[64, 64\]"),
    "another block's width": (changed(original("v3"), "up_blocks.3.motion_modules.2.temporal_transformer.norm.weight", lambda v: v[:16]), "groups"),
    "unknown tensors": ({**original("v3"), "mid_block.motion_modules.0.bar": torch.zeros(3)}, "norm.weight|missing"),
    "tables of two lengths": (changed(original("v3"), "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0.pos", lambda v: v[:, :16]), r"\[16, 32\]"),
    "NaN": (changed(original("v3"), ATTENTION, lambda v: v * float("nan")), "NaN"),
    "infinity": (changed(original("v3"), ATTENTION, lambda v: v / 0), "NaN or infinite"),
    "a tensor twice": ({**original("v3"), f"module.{ATTENTION}.weight": torch.zeros(64, 64)}, "it has 1 tensor twice, such as module.down_blocks.1"),
    "both layouts": ({**original("v3"), **diffusers(original("v3"), positions=False)}, "twice"),
    "a level beyond all": ({**original("v3"), "down_blocks.999999999.motion_modules.0.norm.weight": torch.zeros(3)}, "beyond the SD1.5 layout: down_blocks.999999999"),
    "a level of 5000 digits": ({**original("v3"), f"down_blocks.{'9' * 5000}.motion_modules.0.norm.weight": torch.zeros(3)}, "there is no place down_blocks.999"),
    "no channels": (changed(original("v3"), "", lambda v: v[..., :0]), "is for 0 channels"),
    "endless channels": (changed(original("AnimateLCM"), ".norm.weight", lambda v: v[:1].expand(2**20)), "is for 1048576 channels"),
    "endless positions": (changed(original("v3"), ".pe", lambda v: v[:, :1].expand(1, 2**20, v.shape[2])), "a position table of 1048576 rows"),
}  # fmt: skip


ODD = {
    "int8": (lambda v: v.to(torch.int8), "int8"),
    "quantised": (lambda v: torch.quantize_per_tensor(v, 0.1, 0, torch.qint8), "qint8"),
    "complex": (lambda v: v.to(torch.complex64), "complex64"),
    "sparse": (lambda v: v.to_sparse(), "sparse_coo"),
    "meta": (lambda v: v.to("meta"), "without its numbers"),
    "fp4": (lambda v: v.to(torch.uint8).view(torch.float4_e2m1fn_x2), "float4"),
    "endless": (lambda v: torch.ones(1).expand(2**40), "1099511627776 numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_tensors_that_are_no_weights(name):
    change, hint = ODD[name]
    with pytest.raises(AnimateDiffError, match=f"21 tensors.*down_blocks.0.*{hint}"):
        read(changed(original("v2"), "attention_blocks.1.to_v", change))
    tensors = original("v2")
    whole = {**tensors, "conv_out.weight": change(torch.ones(4))}  # what is not read may be odd
    assert_same(read(whole)[1], tensors)


def test_a_pickle_that_holds_itself():
    circle = {"epoch": 3}
    circle["self"] = circle  # type: ignore[assignment]
    with pytest.raises(AnimateDiffError, match="no tensors"):
        read(circle)
    tensors = original("v3")
    circle["state_dict"] = {**tensors, 3: torch.zeros(1)}  # type: ignore[assignment]
    assert_same(read(circle)[1], tensors)


def test_keys_of_any_length_are_recognised_at_once():
    endless = "down_blocks.0.temporal_attentions" + ".temporal_attentions." * 50_000
    start = time.process_time()
    with pytest.raises(AnimateDiffError) as caught:
        read({endless: torch.zeros(4), f"{endless}x": torch.zeros(4)})
    assert time.process_time() - start < 2 and len(str(caught.value)) < 1000


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file(name):
    loaded, hint = BROKEN[name]
    with pytest.raises(AnimateDiffError, match=hint):
        read(loaded)
