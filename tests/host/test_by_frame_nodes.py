"""The nodes for strengths by frame, as the host calls them."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalMemberAccess=false

import folder_paths
import pytest
import torch
from adn_testing import probes, spatial_lora, tiny
from adn_testing.unet_call import relative_error
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.frame_control import FrameControlStrengths
from animatediff_native.nodes.frame_guidance import ApplyFrameGuidance
from animatediff_native.nodes.frame_lora import ApplyFrameLora
from animatediff_native.nodes.frame_prompt import FramePromptStrengths

import nodes

pytestmark = pytest.mark.usefixtures("inference")
FRAMES = 4
RAMP = [0.0, 0.4, 0.8, 1.2]
ALL = (ApplyFrameLora, FrameControlStrengths, FramePromptStrengths, ApplyFrameGuidance)


@pytest.fixture(scope="module")
def plain():
    return tiny.model()


@pytest.fixture
def lora(plain, tmp_path, monkeypatch):
    tensors = spatial_lora.kohya(spatial_lora.weights_of(plain))
    torch.save(tensors, tmp_path / "look.pt")
    entry = ([str(tmp_path)], {".pt"})
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "loras", entry)
    return "look.pt"


def sampled(model, **options):
    return tiny.sample(model, frames=FRAMES, steps=2, **options)


@pytest.mark.parametrize("node", ALL)
def test_every_input_and_output_has_a_tooltip(node):
    schema = node.define_schema()
    assert all(each.tooltip for each in (*schema.inputs, *schema.outputs))
    assert schema.category == "AnimateDiff" and schema.description


def test_lora_by_frame(plain, lora):
    got = sampled(ApplyFrameLora.execute(plain, lora, 0.5, RAMP)[0])
    loader = nodes.LoraLoaderModelOnly()
    for frame, factor in enumerate(RAMP):
        theirs = loader.load_lora_model_only(plain, lora, 0.5 * factor)[0]
        assert relative_error(got[frame], sampled(theirs)[frame]) < 1e-4
    theirs = sampled(loader.load_lora_model_only(plain, lora, 0.5)[0])
    assert torch.equal(sampled(ApplyFrameLora.execute(plain, lora, 0.5)[0]), theirs)
    assert torch.equal(sampled(ApplyFrameLora.execute(plain, lora, 0.25, 2.0)[0]), theirs)


def test_lora_by_frame_sees_a_changed_file(lora):
    assert ApplyFrameLora.fingerprint_inputs(lora) != ApplyFrameLora.fingerprint_inputs("other.pt")


def test_a_file_that_is_gone(plain, lora):
    with pytest.raises(AnimateDiffError, match=r"'gone.pt' is not in models/loras"):
        ApplyFrameLora.execute(plain, "gone.pt", 1.0, RAMP)


def test_controlnet_strength_by_frame():
    """Behind the host's own node, once for both prompts and once for the positive alone."""
    model, net = probes.trivial(), probes.ProbeControl(probes.numbered(1), [])
    net.copy = lambda: probes.ProbeControl(probes.numbered(1), [])
    images = torch.arange(1.0, FRAMES + 1)[:, None, None, None].repeat(1, 64, 64, 3)

    def applied(strength):
        conds = tiny.conditioning(1), tiny.conditioning(3)
        return nodes.ControlNetApplyAdvanced().apply_controlnet(*conds, net, images, strength, 0, 1)

    positive, negative = applied(0.5)
    both = FrameControlStrengths.execute(positive, [*RAMP[1:], 2.0], negative)
    got = sampled(model, positive=both[0], negative=both[1])
    for frame, factor in enumerate([*RAMP[1:], 2.0]):
        positive, negative = applied(0.5 * factor)
        expected = sampled(model, positive=positive, negative=negative)
        assert relative_error(got[frame], expected[frame]) < 1e-4
    alone = FrameControlStrengths.execute(applied(0.5)[0], 2.0)
    assert alone[1] == [] and alone[0][0][1]["control"].strength == 1.0


def test_prompt_strength_by_frame(plain):
    """Behind the host's Conditioning (Combine)."""
    first = FramePromptStrengths.execute(tiny.conditioning(1), RAMP)[0]
    second = FramePromptStrengths.execute(tiny.conditioning(2), [1.0 - v / 2 for v in RAMP])[0]
    mixed = nodes.ConditioningCombine().combine(first, second)[0]
    got = tiny.sample(plain, FRAMES, 1, 1.0, positive=mixed)
    apart = [
        tiny.sample(plain, FRAMES, 1, 1.0, positive=tiny.conditioning(seed)) for seed in (1, 2)
    ]
    for frame, weight in enumerate(RAMP):
        other = 1.0 - weight / 2
        mean = (weight * apart[0][frame] + other * apart[1][frame]) / (weight + other)
        assert relative_error(got[frame], mean) < 1e-4


def test_cfg_by_frame_and_step(plain):
    model, picture = ApplyFrameGuidance.execute(plain, 5.0, "", RAMP).args[:2]
    got = sampled(model, cfg=1.0)
    for frame, factor in enumerate(RAMP):
        assert relative_error(got[frame], sampled(plain, cfg=5.0 * factor)[frame]) < 1e-4
    assert picture.ndim == 4 and picture.shape[0] == 1
    assert ApplyFrameGuidance.execute(plain, 5.0, "0: 1.0, 1: 0.5", RAMP)[1].shape[0] == 2
    assert ApplyFrameGuidance.execute(plain, 5.0, "0: 1.0, 1: 0.5")[1].shape[0] == 1
    with pytest.raises(AnimateDiffError, match="is no keyframe"):
        ApplyFrameGuidance.execute(plain, 5.0, "2: 1.0")


@pytest.mark.parametrize("values", [[], ["a"], [float("nan")]])
def test_what_is_no_list_of_numbers(plain, lora, values):
    for call in (
        lambda: ApplyFrameLora.execute(plain, lora, 1.0, values),
        lambda: FrameControlStrengths.execute(tiny.conditioning(1), values),
        lambda: FramePromptStrengths.execute(tiny.conditioning(1), values),
        lambda: ApplyFrameGuidance.execute(plain, 5.0, "", values),
    ):
        with pytest.raises(AnimateDiffError, match="frame_strengths"):
            call()


def test_an_area_from_black_to_white():
    """(mask - min) / (max - min) over all masks; one shade stays what it is."""
    from animatediff_native.nodes.motion_strength import MotionStrength

    def area(masks, stretch):
        given = (1.0, "output", "", "", "", 0.0)
        ((field,), _) = MotionStrength.execute(*given, area=masks, stretch_area=stretch).args
        return field.area

    masks = torch.tensor([[[0.2, 0.4]], [[0.6, 0.7]]])
    assert torch.equal(area(masks, False), masks)
    assert torch.allclose(area(masks, True), torch.tensor([[[0.0, 0.4]], [[0.8, 1.0]]]))
    plain = torch.full((1, 2, 2), 0.3)
    assert torch.equal(area(plain, True), plain)
