"""The domain adapter: the host's own LoRA path, checked before it is used."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import comfy.model_management
import comfy.supported_models
import pytest
import torch
from adn_testing import lora_files, motion_files, tiny
from adn_testing.traces import model_trace
from animatediff_native.lora.domain_adapter import read_domain_adapter, with_domain_adapter
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


def adapted(model, strength, tensors=None):
    read = read_domain_adapter(tensors or lora_files.domain_adapter(), "a.ckpt")
    return with_domain_adapter(model, read, "a.ckpt", strength)


@pytest.mark.usefixtures("inference")
def test_strength_zero_gives_the_bits_of_none(plain):
    before, expected = model_trace(plain), tiny.sample(plain)
    assert torch.equal(tiny.sample(adapted(plain, 0.0)), expected)
    assert not torch.equal(tiny.sample(adapted(plain, 1.0)), expected)
    assert torch.equal(tiny.sample(plain), expected)
    assert model_trace(plain) == before


@pytest.mark.usefixtures("inference")
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_equals_the_hosts_loader(plain, strength, tmp_path, monkeypatch):
    import folder_paths

    import nodes

    torch.save(lora_files.domain_adapter(), tmp_path / "a.ckpt")
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "loras", ([str(tmp_path)], {".ckpt"}))
    theirs, _ = nodes.LoraLoader().load_lora(plain, None, "a.ckpt", strength, 0.0)
    assert torch.equal(tiny.sample(adapted(plain, strength)), tiny.sample(theirs))


@pytest.mark.usefixtures("inference")
def test_merged_weights_by_hand(plain):
    """Every projection of one block's two attentions."""
    tensors = lora_files.domain_adapter()
    model = adapted(plain, 0.5, tensors)
    comfy.model_management.load_models_gpu([plain])  # an earlier test's patches may be loaded
    before = {k: v.clone() for k, v in plain.model.diffusion_model.state_dict().items()}
    comfy.model_management.load_models_gpu([model])
    merged = {k: v.clone() for k, v in model.model.diffusion_model.state_dict().items()}
    comfy.model_management.load_models_gpu([plain])
    changed = [key for key in before if not torch.equal(merged[key], before[key])]
    assert len(changed) == 16 * 8
    # ComfyUI's input block 4 is the first attention of down block 1
    theirs, ours = "down_blocks.1.attentions.0.", "input_blocks.4.1."
    for attention in ("attn1", "attn2"):
        for name in ("to_q", "to_k", "to_v", "to_out"):
            lora = f"{theirs}transformer_blocks.0.{attention}.processor.{name}_lora"
            key = f"{ours}transformer_blocks.0.{attention}.{name}{'.0' if name == 'to_out' else ''}.weight"
            delta = tensors[f"{lora}.up.weight"] @ tensors[f"{lora}.down.weight"]
            assert torch.allclose(merged[key], before[key] + 0.5 * delta, rtol=1e-6, atol=1e-6)


@pytest.mark.usefixtures("inference")
def test_before_and_after_the_motion_module(plain):
    module = tiny.motion_module("v3")
    before = tiny.sample(apply_motion_module(adapted(plain, 0.7), module))
    assert torch.equal(tiny.sample(adapted(apply_motion_module(plain, module), 0.7)), before)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda t: {"state_dict": t},
        lambda t: {"epoch": 1, "state_dict": {f"module.{k}": v for k, v in t.items()}},
        lambda t: {f"unet.{k}": v for k, v in t.items()},
    ],
    ids=["state_dict", "module.", "unet."],
)
def test_wrappers(wrap):
    tensors = lora_files.domain_adapter()
    read = read_domain_adapter(wrap(dict(tensors)), "a.ckpt")
    assert read.keys() == tensors.keys()


MADE = lora_files.domain_adapter()
UP = "mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_k_lora.up.weight"
OTHERS = {
    "MotionLoRA": (lora_files.official(lora_files.pairs()), "Load MotionLoRA"),
    "kohya MotionLoRA": (lora_files.kohya(lora_files.pairs()), "Load MotionLoRA"),
    "SDXL MotionLoRA": (
        lora_files.official(lora_files.pairs(widths=(32, 64, 128), mid_block=False, levels=3)),
        "Load MotionLoRA",
    ),
    "motion module": (motion_files.original("v3"), "Load Motion Module"),
    "SD LoRA": (
        {"lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight": torch.zeros(4, 4)},
        "Load LoRA",
    ),
    "something else": ({"foo": torch.zeros(4)}, "foo"),
    "no tensors": ({}, "no tensors"),
    "no other half": ({k: v for k, v in MADE.items() if k != UP}, "no other half"),
    "ranks disagree": ({**MADE, UP: MADE[UP][:, :3]}, "do not go together"),
    "NaN": ({**MADE, UP: MADE[UP] * float("nan")}, "NaN"),
    "unknown": ({**MADE, "foo.bar": torch.zeros(3)}, "foo.bar"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_domain_adapter(name):
    loaded, hint = OTHERS[name]
    with pytest.raises(AnimateDiffError, match=hint) as caught:
        read_domain_adapter(loaded, "a.ckpt")
    assert "a.ckpt" in caught.value.given
    assert "domain adapter" in caught.value.expected or "finite" in caught.value.expected


def test_channels_of_another_model(plain):
    wide = lora_files.domain_adapter(widths=(64, 128, 256, 256))
    with pytest.raises(AnimateDiffError, match=r"is \[32, 32.*\], the adapter's \[64, 64\]"):
        adapted(plain, 1.0, wide)


def test_a_place_that_the_model_lacks(plain):
    more = {k.replace("down_blocks.0", "down_blocks.3"): v for k, v in MADE.items()}
    with pytest.raises(AnimateDiffError, match=r"no down_blocks\.3"):
        adapted(plain, 1.0, more)


def test_a_checkpoint_of_another_family():
    other = tiny.model(config_class=comfy.supported_models.SD20, model_channels=64)
    with pytest.raises(AnimateDiffError, match="SD20"):
        adapted(other, 0.0)
