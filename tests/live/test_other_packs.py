"""Packs that are often used together with this one, all of them on one server.

    ADN_PACKS=/path/to/checkouts make pytest PYTEST_ARGS=tests/live/test_other_packs.py

The folder holds a checkout of each, under its usual name. What the packs themselves need
(opencv-python-headless, imageio-ffmpeg, color-matcher, matplotlib, mss) must be importable; a
folder of `pip install --no-deps --target` on PYTHONPATH will do.
"""

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pack_graphs import (
    ADVANCED,
    FRAMES,
    HOSTS,
    SIZE,
    WINDOW,
    ClipGraph,
    Link,
    embeds,
    ipadapter,
    latents_of,
    watch,
)
from PIL import Image
from small_files import SmallFiles, picture
from small_runs import LogLines

from tools import media
from tools.server import ComfyServer

PACKS = {
    "ComfyUI-VideoHelperSuite": "VHS_VideoCombine",
    "ComfyUI_IPAdapter_plus": "IPAdapterEmbedsBatch",
    "ComfyUI-Advanced-ControlNet": ADVANCED,
    "ComfyUI-KJNodes": "ImageResizeKJv2",
}
CHECKOUTS = os.environ.get("ADN_PACKS", "")
JPEG, HEADER, MOVING = b"\xff\xd8", 8, 256  # a preview's first bytes and header, and our size
CLOSE = 1e-4  # of the latents' standard deviation: other orders of summation; a wrong hint is 1e-2

if not CHECKOUTS:
    reason = f"ADN_PACKS names no folder with checkouts of {', '.join(PACKS)}"
    pytest.skip(reason, allow_module_level=True)


@pytest.fixture(scope="module")
def packs(make_server) -> Iterator[ComfyServer]:
    server = make_server("packs", True, "--preview-method", "latent2rgb")
    server.base.make(True)
    for name in PACKS:
        server.base.add_custom_node(name, Path(CHECKOUTS, name).resolve(strict=True))
    ipadapter(server.base.path / "models" / "ipadapter" / "ip.safetensors")
    embeds(server.base.path / "input")
    pictures = server.base.path / "input" / "pictures"
    pictures.mkdir()
    for index in range(FRAMES):
        picture(pictures / f"{index:02}.png")
    with server as running:
        yield running


@pytest.fixture(scope="module")
def net(packs, standins) -> dict[str, str]:
    """A ControlNet, and a video for its hints."""
    files = SmallFiles(packs, standins)
    names = {"control_net_name": "net.safetensors", "file": "moving.mp4"}
    control, video = (files.add(kind, name) for kind, name in names.items())
    return {"net": control, "video": video}


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max() / other.std())


@pytest.mark.parametrize("pack", PACKS)
def test_the_pack_is_there(packs, pack):
    log = packs.base.log.read_text(encoding="utf-8")
    assert PACKS[pack] in packs.client.object_info(), log


def test_videos_of_video_helper_suite(packs, standins, net):
    """Its loader in front of video to video, and its saver behind."""
    graph = ClipGraph(standins)
    graph.animate()
    video = graph.add(
        "VHS_LoadVideo", video=net["video"], force_rate=0, custom_width=SIZE, custom_height=SIZE,
        frame_load_cap=WINDOW, skip_first_frames=2, select_every_nth=2, format="AnimateDiff",
    )  # fmt: skip
    graph.latent = graph.add("VAEEncode", pixels=video, vae=graph.vae)
    images = graph.decoded(graph.sample(denoise=0.7))
    readers: dict[str, Callable[[Path], list[np.ndarray]]] = {}
    formats = {"image/gif": media.webp_frames, "image/webp": media.webp_frames}
    for kind, read in {**formats, "video/h264-mp4": media.video_frames}.items():
        saver, _ = graph.add(
            "VHS_VideoCombine", images=images, frame_rate=8, loop_count=0, filename_prefix="vhs",
            format=kind, pingpong=False, save_output=True,
        )  # fmt: skip
        readers[saver] = read
    outputs = packs.client.run(graph.prompt)
    for saver, read in readers.items():
        frames = read(packs.base.written_file({"images": outputs[saver]["gifs"]}))
        assert len(frames) == WINDOW and media.complaint(frames) is None


def test_previews_of_video_helper_suite(packs, standins):
    """Switched on, the page gets its animation alone; switched off, ours. No bit changes."""
    seen = {}
    for run, switched_on in enumerate((False, True)):
        graph = ClipGraph(standins, size=128, run=run)
        graph.animate()
        saved, _ = graph.add("SaveLatent", samples=graph.sample(3), filename_prefix="vhs")
        outputs, told = watch(packs, graph.prompt, {"VHS_latentpreview": switched_on})
        previews = [message[HEADER:] for message in told if isinstance(message, bytes)]
        ordinary = [data for data in previews if data.startswith(JPEG)]
        sizes = {max(Image.open(io.BytesIO(data)).size) for data in ordinary}
        starts = [one for one in told if isinstance(one, dict) and "VHS" in one["type"]]
        seen[switched_on] = latents_of(packs, outputs[saved])
        assert bool(ordinary) is not switched_on
        assert (MOVING in sizes) is not switched_on
        assert len(previews) > len(ordinary) if switched_on else len(previews) == len(ordinary)
        assert [one["data"]["length"] for one in starts] == [FRAMES] * switched_on
    assert np.array_equal(seen[True], seen[False])


def test_embeddings_of_ipadapter_follow_the_frames(packs, standins):
    """On either side of the motion module, and in windows as in a clip by themselves."""

    def sampled(*parts: str, embeds: str = "all.ipadpt", first: int = 0) -> np.ndarray:
        graph = ClipGraph(standins, first, FRAMES - first)
        for part in parts:
            graph.adapt("ip.safetensors", embeds) if part == "adapt" else getattr(graph, part)()
        return graph.latents(packs)

    whole = sampled("animate", "adapt")
    assert np.array_equal(whole, sampled("adapt", "animate"))
    assert distance(whole, sampled("animate")) > 0.1
    apart = sampled("animate", "adapt", embeds="second.ipadpt", first=WINDOW)
    windows = sampled("adapt", "animate", "cut")
    assert distance(windows[WINDOW:], apart) < CLOSE
    others = sampled("animate", "adapt", first=WINDOW)  # the embeddings of the first window
    assert distance(others, apart) > 0.1


@pytest.fixture(scope="module")
def controlled(packs, standins, net) -> Callable[..., np.ndarray]:
    """The second half of a clip with ControlNets in a row, applied by these nodes in turn.

    cut: the whole clip was sampled, in windows; keyframes: what those of Advanced-ControlNet get.
    """

    def sampled(
        *applies: str, cut: bool = False, keyframes: Callable[[ClipGraph], dict] | None = None
    ) -> np.ndarray:
        graph = ClipGraph(standins) if cut else ClipGraph(standins, WINDOW, FRAMES - WINDOW)
        graph.animate()
        for index, apply in enumerate(applies):
            more = keyframes(graph) if keyframes and apply == ADVANCED else {}
            graph.control(apply, **net, strength=1 / (index + 1), **more)
        if cut:
            graph.cut()
        return graph.latents(packs)[WINDOW - graph.first :]

    return sampled


@pytest.mark.parametrize(
    "row",
    [[ADVANCED], [HOSTS, ADVANCED], [ADVANCED, HOSTS], [ADVANCED, ADVANCED]],
    ids=["one", "behind the host's", "in front of the host's", "two"],
)
def test_advanced_controlnet_follows_the_windows(controlled, row):
    """As the host's do by themselves."""
    apart = controlled(*[HOSTS] * len(row))
    assert distance(controlled(*row, cut=True), apart) < CLOSE
    assert distance(controlled(*row[:-1], cut=True), apart) > CLOSE * 10


def latent_keyframes(graph: ClipGraph) -> dict[str, Link]:
    """A strength that grows along the whole clip, whichever part of it is sampled."""
    keyframe: dict[str, Link] = {}
    for index in range(graph.frames):
        strength = (graph.first + index) / FRAMES
        made = graph.add("LatentKeyframe", batch_index=index, strength=strength, **keyframe)
        keyframe = {"prev_latent_kf": made}
    return {"latent_kf_override": keyframe["prev_latent_kf"]}


def timestep_keyframes(graph: ClipGraph) -> dict[str, Link]:
    """Nothing at first, all of it later."""
    start = graph.add("TimestepKeyframe", start_percent=0.0, strength=0.0)
    later = {"start_percent": 0.3, "strength": 1.0, "prev_timestep_kf": start}
    return {"timestep_kf": graph.add("TimestepKeyframe", **later)}


@pytest.mark.parametrize("keyframes", [latent_keyframes, timestep_keyframes])
def test_keyframes_of_advanced_controlnet(controlled, keyframes):
    apart = controlled(ADVANCED, keyframes=keyframes)
    assert distance(controlled(ADVANCED, keyframes=keyframes, cut=True), apart) < CLOSE
    assert distance(controlled(ADVANCED), apart) > CLOSE * 10


def test_pictures_and_masks_of_kjnodes(packs, standins):
    """Between a folder of pictures and video to video in windows, with a mask per frame."""
    graph = ClipGraph(standins)
    folder = graph.add("VHS_LoadImages", directory="pictures")
    halves = {
        f"image_{number}": graph.add(
            "GetImageRangeFromBatch", images=folder, start_index=start, num_frames=WINDOW
        )
        for number, start in ((1, WINDOW), (2, 0))
    }
    images = graph.add("ImageBatchMulti", inputcount=2, **halves)
    size: dict[str, Any] = {"width": SIZE, "height": SIZE, "divisible_by": 8}
    images = graph.add(
        "ImageResizeKJv2", image=images, upscale_method="bilinear", keep_proportion="crop",
        pad_color="0, 0, 0", crop_position="center", **size,
    )  # fmt: skip
    mask = graph.add(
        "CreateFadeMask", invert=False, frames=FRAMES, width=SIZE, height=SIZE, midpoint_frame=0,
        interpolation="linear", start_level=1.0, midpoint_level=0.5, end_level=0.0,
    )  # fmt: skip
    mask = graph.add(
        "GrowMaskWithBlur", mask=mask, expand=1, incremental_expandrate=0.0, tapered_corners=True,
        flip_input=False, blur_radius=1.0, lerp_alpha=1.0, decay_factor=1.0,
    )  # fmt: skip
    encoded = graph.add("VAEEncode", pixels=images, vae=graph.vae)
    graph.latent = graph.add("SetLatentNoiseMask", samples=encoded, mask=mask)
    graph.animate()
    graph.cut(overlap=4)
    matched = graph.add(
        "ColorMatch", image_ref=images, image_target=graph.decoded(graph.sample()), method="mkl"
    )
    saver, _ = graph.add(
        "SaveAnimatedWEBP", images=matched, filename_prefix="kj", fps=8.0, lossless=True,
        quality=90, method="default",
    )  # fmt: skip
    frames = media.webp_frames(packs.base.written_file(packs.client.run(graph.prompt)[saver]))
    assert len(frames) == FRAMES and media.complaint(frames) is None


def test_preview_override_of_kjnodes(packs, standins):
    """Which keeps the host's own previews from being made."""
    log = LogLines(packs.base.log)
    graph = ClipGraph(standins, run=2)
    graph.animate()
    graph.model = graph.add(
        "ModelPreviewOverrideKJ", model=graph.model, max_resolution=64, jpeg_quality=80,
        suppress_default_preview=True, preview_frames=1, preview_fps=8, tiny_vae="none",
    )  # fmt: skip
    overridden = graph.latents(packs)
    assert not log.matching("no moving preview")
    plain = ClipGraph(standins, run=3)
    plain.animate()
    assert np.array_equal(overridden, plain.latents(packs))


def test_a_run_with_all_of_them_leaves_no_trace(packs, plain_server, standins, net):
    """A model without any of it gives what it gives on a server without packs."""
    before = ClipGraph(standins, run=4).latents(packs)
    graph = ClipGraph(standins, run=5)
    graph.adapt("ip.safetensors", "all.ipadpt")
    graph.animate()
    for apply in (HOSTS, ADVANCED):
        graph.control(apply, **net)
    graph.cut(overlap=4)
    assert distance(graph.latents(packs), before) > 0.1
    assert np.array_equal(before, ClipGraph(standins, run=6).latents(packs))
    assert np.array_equal(before, ClipGraph(standins).latents(plain_server))
