"""The clip plays on after the sampler, on its node, until the prompt ends."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

import gc
import threading
import time
import weakref

import comfy.utils
import pytest
import torch
from adn_testing import pages, tiny
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.samplers import play_on
from animatediff_native.samplers.clip_run import set_automatic_windows
from comfy.cli_args import LatentPreviewMethod, args
from comfy.model_management import interrupt_current_processing, processing_interrupted
from comfy.patcher_extension import WrappersMP
from comfy_execution.progress import get_progress_state

pytestmark = pytest.mark.usefixtures("inference")
FRAMES = 8
PATIENCE = 10.0
SOON = 0.6  # seconds: four pictures of the clip, and some


class Picture(str):
    """Can be referred to weakly."""


@pytest.fixture
def server(monkeypatch):
    yield pages.install(monkeypatch, pages.Server())
    play_on.stop_playing_on()
    wait_until(lambda: not threads())


@pytest.fixture(autouse=True)
def previews(monkeypatch):
    monkeypatch.setattr(args, "preview_method", LatentPreviewMethod.Latent2RGB)
    before = comfy.utils.PROGRESS_BAR_HOOK
    told = []
    comfy.utils.set_progress_bar_global_hook(lambda *message, **_: told.append(message))
    yield told
    comfy.utils.set_progress_bar_global_hook(before)


@pytest.fixture(scope="module")
def animated():
    model = apply_motion_module(tiny.model(), tiny.motion_module("v3"))
    set_automatic_windows(model, 32)
    return model


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "AnimateDiff preview"]


def wait_until(true) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def ksampler(model, steps=2):
    import nodes

    latent = {"samples": torch.zeros(FRAMES, 4, 8, 8)}
    prompts = tiny.conditioning(1), tiny.conditioning(3)
    (sampled,) = nodes.KSampler().sample(
        model, 5, steps, 1.0, "euler", "normal", *prompts, latent
    )
    return sampled["samples"]


def begin(server, pictures="abcd"):
    from animatediff_native.samplers.asking_page import asking_page

    with pages.at_work():
        play_on.play_on(asking_page(), pictures, 0.02)


def test_the_clip_plays_until_the_prompt_ends(server, animated, previews):
    with pages.at_work():
        ksampler(animated)
    counted, state = len(previews), {**get_progress_state().nodes}
    wait_until(lambda: len(server.pictures) > 3)
    pictures = {id(picture[1]) for picture, _ in server.pictures}
    assert 1 < len(pictures) <= FRAMES
    for picture, metadata in server.pictures:
        assert picture[0] == "JPEG" and picture[2] == 256
        assert metadata["display_node_id"] == pages.NODE and metadata["prompt_id"] == pages.PROMPT
    assert {client for _, _, client in server.sent} == {pages.CLIENT}
    assert len(previews) == counted and get_progress_state().nodes == state
    server.running.clear()
    wait_until(lambda: not threads())
    shown = len(server.pictures)
    time.sleep(SOON)
    assert len(server.pictures) == shown


def test_the_last_step_is_shown(server, animated, previews):
    with pages.at_work():
        ksampler(animated, steps=1)
    wait_until(lambda: server.pictures)


@pytest.mark.parametrize("missing", ["client", "metadata", "node"])
def test_nothing_is_sent_where_nobody_can_show_it(monkeypatch, animated, missing):
    server = pages.install(monkeypatch, pages.Server(previews_by_node=missing != "metadata"))
    if missing == "client":
        server.client_id = None
    if missing == "node":
        ksampler(animated)
    else:
        with pages.at_work():
            ksampler(animated)
    assert not threads()
    time.sleep(SOON)
    assert server.sent == []


def test_another_run_ends_it(server, animated):
    begin(server)
    (before,) = threads()
    with pages.at_work("9"):
        ksampler(animated)
    wait_until(lambda: not before.is_alive())
    (now,) = threads()
    server.sent.clear()
    wait_until(lambda: len(server.pictures) > 1)
    assert {metadata["node_id"] for _, metadata in server.pictures} == {"9"} and now.is_alive()


def test_a_run_that_fails_leaves_nothing(server, animated):
    model = animated.clone()
    calls = []

    def fail_later(executor, *a, **k):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("out of memory")
        return executor(*a, **k)

    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "fails", fail_later)
    with pages.at_work(), pytest.raises(RuntimeError):
        ksampler(model)
    assert not threads() and not server.pictures


def test_a_cancel_ends_it_and_stays_a_cancel(server):
    begin(server)
    interrupt_current_processing()
    try:
        wait_until(lambda: not threads())
        assert processing_interrupted()
    finally:
        interrupt_current_processing(False)


def test_no_picture_is_kept(server):
    pictures = [Picture("a"), Picture("b")]
    kept = [weakref.ref(picture) for picture in pictures]
    begin(server, pictures)
    del pictures
    wait_until(lambda: len(server.pictures) > 1)
    server.running.clear()
    wait_until(lambda: not threads())
    server.sent.clear()
    gc.collect()
    assert [ref() for ref in kept] == [None, None]


def test_it_does_not_play_for_ever(server, monkeypatch):
    monkeypatch.setattr(play_on, "LONGEST", 0.1)
    begin(server)
    wait_until(lambda: not threads())
    assert server.running


def test_a_server_that_fails_ends_it(server, monkeypatch):
    def closed(*_):
        raise RuntimeError("Event loop is closed")

    monkeypatch.setattr(server, "send_sync", closed)
    begin(server)
    wait_until(lambda: not threads())


def test_a_page_that_does_not_keep_up_gets_no_more(server):
    for _ in range(10):
        server.messages.put(None)
    begin(server)
    time.sleep(0.3)
    assert server.pictures == [] and threads()
