"""Train MotionLoRA as far as the first step: its inputs, everything that can be wrong with them,
and the way from pixels to what is trained on. Nothing wrong may get as far as the VAE."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOperatorIssue=false, reportIndexIssue=false, reportOptionalSubscript=false

import os
from dataclasses import fields

import comfy.model_management
import comfy.supported_models
import folder_paths
import pytest
import torch
from adn_testing import lora_files, tiny, tiny_vae
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.frame_strengths import FrameStrengths
from animatediff_native.nodes.training import TrainMotionLora
from animatediff_native.training import run_motion_lora as run_module
from animatediff_native.training.augment import Augmentation
from animatediff_native.training.encode import encode_clips, vae_encoder
from animatediff_native.training.footage import find_footage
from animatediff_native.training.motion_lora_job import MotionLoraJob
from animatediff_native.training.preview import contact_sheet
from animatediff_native.training.prompts import Prompts
from animatediff_native.training.settings import Precision
from PIL import Image

pytestmark = pytest.mark.usefixtures("inference")

FRAMES, SIDE = 4, 64
REQUIRED = ["model", "vae", "positive", "rank", "learning_rate", "steps", "seed", "augmentation"]
RANGES = {  # default, least, most
    "rank": (32, 1, 1280),
    "learning_rate": (3e-4, 1e-7, 1.0),
    "steps": (500, 1, 100_000),
    "seed": (0, 0, 2**64 - 1),
    "frames_per_clip": (16, 2, 100_000),
    "frame_stride": (4, 1, 1000),
    "width": (256, 64, 4096),
    "height": (256, 64, 4096),
    "clips_per_step": (1, 1, 64),
    "text_dropout": (0.1, 0.0, 1.0),
    "sample_every": (0, 0, 100_000),
    "least_timestep": (0, 0, 999),
    "hidden_motion": (0.0, 0.0, 1.0),
}


class Reached(Exception):
    """The VAE was asked for latents: nothing was found to be wrong before."""


class FakeVae:
    """Of the same kind as SD1.5's; goes no further."""

    latent_channels = 4
    latents: torch.Tensor | None = None

    def throw_exception_if_invalid(self):
        pass

    def encode(self, pixels):
        if self.latents is None:
            raise Reached
        return self.latents


def inputs():
    return {i.id: i for i in TrainMotionLora.define_schema().inputs}


# the schema


def test_what_is_required():
    assert [name for name, each in inputs().items() if not each.optional] == REQUIRED
    assert not TrainMotionLora.define_schema().is_output_node


@pytest.mark.parametrize("name", RANGES)
def test_ranges(name):
    each = inputs()[name]
    assert (each.default, each.min, each.max) == RANGES[name]


def test_choices():
    assert inputs()["augmentation"].options == [choice.value for choice in Augmentation]
    assert inputs()["augmentation"].default == "none"
    assert inputs()["precision"].options == ["auto", "bf16", "fp32"]
    assert inputs()["precision"].default == "auto"


ADVANCED = {
    "clips_per_step",
    "appearance_debias",
    "text_dropout",
    "precision",
    "gradient_checkpointing",
    "least_timestep",
    "hidden_motion",
}


def test_what_is_folded_away():
    """Never what is required; sent to the page by hosts that have such a mark and by the others."""
    sent = TrainMotionLora.GET_NODE_INFO_V1()["input"]
    told = {
        name
        for part in sent.values()
        for name, (_, options) in part.items()
        if options.get("advanced")
    }
    assert told == ADVANCED
    assert told.isdisjoint(REQUIRED)


def test_the_node_and_the_job_agree_on_names_and_defaults():
    job = {field.name: field.default for field in fields(MotionLoraJob)}
    assert job.keys() == inputs().keys()
    for name, each in inputs().items():
        if name != "video_folder" and hasattr(each, "default"):
            assert each.default == job[name], name


# what can be wrong


@pytest.fixture(scope="module")
def plain():
    with torch.inference_mode():
        return tiny.model()


@pytest.fixture(scope="module")
def module():
    with torch.inference_mode():
        return tiny.motion_module("v2")


@pytest.fixture(scope="module")
def animated(plain, module):
    with torch.inference_mode():
        return apply_motion_module(plain, module)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The host's input folder."""
    monkeypatch.setattr(folder_paths, "input_directory", str(tmp_path / "input"))
    (tmp_path / "input").mkdir()
    return tmp_path / "input"


def images(clips=2, frames=FRAMES, height=SIDE, width=SIDE):
    return torch.rand(clips * frames, height, width, 3)


def execute(model, **changes):
    given = {
        "model": model,
        "vae": FakeVae(),
        "positive": tiny.conditioning(1),
        "rank": 4,
        "learning_rate": 1e-3,
        "steps": 1,
        "seed": 0,
        "augmentation": "none",
        "images": images(),
        "frames_per_clip": FRAMES,
        "width": SIDE,
        "height": SIDE,
    }
    return TrainMotionLora.execute(**{**given, **changes})


def said(model, **changes):
    with pytest.raises(AnimateDiffError) as caught:
        execute(model, **changes)
    return str(caught.value)


def test_nothing_wrong(animated):
    with pytest.raises(Reached):
        execute(animated)


def with_nan():
    batch = images()
    batch[5, 0, 0, 0] = float("nan")
    return batch


def several(count):
    return [entry for seed in range(count) for entry in tiny.conditioning(seed)]


def wide_vae():
    vae = FakeVae()
    vae.latent_channels = 16
    return vae


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"rank": 0}, ["rank is 0", "at least 1"]),
        ({"steps": 0}, ["steps is 0", "at least 1"]),
        ({"clips_per_step": 0}, ["clips_per_step is 0"]),
        ({"learning_rate": 0.0}, ["learning_rate is 0", "above 0"]),
        ({"learning_rate": float("nan")}, ["learning_rate is nan"]),
        ({"learning_rate": float("inf")}, ["learning_rate is inf"]),
        ({"text_dropout": 1.5}, ["text_dropout is 1.5", "from 0 to 1"]),
        ({"least_timestep": 1000}, ["least_timestep is 1000", "from 0 to 999"]),
        ({"hidden_motion": -0.1}, ["hidden_motion is -0.1", "from 0 to 1, such as 0.5"]),
        (
            {"hidden_motion": 0.5},
            ["hidden_motion is 0.5, and augmentation is none", "set hidden_motion to 0"],
        ),
        ({"width": 100}, ["width is 100", "multiple of 8"]),
        ({"height": 32}, ["height is 32", "at least 64"]),
        ({"frames_per_clip": 1}, ["frames_per_clip is 1", "at least 2"]),
        ({"frames_per_clip": 33}, ["33 frames", "can see 32 at once", "lower frames_per_clip"]),
        ({"frames_per_clip": 3}, ["8 frames", "2 clips of 3", "2 left over"]),
        ({"frames_per_clip": 16}, ["images has 8 frames", "one clip needs 16"]),
        ({"images": with_nan()}, ["1 of 8 images", "number 6", "not a number"]),
        ({"images": None}, ["nothing to train on", "either images or video_folder"]),
        ({"video_folder": "clips"}, ["images is connected", "video_folder is", "unplug images"]),
        ({"images": None, "video_folder": "no"}, ["/input/no' does not exist", "on the machine"]),
        ({"images": None, "video_folder": "../up"}, ["'../up', which leads out of", "/input", "animatediff_videos"]),
        ({"positive": []}, ["positive holds no prompt"]),
        ({"positive": several(3)}, ["3 prompts, for 2 clips"]),
        ({"negative": several(2)}, ["negative holds 2 prompts"]),
        ({"positive": tiny.conditioning(1, control=1)}, ["positive comes with a ControlNet"]),
        ({"positive": [[torch.zeros(1, 7, 99), {}]]}, ["99 numbers per token", "takes 16"]),
        ({"vae": wide_vae()}, ["latents of 16 channels", "takes 4"]),
        (
            {"continue_from": (LoraUse(lora_files.motion_lora(rank=8)),)},
            ["rank is 4", "'lora0.ckpt' has rank 8", "set rank to 8"],
        ),
        (
            {"continue_from": (LoraUse(lora_files.motion_lora()), LoraUse(lora_files.motion_lora(1)))},
            ["rank is 4", "'lora0.ckpt + lora1.ckpt' has rank 8"],
        ),
        (
            {"continue_from": (LoraUse(lora_files.motion_lora(names=lora_files.FEED_FORWARD)),)},
            ["42 weights beside the temporal attention", "ff.net", "Apply Motion Module"],
        ),
        (
            {"continue_from": (LoraUse(lora_files.motion_lora(widths=(64, 64, 64, 64))),)},
            ["'lora0.ckpt' does not fit 'v2.safetensors'"],
        ),
        (
            {"continue_from": (LoraUse(lora_files.motion_lora(), 1.0, FrameStrengths((0.0, 1.0))),)},
            ["has a strength per frame"],
        ),
    ],
)  # fmt: skip
def test_inputs_that_are_wrong(animated, folder, changes, parts):
    message = said(animated, **changes)
    assert [part for part in parts if part not in message] == [], message


def test_a_model_without_a_motion_module(plain):
    assert "no motion modules are applied to this model" in said(plain)


def test_a_model_with_two(animated, module):
    assert "2 motion modules are applied" in said(apply_motion_module(animated, module))


def test_a_motion_module_for_a_part_of_the_steps(plain, module):
    model = apply_motion_module(plain, module, end_percent=0.5)
    assert "takes part from 0 to 0.5 of the sampling only" in said(model)


def test_another_kind_of_model():
    model = tiny.model(config_class=comfy.supported_models.SD20, model_channels=64)
    assert "the model is of the kind SD20" in said(model)


def test_an_inpainting_model(plain, module):
    model = tiny.model(in_channels=9)
    model.model.concat_keys = ("mask", "masked_image")
    message = said(apply_motion_module(model, module))
    assert "wants mask, masked_image beside the latent" in message


def test_a_motion_lora_by_frame_on_the_model(plain, module):
    use = LoraUse(lora_files.motion_lora(), 1.0, FrameStrengths((0.0, 1.0)))
    model = apply_motion_module(plain, with_motion_lora(module, (use,)))
    for checkpointing in (True, False):
        with pytest.raises(Reached):
            execute(model, gradient_checkpointing=checkpointing)


def test_latents_that_are_no_numbers(animated):
    vae = FakeVae()
    vae.latents = torch.full((FRAMES, 4, 8, 8), float("inf"))
    message = said(animated, vae=vae)
    assert "latents of the clip number 1" in message and "--fp32-vae" in message


def test_a_checkpoint_without_a_vae(animated):
    vae = tiny_vae.vae()
    vae.first_stage_model = None
    with pytest.raises(RuntimeError, match="VAE is invalid"):
        execute(animated, vae=vae)


def test_cancelling_while_clips_are_read(animated):
    comfy.model_management.interrupt_current_processing(True)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        execute(animated)
    with pytest.raises(Reached):
        execute(animated)


# a folder of videos


def write_gif(path, frames=FRAMES, first=0, side=SIDE):
    """Frames that are grey, each a little lighter than the one before."""
    greys = [Image.new("RGB", (side, side), (10 * (first + i),) * 3) for i in range(frames)]
    greys[0].save(path, save_all=True, append_images=greys[1:], duration=100)


@pytest.fixture
def videos(folder):
    """b has what a has, a second later; and a file that is none."""
    (folder / "mine").mkdir()
    write_gif(folder / "mine" / "b.gif", 10, first=10)
    write_gif(folder / "mine" / "a.gif", 10)
    (folder / "mine" / "notes.txt").write_text("no video")
    return folder / "mine"


def test_one_clip_of_each_video_by_name(videos):
    footage = find_footage(None, videos, FRAMES, 3)
    assert footage.names == ["a.gif", "b.gif"]
    seen = []
    clips = footage.cropped(Augmentation.NONE, 64, 64, lambda: seen.append(1))
    assert [clip.shape for clip in clips] == [(FRAMES, 64, 64, 3)] * 2 and len(seen) == 2
    greys = [(clip[:, 32, 32, 0] * 25.5).round().tolist() for clip in clips]
    assert greys == [[0, 3, 6, 9], [10, 13, 16, 19]]


@pytest.mark.parametrize("named", ["inside the input folder", "absolute", "in quotes"])
def test_ways_to_name_the_folder(animated, videos, named):
    names = {"absolute": str(videos), "in quotes": f' "{videos}" '}
    name = names.get(named, "mine")
    with pytest.raises(Reached):
        execute(animated, images=None, video_folder=name, frame_stride=2)


def test_a_video_that_is_too_short(animated, videos):
    write_gif(videos / "z.gif", 9)
    message = said(animated, images=None, video_folder="mine", frame_stride=3)
    assert "'z.gif' has 9 frames" in message and "needs 10" in message


def test_prompts_are_counted_before_videos_are_read(animated, videos):
    write_gif(videos / "z.gif", 1)
    message = said(animated, images=None, video_folder="mine", positive=several(2))
    assert "2 prompts, for 3 clips" in message


def test_a_changed_folder_trains_again(videos):
    def stamp(**given):
        return TrainMotionLora.fingerprint_inputs(model=None, rank=4, **given)

    first = stamp(video_folder="mine")
    assert stamp(video_folder="mine") == first
    os.utime(videos / "a.gif", (1, 1))
    changed = stamp(video_folder="mine")
    assert changed != first
    (videos / "b.gif").unlink()
    assert stamp(video_folder="mine") not in (first, changed)
    assert stamp(video_folder="") == stamp(video_folder=None) == stamp()
    assert stamp(video_folder="gone") != stamp()


# from pixels to what is trained on


def prompts(count, no_prompt=None):
    return Prompts(torch.randn(count, 7, 16), no_prompt)


def test_latents_are_in_the_models_own_scale(plain):
    """0.18215, that of SD1.5, times what the VAE gives."""
    vae = tiny_vae.vae()
    clip = images(1)
    expected = 0.18215 * vae.encode(clip)
    latents = vae_encoder(vae, plain)(clip)
    torch.testing.assert_close(latents, expected)
    assert latents.shape == (FRAMES, 4, SIDE // 8, SIDE // 8)
    assert (latents.dtype, latents.device.type) == (torch.float32, "cpu")


@pytest.mark.parametrize("mirrored", [False, True])
def test_mirrored_clips_have_the_same_prompts(mirrored):
    clips = [images(1), images(1)]
    seen = []
    clip_set = encode_clips(
        clips, ["a", "b"], prompts(2), lambda x: x.movedim(-1, 1), mirrored, lambda: seen.append(1)
    )
    latents = torch.stack([clip.movedim(-1, 1) for clip in clips])
    assert torch.equal(clip_set.latents[:2], latents)
    assert len(clip_set) == len(seen) == (4 if mirrored else 2)
    assert clip_set.prompt_of.tolist() == ([0, 1, 0, 1] if mirrored else [0, 1])
    if mirrored:
        assert torch.equal(clip_set.latents[2:], latents.flip(-1))


def test_still_clips_have_their_mirrored_copies_too():
    clips, still = [images(1), images(1)], [0.5 * images(1), 0.25 * images(1)]
    seen = []
    clip_set = encode_clips(
        clips,
        ["a", "b"],
        prompts(1),
        lambda x: x.movedim(-1, 1),
        True,
        lambda: seen.append(1),
        still,
    )
    expected = torch.stack([clip.movedim(-1, 1) for clip in still])
    assert clip_set.still is not None and len(seen) == 8
    assert torch.equal(clip_set.still, torch.cat([expected, expected.flip(-1)]))


def test_non_finite_latents_name_the_clip():
    def encode(frames):
        return frames.movedim(-1, 1) / frames.sum()

    clips = [images(1), torch.zeros(FRAMES, 8, 8, 3)]
    with pytest.raises(AnimateDiffError, match=r"the clip b\.mp4"):
        encode_clips(clips, ["a.mp4", "b.mp4"], prompts(1), encode, False, lambda: None)


@pytest.mark.parametrize("augmentation", [*Augmentation])
def test_clips_are_cropped_to_the_size(augmentation):
    footage = find_footage(images(1, height=72, width=96), None, FRAMES, 1)
    (clip,) = footage.cropped(augmentation, 64, 40, lambda: None)
    assert clip.shape == (FRAMES, 40, 64, 3) and clip.isfinite().all()


def test_an_alpha_channel_is_left_out():
    four = torch.cat([images(1), torch.zeros(FRAMES, SIDE, SIDE, 1)], dim=-1)
    (clip,) = find_footage(four, None, FRAMES, 1).cropped(Augmentation.NONE, 64, 64, lambda: None)
    assert clip.shape[-1] == 3


@pytest.mark.parametrize(
    ("choice", "supported", "expected"),
    [
        ("auto", True, Precision.BF16),
        ("auto", False, Precision.FP32),
        ("fp32", True, Precision.FP32),
        ("bf16", False, Precision.BF16),
    ],
)
def test_precision(animated, monkeypatch, choice, supported, expected):
    monkeypatch.setattr(comfy.model_management, "should_use_bf16", lambda device: supported)
    job = MotionLoraJob(animated, FakeVae(), tiny.conditioning(1), precision=choice)
    assert run_module._precision(job) is expected


@pytest.mark.parametrize(
    ("frames", "shown", "size"),
    [
        (2, [0, 1], (2, 1)),
        (4, [0, 1, 2, 3], (4, 1)),
        (5, [0, 1, 2, 3, 4], (3, 2)),
        (8, list(range(8)), (4, 2)),
        (16, [0, 2, 4, 6, 9, 11, 13, 15], (4, 2)),
    ],
)
def test_the_preview_shows_frames_in_order(frames, shown, size):
    clip = (torch.arange(frames) * 10 / 255)[:, None, None, None].expand(-1, 8, 16, 3)
    sheet = contact_sheet(clip)
    assert sheet.size == (16 * size[0], 8 * size[1])
    places = [(i % size[0] * 16 + 8, i // size[0] * 8 + 4) for i in range(len(shown))]
    assert [sheet.getpixel(place)[0] for place in places] == [10 * frame for frame in shown]
