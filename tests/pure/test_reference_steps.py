"""Which steps a reference motion guides, and how far."""

import pytest
from animatediff_native.trajectories.reference_steps import GuidedSteps, guided_steps, takes_whole

SIGMAS = [14.0, 10.0, 7.0, 5.0, 3.0, 1.0, 0.0]
TIMES = [999.0, 900.0, 750.0, 650.0, 500.0, 250.0, 0.0]


def test_steps_that_begin_in_the_range_are_guided():
    steps = guided_steps(SIGMAS, TIMES, 999999.0, 4.0)
    assert (steps.first, steps.behind_last) == (0, 4)
    assert [steps.step_of(sigma) for sigma in SIGMAS[:-1]] == [0, 1, 2, 3, None, None]


def test_a_call_between_two_steps_is_of_the_step_that_is_under_way():
    steps = guided_steps(SIGMAS, TIMES, 999999.0, 4.0)
    assert [steps.step_of(sigma) for sigma in (12.0, 8.5, 4.0, 2.0)] == [0, 1, 3, None]
    assert steps.step_of(10.0 * (1 - 1e-6)) == 1  # rounded elsewhere


def test_a_range_that_begins_later():
    steps = guided_steps(SIGMAS, TIMES, 7.5, 2.0)
    assert [steps.step_of(sigma) for sigma in SIGMAS[:-1]] == [None, None, 2, 3, 4, None]


def test_no_step_in_the_range_and_a_run_that_goes_up():
    assert guided_steps(SIGMAS, TIMES, 0.9, 0.5).count == 0
    assert guided_steps(SIGMAS[::-1], TIMES[::-1], 999999.0, 0.0).count == 0
    assert guided_steps([], [], 999999.0, 0.0).count == 0


def test_the_ramp_of_fifty_steps_is_the_authors():
    steps = GuidedSteps([*range(50, -1, -1)], [], 0, 50)
    expected = [min(1.0, (n + 1) / 10, (50 - n) / 10) for n in range(50)]
    assert [steps.ramp(n) for n in range(50)] == pytest.approx(expected)


def test_few_steps_are_guided_in_full():
    steps = guided_steps(SIGMAS, TIMES, 999999.0, 4.0)
    assert [steps.ramp(n) for n in range(4)] == [1.0] * 4


@pytest.mark.parametrize("step", range(len(SIGMAS) - 1))
def test_a_step_of_eulers_ends_lower_by_both_sigmas(step):
    """The last one, at 0, is left alone."""
    steps = guided_steps(SIGMAS, TIMES, 999999.0, 0.0)
    begin, end = SIGMAS[step : step + 2]
    taken = steps.factor(begin, step)  # from `denoised`, for a gradient of 1
    assert (1 - end / begin) * taken == pytest.approx(begin * end)


def test_a_sampling_of_few_steps_is_pushed_as_far_as_the_authors():
    """Fifty of theirs over 300 timesteps are six of 50, ramps aside."""
    theirs = guided_steps([*range(51, 0, -1)], [999 - 6 * n for n in range(51)], 99.0, 1.5)
    ours = guided_steps([*range(7, 0, -1)], [999 - 50 * n for n in range(7)], 99.0, 1.5)
    assert (theirs.count, ours.count) == (50, 6)

    def pushes(steps):
        return [
            steps.push(steps.sigmas[n], n) / steps.factor(steps.sigmas[n], n) / steps.ramp(n)
            for n in range(steps.count)
        ]

    assert pushes(theirs) == pytest.approx([1.0] * 50)
    assert pushes(ours) == pytest.approx([50 / 6] * 6)


def test_samplers_that_land_on_the_prediction_get_it_whole():
    steps = guided_steps(SIGMAS, TIMES, 999999.0, 0.0, whole=True)
    assert steps.factor(14.0, 0) == 14.0 * 10.0

    def sample_lcm(): ...
    def sample_euler_cfg_pp(): ...
    def sample_euler(): ...

    class Sampler:
        def __init__(self, function):
            self.sampler_function = function

    found = [takes_whole(Sampler(f)) for f in (sample_lcm, sample_euler_cfg_pp, sample_euler)]
    assert found == [True, True, False]
    assert not takes_whole(object())
