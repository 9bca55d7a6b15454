"""The training losses against sums written out, and the clips that a step draws.

Tolerance: 1e-5 relative, for fp32 sums of some hundred terms in another order.
"""

# torch is typed loosely.
# pyright: reportArgumentType=false, reportOptionalSubscript=false

import itertools

import pytest
import torch
from animatediff_native.training.clip_set import ClipSet
from animatediff_native.training.objective import debiased, debiased_noise_loss, noise_loss

TOLERANCE = 1e-5
CLIPS, FRAMES = 2, 3
SHAPE = (CLIPS, FRAMES, 2, 2, 3)
ANCHORS = torch.tensor([2, 0])


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def prediction_and_noise():
    return random(*SHAPE, seed=1).requires_grad_(), random(*SHAPE, seed=2)


def elements():
    """Index of every number: clip, frame, channel, row, column."""
    return itertools.product(*map(range, SHAPE))


def without_appearance(error, clip, frame, place):
    """sqrt(1^2 + 1) x_i - 1 x_anchor of one number, from MotionDirector's equation 5."""
    anchor = int(ANCHORS[clip])
    return 2**0.5 * error[(clip, frame, *place)].item() - error[(clip, anchor, *place)].item()


# the losses


def test_noise_loss_is_the_mean_of_the_squares():
    predicted, noise = prediction_and_noise()
    squares = [(predicted[i].item() - noise[i].item()) ** 2 for i in elements()]
    expected = sum(squares) / len(squares)
    assert noise_loss(predicted, noise).item() == pytest.approx(expected, rel=TOLERANCE)


def test_debiased_loss_by_hand():
    """Both terms are linear in the error, so phi(eps') - phi(eps) = phi(eps' - eps)."""
    predicted, noise = prediction_and_noise()
    error = (predicted - noise).detach()
    plain = [error[i].item() ** 2 for i in elements()]
    apart = [without_appearance(error, i[0], i[1], i[2:]) ** 2 for i in elements()]
    expected = sum(plain) / len(plain) + sum(apart) / len(apart)
    loss = debiased_noise_loss(predicted, noise, ANCHORS)
    assert loss.item() == pytest.approx(expected, rel=TOLERANCE)


def test_an_error_that_all_frames_share_hardly_counts_without_appearance():
    """phi leaves sqrt(2) - 1 of it: 1 + (sqrt(2) - 1)^2 times its square in all."""
    shared = random(CLIPS, 1, 2, 2, 3).expand(SHAPE)
    loss = debiased_noise_loss(shared, torch.zeros(SHAPE), ANCHORS)
    factor = 1 + (2**0.5 - 1) ** 2
    assert loss.item() == pytest.approx(factor * shared.square().mean().item(), rel=TOLERANCE)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_what_debiasing_leaves_of_independent_noise(beta):
    """Variance (sqrt(beta^2 + 1) - beta)^2 of the anchor, beta^2 + 1 + beta^2 of other frames."""
    noise = random(1, 2, 100_000, 1, 1)
    left = debiased(noise, torch.tensor([0]), beta)[0].var(dim=(1, 2, 3))
    expected = torch.tensor([((beta**2 + 1) ** 0.5 - beta) ** 2, 2 * beta**2 + 1])
    assert torch.allclose(left, expected, rtol=0.02)  # 100,000 samples: 0.5 %


def test_a_perfect_prediction_costs_nothing():
    _, noise = prediction_and_noise()
    assert noise_loss(noise, noise) == debiased_noise_loss(noise, noise, ANCHORS) == 0


def test_half_precision_predictions_are_compared_in_fp32():
    predicted, noise = prediction_and_noise()
    half = predicted.detach().bfloat16()
    assert torch.equal(noise_loss(half, noise), noise_loss(half.float(), noise))
    debiased_half = debiased_noise_loss(half, noise, ANCHORS)
    assert torch.equal(debiased_half, debiased_noise_loss(half.float(), noise, ANCHORS))


# their gradients


def test_gradient_of_the_noise_loss():
    predicted, noise = prediction_and_noise()
    noise_loss(predicted, noise).backward()
    expected = 2 * (predicted - noise).detach() / noise.numel()
    assert torch.allclose(predicted.grad, expected, rtol=TOLERANCE, atol=1e-9)


def test_gradient_of_the_debiased_loss():
    """d/dx_i: 2 x_i / N + 2 sqrt(2) phi_i / N, and for the anchor -2 / N times all phi besides."""
    predicted, noise = prediction_and_noise()
    debiased_noise_loss(predicted, noise, ANCHORS).backward()
    error, count = (predicted - noise).detach(), noise.numel()
    for clip, frame, *place in elements():
        phi = [without_appearance(error, clip, i, place) for i in range(FRAMES)]
        expected = 2 * error[(clip, frame, *place)].item() + 2 * 2**0.5 * phi[frame]
        if frame == ANCHORS[clip]:
            expected -= 2 * sum(phi)
        found = predicted.grad[(clip, frame, *place)].item()
        assert found == pytest.approx(expected / count, rel=TOLERANCE, abs=1e-7)


# the clips


NO_PROMPT = torch.full((7, 5), -1.0)


def clip_set(clips=6, no_prompt: torch.Tensor | None = NO_PROMPT):
    """Clip i and its latents are full of i, held still of -i; prompt j of three is full of j."""
    latents = torch.arange(float(clips))[:, None, None, None, None].expand(clips, 4, 4, 2, 2)
    contexts = torch.arange(3.0)[:, None, None].expand(3, 7, 5)
    return ClipSet(latents, contexts, torch.arange(clips) % 3, no_prompt, -latents)


def draw(clips, count, dropout=0.0, seed=0):
    return clips.draw(count, dropout, torch.Generator().manual_seed(seed))


def numbers(tensor):
    """What each entry of the first axis is full of."""
    return tensor.flatten(1)[:, 0].tolist()


def test_the_generator_decides_what_is_drawn():
    one, again, other = (draw(clip_set(), 20, 0.5, seed) for seed in (1, 1, 2))
    assert torch.equal(one.latents, again.latents) and torch.equal(one.context, again.context)
    assert not torch.equal(one.latents, other.latents)


def test_every_clip_comes_with_its_own_prompt():
    batch = draw(clip_set(), 50)
    assert batch.latents.shape == (50, 4, 4, 2, 2) and batch.context.shape == (50, 7, 5)
    assert numbers(batch.context) == [number % 3 for number in numbers(batch.latents)]


def test_every_clip_comes_with_itself_held_still():
    batch = draw(clip_set(), 50)
    assert batch.still is not None and torch.equal(batch.still, -batch.latents)
    without = clip_set()
    without.still = None
    assert draw(without, 3).still is None


def test_all_clips_are_drawn_alike_often():
    """1,000 of each are expected; 4 standard deviations of a binomial count are 115."""
    drawn = numbers(draw(clip_set(), 6000).latents)
    assert all(abs(drawn.count(number) - 1000) < 115 for number in range(6))


def test_the_share_of_dropped_prompts():
    """0.1 of 10,000, give or take 4 standard deviations of 0.003."""
    context = draw(clip_set(), 10_000, 0.1).context
    assert abs(numbers(context).count(-1) / 10_000 - 0.1) < 0.012


@pytest.mark.parametrize(("dropout", "dropped"), [(0.0, 0), (1.0, 100)])
def test_no_prompt_or_every_prompt_is_dropped(dropout, dropped):
    assert numbers(draw(clip_set(), 100, dropout).context).count(-1) == dropped


def test_dropout_changes_nothing_else_that_is_drawn():
    with_all, with_none = draw(clip_set(), 20, 0.0), draw(clip_set(), 20, 1.0)
    assert torch.equal(with_all.latents, with_none.latents)


def test_without_an_empty_prompt_none_is_dropped():
    assert -1 not in numbers(draw(clip_set(no_prompt=None), 100, 1.0).context)


def test_dropping_leaves_the_prompts_of_the_set_alone():
    clips = clip_set()
    before = clips.contexts.clone()
    draw(clips, 20, 1.0)
    assert torch.equal(clips.contexts, before)


def test_latents_stored_in_half_precision_are_trained_in_fp32():
    clips = clip_set()
    clips.latents = clips.latents.half()
    assert draw(clips, 3).latents.dtype == torch.float32


def test_single_frames_are_clips_of_one_frame_with_the_prompt_of_theirs():
    latents = torch.arange(6.0).reshape(2, 3, 1, 1, 1)
    clips = ClipSet(latents, random(4, 7, 5), torch.tensor([3, 1]), NO_PROMPT)
    single = clips.single_frames()
    assert (len(single), single.frames) == (6, 1)
    assert numbers(single.latents) == [0, 1, 2, 3, 4, 5]
    assert single.prompt_of.tolist() == [3, 3, 3, 1, 1, 1]
    assert single.contexts is clips.contexts and single.no_prompt is NO_PROMPT
