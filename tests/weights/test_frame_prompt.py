"""The weight of a prompt by frame, against the weighted mean of the prompts' own predictions."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import pytest
import torch
from adn_testing import probes, tiny
from adn_testing.unet_call import relative_error
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers.frame_prompt import with_prompt_strengths
from animatediff_native.samplers.windows import WindowPlan

pytestmark = pytest.mark.usefixtures("inference")
FRAMES = 8
RAMP = [frame / 7 for frame in range(FRAMES)]
FALL = [2.0 - 2 * value for value in RAMP]
TOLERANCE = 1e-4  # of the deviation


@pytest.fixture(scope="module")
def plain():
    return tiny.model()


def one_step(model, positive, frames=FRAMES, cfg=1.0, **options):
    """A step to sigma 0: the prediction itself."""
    return tiny.sample(model, frames, 1, cfg, positive=positive, **options)


def weighted(seed, values, **settings):
    return with_prompt_strengths(tiny.conditioning(seed, **settings), values)


def mean_of(predictions, weights):
    """predictions: [F, ...] each; weights: [F] each, or with the shape of a mask."""
    weights = [torch.tensor(w).reshape(-1, 1, 1, 1) if isinstance(w, list) else w for w in weights]
    products = [p * w for p, w in zip(predictions, weights, strict=True)]
    return sum(products) / sum(weights)


@pytest.mark.parametrize("animated", [False, True])
def test_the_weighted_mean_of_the_prompts_predictions(plain, animated):
    model = apply_motion_module(plain, tiny.motion_module()) if animated else plain
    got = one_step(model, weighted(1, RAMP) + weighted(2, FALL))
    apart = [one_step(model, tiny.conditioning(seed)) for seed in (1, 2)]
    assert relative_error(got, mean_of(apart, [RAMP, FALL])) < TOLERANCE
    assert relative_error(apart[0], apart[1]) > 0.05


def test_in_windows_by_the_clips_frames(plain):
    model = probes.windowed(plain, WindowPlan(4, 2))
    got = one_step(model, weighted(1, RAMP) + weighted(2, FALL))
    apart = [one_step(plain, tiny.conditioning(seed)) for seed in (1, 2)]
    assert relative_error(got, mean_of(apart, [RAMP, FALL])) < TOLERANCE


def test_under_guidance_and_in_the_negative(plain):
    mixed = weighted(1, RAMP) + weighted(2, FALL)
    apart = [one_step(plain, tiny.conditioning(seed)) for seed in (1, 2)]
    mean, other = mean_of(apart, [RAMP, FALL]), one_step(plain, tiny.conditioning(3))
    got = one_step(plain, mixed, cfg=4.0)
    assert relative_error(got, other + 4 * (mean - other)) < TOLERANCE
    got = one_step(plain, tiny.conditioning(3), cfg=4.0, negative=mixed)
    assert relative_error(got, mean + 4 * (other - mean)) < TOLERANCE


def test_several_clips_in_a_batch(plain):
    model = apply_motion_module(plain, tiny.motion_module(), clips=2)
    half = [0.1, 0.5, 0.2, 1.0]
    got = one_step(model, weighted(1, half) + weighted(2, [1.0]))
    apart = [one_step(model, tiny.conditioning(seed)) for seed in (1, 2)]
    assert relative_error(got, mean_of(apart, [half * 2, [1.0] * 8])) < TOLERANCE


@pytest.mark.parametrize("frames", [None, 1, FRAMES], ids=["[h, w]", "one", "one per frame"])
def test_beside_a_mask(plain, frames):
    """The mask that is there is multiplied, whatever its size."""
    shape = (8, 8) if frames is None else (frames, 8, 8)
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    kept = mask.clone()
    settings = {"mask": mask, "mask_strength": 0.7, "set_area_to_bounds": False}
    got = one_step(plain, weighted(1, RAMP, **settings) + weighted(2, [0.5]))
    apart = [one_step(plain, tiny.conditioning(seed)) for seed in (1, 2)]
    by_pixel = (
        0.7 * (mask if frames else mask[None])[:, None] * torch.tensor(RAMP)[:, None, None, None]
    )
    assert relative_error(got, mean_of(apart, [by_pixel, [0.5] * FRAMES])) < TOLERANCE
    assert torch.equal(mask, kept)


def test_a_mask_of_another_length_is_an_error():
    with pytest.raises(AnimateDiffError, match=r"8 values, .* 5 masks"):
        weighted(1, RAMP, mask=torch.ones(5, 4, 4))


def test_ones_are_the_conditioning_itself(plain):
    conds = tiny.conditioning(1)
    for values in ([1.0], [1.0] * FRAMES):
        changed = with_prompt_strengths(conds, values)
        assert torch.equal(one_step(plain, changed), one_step(plain, conds))


def test_a_prompt_alone_has_no_weight(plain):
    got, expected = one_step(plain, weighted(1, FALL)), one_step(plain, tiny.conditioning(1))
    assert relative_error(got, expected) < TOLERANCE


def test_weight_zero_is_the_bits_of_the_other_prompt(plain, monkeypatch):
    """Where each prompt has a call of its own; larger batches round otherwise."""
    monkeypatch.setattr(plain.model, "memory_required", lambda *_, **__: 1e18)
    got = one_step(plain, weighted(1, [0.0] * FRAMES) + tiny.conditioning(2))
    assert torch.equal(got, one_step(plain, tiny.conditioning(2)))


def test_where_no_prompt_has_a_weight_all_count_alike(plain):
    """Instead of no prediction at all."""
    none = [0.0] * 4 + [1.0] * 4
    got = one_step(plain, weighted(1, none) + weighted(2, none))
    apart = [one_step(plain, tiny.conditioning(seed)) for seed in (1, 2)]
    assert relative_error(got, (apart[0] + apart[1]) / 2) < TOLERANCE


def test_less_than_nothing_is_an_error():
    with pytest.raises(AnimateDiffError, match=r"holds -0.5"):
        weighted(1, [1.0, -0.5])


@pytest.mark.parametrize("windows", [False, True])
def test_a_list_of_another_length_is_an_error(plain, windows):
    model = apply_motion_module(plain, tiny.motion_module())
    model = (
        probes.windowed(model, WindowPlan(4, 2))
        if windows
        else probes.windowed(model, WindowPlan())
    )
    with pytest.raises(AnimateDiffError, match=r"5 masks, .* 8 frames"):
        one_step(model, weighted(1, [0.5, 1.0, 0.5, 1.0, 0.5]) + weighted(2, [1.0]))


def test_the_conditioning_that_goes_in_stays_as_it_is():
    conds = tiny.conditioning(1, mask=torch.ones(1, 4, 4))
    settings = dict(conds[0][1])
    with_prompt_strengths(conds, RAMP)
    assert conds[0][1] == settings
