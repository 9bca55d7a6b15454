"""What a sampling run tells the page: the clip as an animation, and progress window by window."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import logging
import threading
import time
from fractions import Fraction
from itertools import pairwise

import comfy.utils
import latent_preview
import numpy as np
import pytest
import torch
from adn_testing import probes, tiny
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.samplers import moving_preview, run_display
from animatediff_native.samplers.clip_run import set_automatic_windows
from animatediff_native.samplers.moving_preview import MovingPreview, spread
from animatediff_native.samplers.run_progress import RunProgress
from animatediff_native.samplers.windows import Schedule, WindowPlan
from comfy.cli_args import LatentPreviewMethod, args
from comfy.model_management import (
    InterruptProcessingException,
    interrupt_current_processing,
    processing_interrupted,
)
from comfy.patcher_extension import WrappersMP

pytestmark = pytest.mark.usefixtures("inference")
FRAMES, STEPS = 8, 3
STEP_SECONDS = 0.6  # of a slowed-down model: a few frames at the clip's pace
PATIENCE = 10.0


@pytest.fixture
def told(monkeypatch):
    """All (value, total, preview) that the host's hook gets; newer hosts thin them out."""
    for limit in ("INTERVAL", "PERCENT"):
        monkeypatch.setattr(comfy.utils, f"PROGRESS_THROTTLE_MIN_{limit}", 0, raising=False)
    messages = []
    before = comfy.utils.PROGRESS_BAR_HOOK
    comfy.utils.set_progress_bar_global_hook(
        lambda value, total, preview, node_id=None: messages.append((value, total, preview))
    )
    yield messages
    comfy.utils.set_progress_bar_global_hook(before)


@pytest.fixture
def latent2rgb(monkeypatch):
    monkeypatch.setattr(args, "preview_method", LatentPreviewMethod.Latent2RGB)


@pytest.fixture(scope="module")
def animated():
    model = apply_motion_module(tiny.model(), tiny.motion_module("v3"))
    set_automatic_windows(model, 32)
    return model


def slowed(model, seconds=STEP_SECONDS):
    """A clone whose every call takes so much longer."""
    model = model.clone()
    model.add_wrapper_with_key(
        WrappersMP.APPLY_MODEL,
        "slow",
        lambda executor, *a, **k: (time.sleep(seconds), executor(*a, **k))[1],
    )
    return model


def ksampler(model, frames=FRAMES, steps=STEPS, sampler="euler"):
    """The host's node, with its own callback."""
    import nodes

    latent = {"samples": torch.zeros(frames, 4, 8, 8)}
    positive, negative = tiny.conditioning(1), tiny.conditioning(3)
    sampled = nodes.KSampler().sample(
        model, 5, steps, 1.0, sampler, "normal", positive, negative, latent
    )
    return sampled[0]["samples"]


def ours(message) -> bool:
    preview = message[2]
    return preview is not None and preview[2] == run_display.LARGEST_SIDE


def playing() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name == "AnimateDiff preview"]


def test_every_frame_takes_its_turn(animated, told, latent2rgb, monkeypatch):
    played = []

    class Player(moving_preview.ClipPlayer):
        def play(self, pictures, seconds):
            played.append((pictures, seconds))
            super().play(pictures, seconds)

    monkeypatch.setattr(moving_preview, "ClipPlayer", Player)
    ksampler(slowed(animated, 1.5), steps=2)
    ((pictures, seconds),) = played
    assert len(pictures) == FRAMES and seconds == 1 / 8
    assert {kind for kind, _, _ in pictures} == {"JPEG"}
    pixels = [np.asarray(picture).tobytes() for _, picture, _ in pictures]
    assert len(set(pixels)) == FRAMES
    still = next(preview for _, _, preview in told if preview[2] != run_display.LARGEST_SIDE)
    assert np.asarray(still[1]).tobytes() == pixels[0]
    shown = [message[2] for message in told if ours(message)]
    assert all(any(one is picture for picture in pictures) for one in shown)
    assert len({id(one) for one in shown}) > 1  # how many, a busy machine decides


def test_ours_come_behind_the_hosts_own_and_leave_it_the_last_word(animated, told, latent2rgb):
    ksampler(slowed(animated))
    stills = [i for i, message in enumerate(told) if message[2] and not ours(message)]
    assert len(stills) == STEPS
    assert stills[0] == 0 and stills[-1] == len(told) - 1
    for still in stills[:-1]:
        assert ours(told[still + 1])
        assert told[still + 1][:2] == told[still][:2]
    parts = [Fraction(value, total) for value, total, _ in told]
    assert parts == sorted(parts)


def test_previews_change_no_bit(animated, told, monkeypatch):
    without = ksampler(animated)
    assert [message[2] for message in told] == [None] * STEPS
    monkeypatch.setattr(args, "preview_method", LatentPreviewMethod.Latent2RGB)
    assert torch.equal(ksampler(slowed(animated, 0.2)), without)
    assert any(map(ours, told))
    comfy.utils.set_progress_bar_global_hook(None)
    assert torch.equal(ksampler(animated), without)


def test_a_page_that_fails_costs_one_warning_and_no_bit(animated, latent2rgb, caplog, told):
    expected = ksampler(animated)

    def refuse_ours(value, total, preview, node_id=None):
        told.append((value, total, preview))
        if ours((value, total, preview)):
            raise ValueError("no such picture")

    told.clear()
    comfy.utils.set_progress_bar_global_hook(refuse_ours)
    with caplog.at_level(logging.WARNING, "animatediff_native"):
        assert torch.equal(ksampler(slowed(animated)), expected)
    assert sum(map(ours, told)) == 1
    (warning,) = [record.message for record in caplog.records if "preview" in record.message]
    assert "ValueError: no such picture" in warning
    assert not playing()


def test_a_previewer_that_cannot_be_made_costs_one_warning(animated, told, caplog, monkeypatch):
    callbacks = []

    def broken(*_):
        raise OSError("a damaged file")

    monkeypatch.setattr(run_display.latent_preview, "get_previewer", broken)
    with caplog.at_level(logging.WARNING, "animatediff_native"):
        sample_with_callback(animated, lambda step, *_: callbacks.append(step))
    assert callbacks == [*range(STEPS)]
    assert ["a damaged file" in record.message for record in caplog.records] == [True]


def sample_with_callback(model, callback, **options):
    import comfy.sample

    latent = torch.zeros(FRAMES, 4, 8, 8)
    prompts = tiny.conditioning(1), tiny.conditioning(3)
    return comfy.sample.sample(
        model, tiny.noise(FRAMES), STEPS, 1.0, "euler", "normal", *prompts, latent,
        callback=callback, seed=5, **options,
    )  # fmt: skip


def test_previews_of_another_extension_are_left_alone(animated, told, latent2rgb, monkeypatch):
    class Theirs(latent_preview.LatentPreviewer):
        def decode_latent_to_preview_image(self, preview_format, x0):
            raise AssertionError("not ours to call")

    monkeypatch.setattr(run_display.latent_preview, "get_previewer", lambda *_: Theirs())
    sample_with_callback(animated, lambda *_: None)
    assert told == []


def test_suppressed_previews_are_no_error(animated, told, latent2rgb, monkeypatch, caplog):
    """KJNodes' Model Preview Override has the host's previewers give None."""
    decode = "decode_latent_to_preview_image"
    monkeypatch.setattr(latent_preview.LatentPreviewer, decode, lambda *_: None)
    ksampler(animated)
    assert told and not any(preview for _, _, preview in told)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_whoever_turns_progress_bars_off_gets_none(animated, told, latent2rgb):
    steps = []
    sample_with_callback(
        slowed(animated, 0.2), lambda step, *_: steps.append(step), disable_pbar=True
    )
    assert steps == [*range(STEPS)]
    assert told == []


def test_no_preview_where_frames_are_no_clip(told, latent2rgb):
    """Context Windows alone: pictures that know nothing of each other."""
    ksampler(slowed(probes.windowed(probes.trivial(), WindowPlan(4, 0)), 0.1))
    assert not any(map(ours, told))
    ksampler(slowed(probes.trivial(), 0.1))
    assert not any(map(ours, told))


def test_one_frame_is_no_animation(animated, told, latent2rgb):
    ksampler(slowed(animated, 0.2), frames=1)
    assert len(told) == STEPS


@pytest.mark.parametrize("error", [RuntimeError, InterruptProcessingException])
def test_a_run_that_ends_early_ends_its_preview(animated, told, latent2rgb, error):
    model = slowed(animated, 0.2)
    calls = []

    def fail_later(executor, *a, **k):
        calls.append(1)
        if len(calls) == 3:
            raise error
        return executor(*a, **k)

    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "fails", fail_later)
    with pytest.raises(error):
        ksampler(model)
    assert any(map(ours, told))
    assert not playing()


def preview_of(send, decode=lambda x0: ("JPEG", int(x0[0]), 1), can_take=lambda: True, steps=100):
    return MovingPreview(decode, RunProgress(steps, send), can_take)


class Clock:
    """Stands for the module `time`."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(("cost", "pause"), [(0.001, 0.5), (0.1, 0.1 * 8 * 20)])
def test_decoding_takes_a_twentieth_of_the_time(monkeypatch, cost, pause):
    clock = Clock()
    monkeypatch.setattr(moving_preview, "time", clock)
    decoded = []

    def decode(x0):
        clock.now += cost
        decoded.append(clock.now)

    preview = preview_of(lambda *_: None, decode)
    starts = []
    for step in range(80):
        before, began = len(decoded), clock.now
        preview.take(step, torch.zeros(8))
        assert len(decoded) - before in (0, 8)
        if len(decoded) > before:
            starts.append(began)
        clock.now += 0.3
    preview.end()
    gaps = [after - one for one, after in pairwise(starts)]
    assert starts[0] == 1000.0 and gaps
    assert all(pause - 1e-6 <= gap < pause + 0.4 + 8 * cost for gap in gaps)


def test_long_clips_are_thinned_out_at_the_same_pace():
    assert spread(5) == [0, 1, 2, 3, 4]
    assert spread(24) == [*range(24)]
    shown = spread(100)
    assert len(shown) == 24 and shown[0] == 0 and shown[-1] < 100
    assert {after - one for one, after in pairwise(shown)} == {4, 5}


def test_an_interrupt_that_the_hook_took_goes_back_to_the_sampler():
    taken = threading.Event()

    def send(value, total, picture):
        if threading.current_thread().name == "AnimateDiff preview":
            taken.set()
            raise InterruptProcessingException

    preview = preview_of(send)
    preview.take(0, torch.zeros(8))
    assert taken.wait(PATIENCE)
    preview.end()
    assert processing_interrupted()
    interrupt_current_processing(False)


def test_an_interrupt_in_the_samplers_own_thread_passes():
    def send(*_):
        raise InterruptProcessingException

    preview = preview_of(send)
    with pytest.raises(InterruptProcessingException):
        preview.take(0, torch.zeros(8))
    preview.end()


def test_a_page_that_does_not_keep_up_gets_no_more():
    sent = []
    preview = preview_of(lambda *message: sent.append(message), can_take=lambda: False)
    preview.take(0, torch.zeros(8))
    time.sleep(0.5)
    preview.end()
    assert len(sent) == 1  # what belongs to the step


SAMPLERS = ["euler", "heun", "dpm_2", "dpmpp_2s_ancestral", "dpmpp_sde", "uni_pc", "dpm_adaptive"]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("schedule", [Schedule.STATIC, Schedule.UNIFORM])
def test_progress_counts_windows(told, sampler, schedule):
    plan = WindowPlan(4, 1, schedule=schedule)
    ksampler(probes.windowed(probes.trivial(), plan), frames=16, steps=4, sampler=sampler)
    parts = [Fraction(value, total) for value, total, _ in told]
    assert parts == sorted(parts)
    assert parts[-1] == 1
    windows = len(plan.windows(16))
    fine = [value for value, total, _ in told if total == 4 * windows]
    assert set(fine) >= {*range(1, windows + 1)}
    assert fine[-1] == 4 * windows
    if (sampler, schedule) == ("euler", Schedule.STATIC):
        assert fine == [*range(1, 4 * windows + 1)]


def test_progress_of_a_whole_clip_is_the_hosts(animated, told):
    ksampler(animated)
    assert told == [(step, STEPS, None) for step in range(1, STEPS + 1)]


def test_previews_and_windows_together_never_go_back(animated, told, latent2rgb):
    model = slowed(probes.windowed(animated, WindowPlan(4, 2)), 0.15)
    ksampler(model)
    parts = [Fraction(value, total) for value, total, _ in told]
    assert parts == sorted(parts) and parts[-1] == 1
    assert any(map(ours, told))
    assert {total for _, total, _ in told} == {STEPS, STEPS * 3}
