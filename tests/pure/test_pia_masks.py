"""PIA's mask values: the authors' numbers, and loops of other lengths."""

import inspect

import pytest
from animatediff_native.conditions.pia_masks import PiaMotion, pia_mask

NUMBERS = (  # of each setting, in diffusers; the authors count the last three backwards
    PiaMotion.SMALL,
    PiaMotion.MEDIUM,
    PiaMotion.LARGE,
    PiaMotion.LOOP_SMALL,
    PiaMotion.LOOP_MEDIUM,
    PiaMotion.LOOP_LARGE,
    PiaMotion.STYLE_SMALL,
    PiaMotion.STYLE_MEDIUM,
    PiaMotion.STYLE_LARGE,
)


@pytest.fixture(scope="module")
def of_diffusers():
    """diffusers' function of the authors' name."""
    pipelines = pytest.importorskip("diffusers.pipelines.deprecated.pia.pipeline_pia")
    function = getattr(pipelines, "prepare_mask_coef_by_statistics", None)
    if function is None:
        pytest.skip("this diffusers has no such function")
    return function


@pytest.mark.parametrize("number", range(9))
@pytest.mark.parametrize("image_frame", [0, 5, 15])
def test_sixteen_frames_are_the_authors(of_diffusers, number, image_frame):
    assert len(inspect.signature(of_diffusers).parameters) == 3
    expected = of_diffusers(16, image_frame, number)
    assert pia_mask(NUMBERS[number], 16, image_frame) == expected


@pytest.mark.parametrize("number", [0, 1, 2, 6, 7, 8])
@pytest.mark.parametrize("frames", [1, 2, 9, 24, 64])
def test_other_lengths_of_what_does_not_loop(of_diffusers, number, frames):
    for image_frame in (0, frames - 1):
        expected = of_diffusers(frames, image_frame, number)
        assert pia_mask(NUMBERS[number], frames, image_frame) == expected


LOOPS = [motion for motion in PiaMotion if motion.value.startswith("loop")]


@pytest.mark.parametrize("motion", LOOPS)
@pytest.mark.parametrize("frames", [1, 2, 3, 8, 15, 17, 24, 25])
def test_a_loop_of_another_length_comes_back(motion, frames):
    values = pia_mask(motion, frames)
    assert len(values) == frames
    assert values == values[::-1]
    assert values[0] == 1.0
    half = pia_mask(motion, 16)[:8]
    held = [*half, *[half[-1]] * frames][: (frames + 1) // 2]
    assert values[: (frames + 1) // 2] == held


def test_by_hand():
    assert pia_mask(PiaMotion.SMALL, 8) == [1.0, 0.9, 0.85, 0.85, 0.85, 0.8, 0.8, 0.8]
    assert pia_mask(PiaMotion.SMALL, 4, 2) == [0.85, 0.9, 1.0, 0.9]
    assert pia_mask(PiaMotion.STYLE_LARGE, 4) == [0.5, 0.2, 0.2, 0.2]
    assert pia_mask(PiaMotion.LOOP_LARGE, 7) == [1.0, 0.8, 0.7, 0.7, 0.7, 0.8, 1.0]
