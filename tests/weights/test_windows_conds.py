"""Which conditioning reaches which frame: prompts, inpainting channels, masks, areas."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import pytest
import torch
from adn_testing import probes, tiny
from adn_testing.probes import frames_in, numbered
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers import context_handler
from animatediff_native.samplers.windows import Schedule, WindowPlan
from comfy.patcher_extension import WrappersMP

pytestmark = pytest.mark.usefixtures("inference")
FRAMES = [10, 64, 100]


def travelling_prompt(frames: int, **extra) -> list:
    """Frame f has the embedding 1 + f."""
    return [[numbered(frames, 1, 1).reshape(frames, 1, 1).repeat(1, 7, 16), extra]]


def noting(model, kind: str, note):
    model = model.clone()

    def wrapper(executor, *args, **kwargs):
        note(*args)
        return executor(*args, **kwargs)

    model.add_wrapper_with_key(kind, "probe", wrapper)
    return model


def calls_of(model, plan, frames, **options):
    """(x, sigmas, c_concat, c_crossattn, transformer_options) of every UNet call."""
    calls = []

    def note(x, t, c_concat=None, c_crossattn=None, control=None, transformer_options=None, *_):
        calls.append((x, t, c_concat, c_crossattn, transformer_options))

    probe = noting(probes.windowed(model, plan), WrappersMP.APPLY_MODEL, note)
    probes.sample_numbered(probe, frames, **options)
    return calls


@pytest.fixture(params=[1, 2], ids=["a window per call", "two windows per call"])
def per_call(request, monkeypatch):
    monkeypatch.setattr(context_handler, "windows_per_call", lambda *_: request.param)


@pytest.mark.usefixtures("per_call")
@pytest.mark.parametrize("frames", FRAMES)
@pytest.mark.parametrize("schedule", Schedule)
def test_prompts_per_frame(schedule, frames):
    prompt = travelling_prompt(frames)
    calls = calls_of(
        probes.trivial(), WindowPlan(schedule=schedule), frames, positive=prompt, negative=prompt
    )
    for x, sigmas, _, context, _ in calls:
        assert torch.equal(frames_in(x, sigmas), context[:, 0, 0].long() - 1)


@pytest.mark.usefixtures("per_call")
@pytest.mark.parametrize("frames", FRAMES)
@pytest.mark.parametrize("schedule", Schedule)
def test_inpainting_channels(schedule, frames):
    """c_concat: the mask, 1 for even frames, and the masked image, which carries a number."""
    scale = 0.18215  # of SD1.5's latent space
    extra = {
        "concat_latent_image": numbered(frames, 4, 8) / scale,
        "concat_mask": (torch.arange(frames) % 2 == 0).float()[:, None, None, None].repeat(1, 1, 8, 8),
    }  # fmt: skip
    calls = calls_of(
        probes.trivial(in_channels=9),
        WindowPlan(schedule=schedule),
        frames,
        positive=tiny.conditioning(1, **extra),
        negative=tiny.conditioning(3, **extra),
    )
    for x, sigmas, c_concat, _, _ in calls:
        rows = frames_in(x, sigmas)
        assert torch.equal(c_concat[:, 0, 0, 0].bool(), rows % 2 == 0)
        assert torch.equal(c_concat[:, 1, 0, 0].round().long() - 1, rows)


@pytest.mark.parametrize("frames", FRAMES)
@pytest.mark.parametrize("schedule", Schedule)
def test_masks_per_frame(schedule, frames):
    noted = []

    def note(_model, conds, x, timestep, _options):
        for entry in (entry for cond in conds for entry in cond if "mask" in entry):
            noted.append((frames_in(x, timestep), entry["mask"][:, 0, 0]))

    mask = numbered(frames, 1, 8)[:, 0] / frames
    model = probes.windowed(probes.trivial(), WindowPlan(schedule=schedule))
    model = noting(model, WrappersMP.CALC_COND_BATCH, note)
    result = probes.sample_numbered(model, frames, positive=tiny.conditioning(1, mask=mask))
    assert noted
    for rows, masks in noted:
        assert torch.equal((masks * frames).round().long() - 1, rows)
    assert torch.isfinite(result).all()


def test_areas_and_shared_masks_pass_as_they_are():
    """Two halves, each with its own prompt: a frame of a window is as it is without windows."""
    left = {"area": (8, 4, 0, 0), "strength": 1.0}
    mask = torch.zeros(1, 8, 8)
    mask[:, :, 4:] = 1.0
    positive = tiny.conditioning(1, **left) + tiny.conditioning(2, mask=mask)
    plain = probes.trivial()
    whole = probes.sample_numbered(plain, 40, positive=positive)
    cut = probes.sample_numbered(probes.windowed(plain, WindowPlan()), 40, positive=positive)
    # a mean of equal predictions: rounding alone
    assert torch.allclose(cut, whole, rtol=1e-4, atol=1e-4)


def test_the_timesteps_of_a_window(monkeypatch):
    calls = calls_of(probes.trivial(), WindowPlan(), 40)
    assert all(sigmas.shape[0] == x.shape[0] for x, sigmas, *_ in calls)


def test_each_call_is_told_its_window():
    """And other nodes read the frames where they look for them."""
    calls = calls_of(probes.trivial(), WindowPlan(schedule=Schedule.LOOPED), 40, cfg=1.0)
    for x, sigmas, _, _, options in calls:
        rows = frames_in(x, sigmas).tolist()
        assert options["context_window"].index_list == rows
        assert options["ad_params"]["sub_idxs"] == rows
        assert options["ad_params"]["full_length"] == 40


def test_nothing_of_a_window_is_left_in_the_models_options():
    model = probes.windowed(probes.trivial(), WindowPlan())
    before = {**model.model_options["transformer_options"]}
    probes.sample_numbered(model, 40)
    assert model.model_options["transformer_options"] == before


@pytest.mark.parametrize("frames", [10, 40], ids=["whole", "in windows"])
@pytest.mark.parametrize(
    ("positive", "said", "node"),
    [
        (travelling_prompt(12), "prompt is for 12 frames", "Prompt Schedule"),
        (tiny.conditioning(1, mask=torch.ones(12, 8, 8)), "has 12 masks", "Prompt Strength by Frame"),
    ],
)
def test_a_wrong_length_is_an_error(frames, positive, said, node):
    model = probes.windowed(probes.trivial(), WindowPlan())
    with pytest.raises(AnimateDiffError, match=f"positive .*{said}.* {frames} frames") as caught:
        probes.sample_numbered(model, frames, positive=positive)
    assert node in caught.value.remedy and "crossattn" not in str(caught.value)


def test_a_video_latent_is_an_error():
    import comfy.sample

    model = probes.windowed(probes.trivial(), WindowPlan())
    latent = torch.zeros(1, 4, 20, 8, 8)
    with pytest.raises(AnimateDiffError, match="5 dimensions"):
        comfy.sample.sample(model, latent, 1, 1.0, "euler", "normal", tiny.conditioning(1),
                            tiny.conditioning(3), latent, disable_pbar=True)  # fmt: skip
