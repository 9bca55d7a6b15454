"""An ordinary LoRA by frame: each frame as the host's LoRA at that frame's strength makes it."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import gc
import logging
import weakref

import comfy.sd
import pytest
import torch
from adn_testing import probes, spatial_lora, tiny
from adn_testing.traces import model_trace
from adn_testing.unet_call import relative_error
from animatediff_native.lora import frame_lora
from animatediff_native.lora.frame_lora import with_frame_lora
from animatediff_native.lora.spatial import read_lora
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers.windows import WindowPlan
from comfy.patcher_extension import WrappersMP

pytestmark = pytest.mark.usefixtures("inference")
FRAMES, STEPS = 4, 2
STRENGTHS = [0.0, 0.5, 1.0, -0.7]
TOLERANCE = 1e-4  # of the deviation: rounding of sums in another order


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


@pytest.fixture(scope="module")
def shapes(plain):
    return spatial_lora.weights_of(plain)


@pytest.fixture(params=["batched", "apart"])
def cfg_calls(request, plain, monkeypatch):
    if request.param == "apart":
        monkeypatch.setattr(plain.model, "memory_required", lambda *_, **__: 1e18)


def by_frame(model, tensors, strengths, file="a.safetensors"):
    return with_frame_lora(model, read_lora(dict(tensors), file, model), strengths)


def hosts(model, tensors, strength):
    return comfy.sd.load_lora_for_models(model, None, dict(tensors), strength, 0.0)[0]


def sampled(model, frames=FRAMES, **options):
    return tiny.sample(model, frames=frames, steps=STEPS, **options)


def frames_apart(model, tensors, strengths, **options):
    """Every frame from a whole run of the host's LoRA at its strength."""
    runs = {s: sampled(hosts(model, tensors, s), len(strengths), **options) for s in strengths}
    return torch.stack([runs[s][frame] for frame, s in enumerate(strengths)])


KINDS = {
    "LoRA": lambda model: spatial_lora.kohya(spatial_lora.weights_of(model)),
    "LoRA without alpha": lambda model: spatial_lora.kohya(
        spatial_lora.weights_of(model), alpha=None
    ),
    "LoCon": lambda model: spatial_lora.kohya(spatial_lora.weights_of(model, "diffusion_model")),
    "LoCon with a kernel in the middle": lambda model: spatial_lora.locon_with_mid(
        spatial_lora.weights_of(model, "in_layers.2")
    ),
    "LoHa": lambda model: spatial_lora.loha(spatial_lora.weights_of(model)),
    "LoKr": lambda model: spatial_lora.lokr(spatial_lora.weights_of(model, "in_layers.2")),
    "differences": lambda model: spatial_lora.diff(spatial_lora.weights_of(model, "in_layers.2")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_frame_as_with_the_hosts_lora(plain, kind):
    tensors = KINDS[kind](plain)
    expected = frames_apart(plain, tensors, STRENGTHS)
    got = sampled(by_frame(plain, tensors, STRENGTHS))
    assert relative_error(got, expected) < TOLERANCE
    assert relative_error(sampled(plain)[1:], expected[1:]) > 0.05, "the LoRA does nothing"


def test_norms_and_biases(plain):
    """Differences of the norms' weights and biases, as full fine-tunes have them."""
    generator = torch.Generator().manual_seed(3)
    state = plain.model.state_dict()
    tensors = {
        f"{key.removesuffix('.weight')}.{part}": 0.3 * torch.randn(len(value), generator=generator)
        for key, value in state.items()
        if value.ndim == 1 and key.endswith(".weight")
        for part in ("w_norm", "b_norm")
    }
    expected = frames_apart(plain, tensors, STRENGTHS)
    assert relative_error(sampled(by_frame(plain, tensors, STRENGTHS)), expected) < TOLERANCE


def test_cond_and_uncond_together_and_apart(plain, shapes, cfg_calls):
    tensors = spatial_lora.kohya(shapes)
    expected = frames_apart(plain, tensors, STRENGTHS)
    assert relative_error(sampled(by_frame(plain, tensors, STRENGTHS)), expected) < TOLERANCE


def test_several_add_up(plain, shapes):
    """Two by frame and one of the host's; one reaches layers that the other does not."""
    half = dict(list(shapes.items())[::2])
    first, second = spatial_lora.kohya(half, 1), spatial_lora.kohya(shapes, 2, rank=5)
    constant = hosts(plain, spatial_lora.kohya(shapes, 7), 0.4)
    ramp = [1.0, 0.0, 0.3, 0.6]
    model = by_frame(by_frame(constant, first, STRENGTHS), second, ramp)
    got = sampled(model)
    for frame in range(FRAMES):
        merged = hosts(hosts(constant, first, STRENGTHS[frame]), second, ramp[frame])
        assert relative_error(got[frame], sampled(merged)[frame]) < TOLERANCE


@pytest.mark.parametrize("per_call", [1, 2])
def test_in_windows_by_the_clips_frames(plain, shapes, monkeypatch, per_call):
    """Without motion a frame does not know its window."""
    from animatediff_native.samplers import context_handler

    monkeypatch.setattr(context_handler, "windows_per_call", lambda *_: per_call)
    tensors = spatial_lora.kohya(shapes)
    ramp = [0.1 * frame for frame in range(10)]
    whole = sampled(by_frame(plain, tensors, ramp), 10)
    windows = probes.windowed(by_frame(plain, tensors, ramp), WindowPlan(4, 2))
    assert relative_error(sampled(windows, 10), whole) < TOLERANCE
    assert relative_error(whole[-1:], sampled(hosts(plain, tensors, ramp[-1]), 10)[-1:]) < TOLERANCE


def test_with_a_motion_module(plain, shapes):
    """The order of the two does not matter; one strength for all frames, computed by frame, is
    the host's merged LoRA."""
    tensors, module = spatial_lora.kohya(shapes), tiny.motion_module()
    before = apply_motion_module(by_frame(plain, tensors, STRENGTHS), module)
    behind = by_frame(apply_motion_module(plain, module), tensors, STRENGTHS)
    assert torch.equal(sampled(before), sampled(behind))
    animated = apply_motion_module(plain, module)
    nearly = by_frame(animated, tensors, [0.6, 0.6, 0.6, 0.6 + 1e-7])
    merged = sampled(hosts(animated, tensors, 0.6))
    assert relative_error(sampled(nearly), merged) < TOLERANCE
    assert relative_error(sampled(behind), merged) > 0.05


def test_where_attention_is_tiled(plain, shapes):
    """A layer is then given each frame in pieces."""
    tiled = plain.clone()
    tiled.set_model_attn1_patch(lambda *qkv: [_halves(each) for each in qkv[:3]])
    tiled.set_model_attn1_output_patch(lambda out, _: out.unflatten(0, (-1, 2)).flatten(1, 2))
    tensors = spatial_lora.kohya(shapes)
    expected = frames_apart(tiled, tensors, STRENGTHS, size=16)
    got = sampled(by_frame(tiled, tensors, STRENGTHS), size=16)
    assert relative_error(got, expected) < TOLERANCE
    assert relative_error(sampled(tiled, size=16), sampled(plain, size=16)) > 0.01


def _halves(tokens):
    return tokens.unflatten(1, (2, -1)).flatten(0, 1)


def test_where_frames_are_merged_is_an_error(plain, shapes):
    merged = plain.clone()
    merged.set_model_attn1_patch(lambda *qkv: [each[:3] for each in qkv[:3]])
    with pytest.raises(AnimateDiffError, match=r"given 3 of 8 frames"):
        sampled(by_frame(merged, spatial_lora.kohya(shapes), STRENGTHS))


def test_several_clips_in_a_batch(plain, shapes):
    """Each clip's frames have the list's strengths."""
    tensors = spatial_lora.kohya(shapes)
    moving = apply_motion_module(plain, tiny.motion_module(), strength=1e-9, clips=2)
    got = sampled(by_frame(moving, tensors, STRENGTHS), 8)
    expected = frames_apart(plain, tensors, STRENGTHS * 2)
    assert relative_error(got, expected) < TOLERANCE


def test_one_strength_for_all_is_the_hosts_bits(plain, shapes):
    tensors = spatial_lora.kohya(shapes)
    expected = sampled(hosts(plain, tensors, 0.6))
    assert torch.equal(sampled(by_frame(plain, tensors, [0.6])), expected)
    assert torch.equal(sampled(by_frame(plain, tensors, [0.6] * FRAMES)), expected)


def test_strength_zero_is_the_plain_models_bits(plain, shapes):
    tensors, expected = spatial_lora.kohya(shapes), sampled(plain)
    assert torch.equal(sampled(by_frame(plain, tensors, [0.0])), expected)
    assert torch.equal(sampled(by_frame(plain, tensors, [0.0] * FRAMES)), expected)
    got = sampled(by_frame(plain, tensors, [0.0, 0.0, 0.0, 1.0]))
    assert relative_error(got[:3], expected[:3]) < TOLERANCE and not torch.equal(
        got[3], expected[3]
    )


@pytest.mark.parametrize("strengths", [[0.0, 0.5], [0.5] * 3, [0.0] * 5])
def test_a_list_of_another_length_is_an_error(plain, shapes, strengths):
    model = by_frame(plain, spatial_lora.kohya(shapes), strengths)
    with pytest.raises(AnimateDiffError, match=rf"{len(strengths)} values .* {FRAMES} frames"):
        sampled(model)


def hooks_of(model):
    return [m for m in model.model.modules() if m._forward_hooks]


def test_nothing_is_left_behind(plain, shapes):
    """Also after an exception in the UNet."""
    before, expected = model_trace(plain), sampled(plain)
    model = by_frame(plain, spatial_lora.kohya(shapes), STRENGTHS)
    sampled(model)
    assert not hooks_of(plain)
    failing = model.clone()

    def fail(*_):
        assert hooks_of(plain)
        raise RuntimeError("no")

    failing.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "probe", fail)
    with pytest.raises(RuntimeError, match="no"):
        sampled(failing)
    assert not hooks_of(plain)
    assert model_trace(plain) == before and torch.equal(sampled(plain), expected)


def test_what_is_kept_goes_with_the_run(plain, shapes):
    runs = []
    model = by_frame(plain, spatial_lora.kohya(shapes), STRENGTHS)

    def note(executor, *args, **kwargs):
        runs.append(weakref.ref(args[5][frame_lora.KEY]))
        return executor(*args, **kwargs)

    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "probe", note)
    sampled(model)
    gc.collect()
    assert runs and all(run() is None for run in runs)


def test_factors_are_placed_once_a_run(plain, shapes, monkeypatch):
    made = []
    update = frame_lora._update
    monkeypatch.setattr(frame_lora, "_update", lambda *a: (made.append(a[1]), update(*a))[1])
    sampled(by_frame(plain, spatial_lora.kohya(shapes), STRENGTHS))
    assert len(made) == len(set(made)) == len(shapes)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_weights_of_other_dtypes(shapes, dtype):
    """Cast for every layer by the host; the LoRA's files are in half precision too."""
    model = tiny.model_cast(dtype)
    tensors = {k: v.half() if v.ndim else v for k, v in spatial_lora.kohya(shapes).items()}
    got = sampled(by_frame(model, tensors, STRENGTHS))
    runs = [sampled(by_frame(model, tensors, [s, s, s, s + 1e-7])) for s in STRENGTHS]
    for frame, run in enumerate(runs):
        assert relative_error(got[frame], run[frame]) < TOLERANCE
    assert relative_error(got[2], sampled(model)[2]) > 0.02


def test_the_compiled_model_has_it_too(plain, shapes):
    """Also where it was compiled, and had run, without it. One layer is enough to compile."""
    torch_helpers = pytest.importorskip("comfy_api.torch_helpers")
    tensors = spatial_lora.kohya(shapes)
    expected = sampled(by_frame(plain, tensors, STRENGTHS))
    compiled = plain.clone()
    place = "diffusion_model.middle_block.1.transformer_blocks.0.ff"
    torch_helpers.set_torch_compile_wrapper(compiled, backend="eager", keys=[place])
    without = sampled(compiled)
    assert relative_error(sampled(by_frame(compiled, tensors, STRENGTHS)), expected) < TOLERANCE
    assert torch.equal(sampled(compiled), without)


def test_text_encoder_keys_are_left_out_with_a_word(plain, shapes, caplog):
    tensors = {**spatial_lora.kohya(shapes), **spatial_lora.text_encoder()}
    for strengths in (STRENGTHS, [0.5]):
        caplog.clear()
        with caplog.at_level(logging.INFO):
            by_frame(plain, tensors, strengths)
        assert "strength_model 0" in caplog.text and "lora key not loaded" not in caplog.text


def test_unknown_keys_are_named(plain, shapes, caplog):
    tensors = {**spatial_lora.kohya(shapes), "lora_unet_other.lora_up.weight": torch.ones(2, 2)}
    by_frame(plain, tensors, STRENGTHS)
    assert "lora_unet_other" in caplog.text


def test_files_that_are_none(plain):
    from adn_testing import lora_files, motion_files

    for tensors, words in (
        (motion_files.original("v2", 0), "Load Motion Module"),
        (lora_files.official(lora_files.pairs()), "Load MotionLoRA"),
        (spatial_lora.text_encoder(), "without weights for this model"),
        ({"a": torch.ones(2)}, "has keys like a"),
        ({}, "holds no tensors"),
    ):
        with pytest.raises(AnimateDiffError, match=words):
            by_frame(plain, tensors, STRENGTHS)


def test_a_lora_of_other_shapes(plain, shapes):
    wide = {name: torch.Size([s[0], s[1] + 1, *s[2:]]) for name, s in shapes.items()}
    with pytest.raises(AnimateDiffError, match="does not fit this model"):
        by_frame(plain, spatial_lora.kohya(wide), STRENGTHS)
    with pytest.raises(AnimateDiffError, match="does not fit this model"):
        sampled(by_frame(plain, spatial_lora.loha(wide), STRENGTHS))


def test_a_dora_is_an_error_by_frame_alone(plain, shapes):
    tensors = spatial_lora.kohya(shapes)
    for name, shape in shapes.items():
        tensors[f"{name}.dora_scale"] = torch.ones(shape[0], 1)
    with pytest.raises(AnimateDiffError, match=r"DoRA[\s\S]*one strength for all"):
        by_frame(plain, tensors, STRENGTHS)
    expected = sampled(hosts(plain, tensors, 0.5))
    assert torch.equal(sampled(by_frame(plain, tensors, [0.5])), expected)


def test_nan_is_an_error(plain, shapes):
    tensors = spatial_lora.kohya(shapes)
    tensors[next(iter(tensors))][0, 0] = torch.nan
    with pytest.raises(AnimateDiffError, match="NaN"):
        by_frame(plain, tensors, STRENGTHS)


def test_the_domain_adapter_by_frame(plain):
    from adn_testing import lora_files

    tensors = lora_files.domain_adapter()
    expected = frames_apart(plain, tensors, STRENGTHS)
    assert relative_error(sampled(by_frame(plain, tensors, STRENGTHS)), expected) < TOLERANCE
