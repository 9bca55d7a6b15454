"""A folder of videos, through the host's own decoder: real files, and broken ones."""

import gc
import os
import weakref
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.training import footage
from animatediff_native.training.augment import Augmentation, augmented
from animatediff_native.training.footage import find_footage
from animatediff_native.training.videos import ENDINGS, frames_of, pixels_of, video_files
from comfy_api.latest import InputImpl

WIDTH, HEIGHT, FRAMES = 96, 64, 6
CODECS = {
    ".mp4": ("libx264", "yuv420p"),
    ".m4v": ("libx264", "yuv420p"),
    ".mov": ("libx264", "yuv420p"),
    ".mkv": ("libx264", "yuv420p"),
    ".webm": ("libvpx-vp9", "yuv420p"),
    ".avi": ("mpeg4", "yuv420p"),
    ".gif": ("gif", "rgb8"),
}


def edge(frame):
    """The column behind which the picture is white, in the frame with this index."""
    return 16 + 12 * frame


def pictures():
    """Frames that can be told apart: [HEIGHT, WIDTH, 3] of bytes."""
    for frame in range(FRAMES):
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        picture[:, edge(frame) :] = 255
        yield picture


def read(file):
    """[T, H, W, 3] in 0 to 1."""
    return torch.stack([pixels_of(file, frame) for frame in frames_of(file)]) / 255


def sound(stream):
    """Packets of half a second of silence."""
    samples = np.zeros((1, 22050), np.float32)
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
    frame.sample_rate, frame.pts = 44100, 0
    return [*stream.encode(frame), *stream.encode(None)]


def write(path, picture=True, audio=False, frames=True):
    codec, pixels = CODECS[path.suffix.lower()]
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=8) if picture else None
        silence = container.add_stream("aac", rate=44100, layout="mono") if audio else None
        if video is not None:
            video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, pixels
        container.start_encoding()
        if video is not None and frames:
            for each in pictures():
                container.mux(video.encode(av.VideoFrame.from_ndarray(each, format="rgb24")))
            container.mux(video.encode(None))
        if silence is not None:
            container.mux(sound(silence))


def test_every_ending_has_a_codec():
    assert set(CODECS) == set(ENDINGS)


@pytest.mark.parametrize("ending", ENDINGS)
def test_frames_in_order(tmp_path, ending):
    """The edge is at its column within 2 pixels, the width of what 4:2:0 chroma and such small
    codec blocks blur."""
    write(tmp_path / f"clip{ending}")
    (file,) = video_files(tmp_path)
    assert file.name == f"clip{ending}"
    frames = read(file)
    assert frames.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert frames.min() >= 0
    assert frames.max() <= 1
    white = frames.mean((1, 3)).sum(1)  # columns
    assert white.tolist() == pytest.approx([WIDTH - edge(i) for i in range(FRAMES)], abs=2)


def test_sorted_and_any_case(tmp_path):
    write(tmp_path / "b.MP4")
    write(tmp_path / "c.mp4", audio=True)
    write(tmp_path / "a.MoV")
    (tmp_path / "a.txt").write_text("a caption")
    (tmp_path / "folder.mp4").mkdir()
    assert [file.name for file in video_files(tmp_path)] == ["a.MoV", "b.MP4", "c.mp4"]


def write_pictures(path, made, codec=None, options=None, times=None, **settings):
    """RGB pictures, losslessly where the codec is; times: of each frame, in 1/100 s."""
    height, width = made[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            codec or "libx264rgb", rate=25, options=options or {"crf": "0"}
        )
        stream.width, stream.height = width, height
        stream.pix_fmt = settings.pop("pix_fmt", "rgb24")
        if times:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 100)
        for index, picture in enumerate(made):
            frame = av.VideoFrame.from_ndarray(picture, format=settings.get("given", "rgb24"))
            if times:
                frame.pts, frame.time_base = times[index], Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def noise(frames, height=48, width=64, channels=3):
    return list(
        np.random.default_rng(1).integers(0, 256, (frames, height, width, channels), np.uint8)
    )


def smooth(frames, height, width):
    """Colours that change little from pixel to pixel: hosts differ in how they spread those that
    four pixels share."""
    across = np.linspace(0, 90, width)[None, :, None] * np.array([1.0, 0.5, -0.7])
    down = np.linspace(0, 40, height)[:, None, None] * np.array([-1.0, 1.0, 0.5])
    return [np.uint8(100 + across + down + 3 * frame) for frame in range(frames)]


def by_the_host(file):
    return InputImpl.VideoFromFile(str(file)).get_components().images


# newer hosts convert to floats, others to bytes: one bit, and a few where pixels share a colour
ONE_BIT, SHARED = 1.5 / 255, 5 / 255


MAKERS = {
    "lossless": lambda path: write_pictures(path, noise(6)),
    "odd size": lambda path: write_pictures(path, noise(6, 34, 50)),
    "variable rate": lambda path: write_pictures(path, noise(6), times=[0, 4, 40, 41, 90, 200]),
    "4:2:0": lambda path: write_pictures(path, smooth(6, 48, 96), "libx264", {"crf": "20"}, pix_fmt="yuv420p"),
    "alpha": lambda path: write_pictures(path, noise(6, channels=4), "ffv1", {"level": "3"}, pix_fmt="bgra", given="rgba"),
}  # fmt: skip


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_the_frames_are_those_that_the_host_decodes(tmp_path, make):
    make(tmp_path / "clip.mkv")
    mine, theirs = read(tmp_path / "clip.mkv"), by_the_host(tmp_path / "clip.mkv")[..., :3]
    assert mine.shape == theirs.shape
    shared = make is MAKERS["4:2:0"]
    assert (mine - theirs).abs().max() <= (SHARED if shared else ONE_BIT)


def test_a_video_from_a_phone_that_lay_on_its_side(tmp_path):
    """The turn is written into the file's header: a quarter counter-clockwise."""
    made = noise(3, 48, 64)
    write_pictures(tmp_path / "flat.mp4", made, pix_fmt="rgb24")
    with av.open(str(tmp_path / "flat.mp4")) as source:
        first = next(source.decode(video=0))
    if not hasattr(first, "rotation"):
        pytest.skip("this PyAV does not tell of turns")

    class Turned:
        rotation = 90

        def to_ndarray(self, format):
            return first.to_ndarray(format=format)

    pixels = pixels_of(tmp_path / "flat.mp4", Turned())  # pyright: ignore[reportArgumentType]
    assert np.array_equal(pixels.numpy(), np.rot90(made[0]))
    assert pixels.shape == (64, 48, 3)


@pytest.mark.parametrize("augmentation", [Augmentation.NONE, Augmentation.ZOOM_IN])
def test_clips_are_what_the_whole_video_gave(tmp_path, augmentation):
    """Cropped and resized frame by frame; fp16 keeps eight steps of a byte."""
    write_pictures(tmp_path / "clip.mkv", noise(20))
    whole = by_the_host(tmp_path / "clip.mkv")[: 3 * 4 + 1 : 4]
    expected = augmented(whole, augmentation, 64, 40)
    (clip,) = find_footage(None, tmp_path, 4, 4).cropped(augmentation, 64, 40, lambda: None)
    assert clip.shape == expected.shape
    assert (clip.float() - expected).abs().max() <= ONE_BIT


def test_nothing_after_the_clip_is_decoded_and_no_frames_pile_up(tmp_path, monkeypatch):
    """One picture at a time at its own size, of the frames that the stride keeps."""
    write_pictures(tmp_path / "clip.mkv", noise(40))
    asked, alive, most = [], weakref.WeakSet(), 0

    def noted_frames(file):
        for frame in frames_of(file):
            asked.append(frame)
            yield frame

    def noted_pixels(file, frame):
        nonlocal most
        pixels = pixels_of(file, frame)
        gc.collect()
        alive.add(pixels)
        most = max(most, len(alive))
        return pixels

    monkeypatch.setattr(footage, "frames_of", noted_frames)
    monkeypatch.setattr(footage, "pixels_of", noted_pixels)
    find_footage(None, tmp_path, 4, 3).cropped(Augmentation.NONE, 64, 64, lambda: None)
    assert len(asked) == 3 * 3 + 1
    assert most <= 2


def test_memory_that_runs_out_is_no_broken_video(tmp_path, monkeypatch):
    def fail(*_args, **_options):
        raise MemoryError

    write(tmp_path / "a.mp4")
    monkeypatch.setattr(av, "open", fail)
    with pytest.raises(MemoryError):
        read(tmp_path / "a.mp4")


def test_no_folder(tmp_path):
    with pytest.raises(AnimateDiffError, match="does not exist") as caught:
        video_files(tmp_path / "clips")
    assert str(tmp_path / "clips") in caught.value.given


def test_a_file_in_place_of_a_folder(tmp_path):
    write(tmp_path / "clip.mp4")
    with pytest.raises(AnimateDiffError, match="is a file"):
        video_files(tmp_path / "clip.mp4")


@pytest.mark.parametrize("others", [0, 1, 3])
def test_a_folder_without_a_video(tmp_path, others):
    for index in range(others):
        (tmp_path / f"{index}.png").touch()
    (tmp_path / "deeper").mkdir()
    write(tmp_path / "deeper" / "clip.mp4")
    with pytest.raises(AnimateDiffError, match=f"other files in it: {others}") as caught:
        video_files(tmp_path)
    assert str(tmp_path) in caught.value.given
    assert all(ending in caught.value.expected for ending in ENDINGS)
    assert "folders inside it" in caught.value.remedy


def truncated(path):
    write(path)
    os.truncate(path, path.stat().st_size // 2)


def sound_alone(path):
    write(path, picture=False, audio=True)


def no_frames(path):
    write(path, audio=path.suffix == ".mkv", frames=False)


BROKEN = {
    "empty": (lambda path: path.touch(), ".mp4", "Invalid data"),
    "text": (lambda path: path.write_text("not a video\n" * 99), ".mp4", "Invalid data"),
    "truncated": (truncated, ".mp4", "Invalid data"),
    "sound alone": (sound_alone, ".mp4", "No video stream"),
    "no frames": (no_frames, ".avi", "is a video with no frames"),
    "no frames but sound": (no_frames, ".mkv", "is a video with no frames"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_video_that_cannot_be_read(tmp_path, kind):
    make, ending, cause = BROKEN[kind]
    make(tmp_path / f"broken{ending}")
    write(tmp_path / "another.mp4")
    another, broken = video_files(tmp_path)
    assert len(read(another)) == FRAMES
    with pytest.raises(AnimateDiffError, match=cause) as caught:
        read(broken)
    assert f"'broken{ending}'" in caught.value.given
    assert "\n" not in caught.value.given
    assert "out of the folder" in caught.value.remedy
