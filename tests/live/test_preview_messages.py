"""What the page gets over the websocket while a clip is sampled, on a server with previews on."""

import io
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from live_graphs import FRAMES, latent_graph, sample
from PIL import Image

from tools import workflow
from tools.client import Message, Prompt
from tools.server import ComfyServer

PREVIEW, PREVIEW_WITH_METADATA = 1, 4  # events of the host's binary messages
STILL, MOVING = 512, 256  # pixels of the host's own pictures, and of ours
STEPS = 2
WINDOW, WINDOWS = 4, 2
# Latents large enough for a step that lasts longer than a picture or two of the clip.
SIZE = 128


@dataclass(frozen=True)
class Picture:
    metadata: dict[str, Any]
    pixels: np.ndarray


@dataclass(frozen=True)
class Step:
    value: int
    maximum: int


@pytest.fixture(scope="module")
def previewing(make_server) -> Iterator[ComfyServer]:
    with make_server("previewing", True, "--preview-method", "latent2rgb") as running:
        yield running


@pytest.fixture
def graph(standins) -> Prompt:
    prompt = latent_graph(standins, run=31, steps=STEPS)
    workflow.set_inputs(prompt, "EmptyLatentImage", {"width": SIZE, "height": SIZE})
    return prompt


def watch(server: ComfyServer, prompt: Prompt, with_metadata: bool) -> list[Picture | Step]:
    """The sampler's messages in their order, as a page gets them that asks for metadata or not."""
    sampler = workflow.node_id(prompt, "KSampler")
    seen: list[Picture | Step] = []

    def note(told: Message) -> None:
        if isinstance(told, bytes):
            seen.append(picture(told))
        elif told["type"] == "progress" and told["data"]["node"] == sampler:
            seen.append(Step(told["data"]["value"], told["data"]["max"]))

    features = {"supports_preview_metadata": with_metadata}
    server.client.watch(prompt, note, features=features)
    return seen


def picture(message: bytes) -> Picture:
    (event,) = struct.unpack(">I", message[:4])
    (number,) = struct.unpack(">I", message[4:8])
    metadata: dict[str, Any] = {}
    data = message[8:]
    if event == PREVIEW_WITH_METADATA:
        metadata, data = json.loads(data[:number]), data[number:]
    else:
        assert event == PREVIEW
    return Picture(metadata, np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("with_metadata", [True, False])
def test_the_sampler_shows_the_frames_in_turn(previewing, graph, with_metadata):
    workflow.set_inputs(graph, "KSampler", {"seed": 40 + with_metadata})
    seen = watch(previewing, graph, with_metadata)
    pictures = [one for one in seen if isinstance(one, Picture)]
    sampler = workflow.node_id(graph, "KSampler")
    nodes = {one.metadata.get("display_node_id") for one in pictures}
    assert nodes == ({sampler} if with_metadata else {None})
    sides = [one.pixels.shape[0] for one in pictures]
    assert sides.count(STILL) == STEPS and set(sides) == {STILL, MOVING}
    # the host's own of a step first, ours right behind it; behind the last, the clip plays on
    # only on pages that can tell for which node a picture is
    assert sides[:2] == [STILL, MOVING]
    assert all(after == MOVING for one, after in pairwise(sides) if one == STILL)
    assert with_metadata or sides[-1] == STILL
    of_a_step = distinct(pictures)
    # behind a still comes a picture of the step before, until the new ones are there
    assert of_a_step[0] > 1 and max(of_a_step) <= FRAMES + 1


def distinct(pictures: list[Picture]) -> list[int]:
    """How many different frames were shown between two of the host's stills."""
    counts: list[set[bytes]] = []
    for one in pictures:
        if one.pixels.shape[0] == STILL:
            counts.append(set())
        else:
            counts[-1].add(one.pixels.tobytes())
    return [len(frames) for frames in counts]


def test_previews_change_no_bit(previewing, server, standins):
    shown, _ = sample(previewing, latent_graph(standins, run=32))
    plain, _ = sample(server, latent_graph(standins, run=32))
    assert np.array_equal(shown, plain)


def test_progress_counts_windows(previewing, graph):
    workflow.set_inputs(graph, "EmptyLatentImage", {"width": 64, "height": 64})
    model = workflow.node_id(graph, "ADN_ApplyMotionModule")
    graph["windows"] = {
        "class_type": "ADN_ContextWindows",
        "inputs": {
            "model": [model, 0],
            "context_length": WINDOW,
            "context_overlap": 0,
            "context_stride": 1,
            "schedule": "static",
            "fuse": "pyramid",
        },
    }
    workflow.set_inputs(graph, "KSampler", {"model": ["windows", 0]})
    steps = [one for one in watch(previewing, graph, True) if isinstance(one, Step)]
    parts = [Fraction(step.value, step.maximum) for step in steps]
    assert parts == sorted(parts) and parts[-1] == 1
    assert {Step(value, STEPS * WINDOWS) for value in range(1, STEPS * WINDOWS + 1)} <= {*steps}
