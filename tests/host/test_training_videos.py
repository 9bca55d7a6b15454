"""A folder of videos, through the host's own decoder: real files, and broken ones."""

import gc
import os
import weakref

import av
import numpy as np
import pytest
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.training.videos import ENDINGS, read_videos

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
    ((name, frames),) = read_videos(tmp_path)
    assert name == f"clip{ending}"
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
    assert [name for name, _ in read_videos(tmp_path)] == ["a.MoV", "b.MP4", "c.mp4"]


def test_one_video_in_memory_at_a_time(tmp_path):
    for name in "ab":
        write(tmp_path / f"{name}.mp4")
    videos = read_videos(tmp_path)
    frames = weakref.ref(next(videos)[1])
    gc.collect()
    assert frames() is None


def test_no_folder(tmp_path):
    with pytest.raises(AnimateDiffError, match="does not exist") as caught:
        read_videos(tmp_path / "clips")
    assert str(tmp_path / "clips") in caught.value.given


def test_a_file_in_place_of_a_folder(tmp_path):
    write(tmp_path / "clip.mp4")
    with pytest.raises(AnimateDiffError, match="is a file"):
        read_videos(tmp_path / "clip.mp4")


@pytest.mark.parametrize("others", [0, 1, 3])
def test_a_folder_without_a_video(tmp_path, others):
    for index in range(others):
        (tmp_path / f"{index}.png").touch()
    (tmp_path / "deeper").mkdir()
    write(tmp_path / "deeper" / "clip.mp4")
    with pytest.raises(AnimateDiffError, match=f"other files in it: {others}") as caught:
        read_videos(tmp_path)
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
    videos = read_videos(tmp_path)
    assert next(videos)[0] == "another.mp4"
    with pytest.raises(AnimateDiffError, match=cause) as caught:
        next(videos)
    assert f"'broken{ending}'" in caught.value.given
    assert "\n" not in caught.value.given
    assert "out of the folder" in caught.value.remedy
