"""Files as the libraries write them that the host and VideoHelperSuite use."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest
from adn_testing.ade import read
from animatediff_native.convert import convert, read_file
from PIL import Image
from PIL.PngImagePlugin import PngInfo

PAGE, API = read("gen1_ui"), read("gen1_api")
TEXTS = {"prompt": json.dumps(API), "workflow": json.dumps(PAGE)}
COMMENT = {"comment": json.dumps({**TEXTS, "workflow": PAGE})}


def found(path):
    with path.open("rb") as file:
        return convert(read_file(file)).workflow


def picture():
    return Image.new("RGB", (8, 8))


def test_png(tmp_path):
    info = PngInfo()
    for name, text in TEXTS.items():
        info.add_text(name, text)
    picture().save(tmp_path / "a.png", pnginfo=info)
    assert found(tmp_path / "a.png") == convert(PAGE).workflow


def test_animated_png(tmp_path):
    info = PngInfo()
    for name, text in TEXTS.items():
        info.add(b"comf", name.encode() + b"\0" + text.encode(), after_idat=True)
    picture().save(tmp_path / "a.png", pnginfo=info, save_all=True, append_images=[picture()])
    assert found(tmp_path / "a.png") == convert(PAGE).workflow


def test_animated_webp(tmp_path):
    exif = picture().getexif()
    exif[0x0110] = f"prompt:{TEXTS['prompt']}"
    exif[0x010F] = f"workflow:{TEXTS['workflow']}"
    picture().save(tmp_path / "a.webp", save_all=True, append_images=[picture()], exif=exif)
    assert found(tmp_path / "a.webp") == convert(PAGE).workflow


def test_gif_with_a_comment(tmp_path):
    picture().save(
        tmp_path / "a.gif", save_all=True, append_images=[picture()], comment=TEXTS["workflow"]
    )
    assert found(tmp_path / "a.gif") == convert(PAGE).workflow


@pytest.mark.parametrize(
    ("name", "codec", "options", "texts"),
    [
        ("a.mp4", "mpeg4", {"movflags": "use_metadata_tags"}, TEXTS),  # the host's Save Video
        ("a.mp4", "mpeg4", {}, COMMENT),  # VideoHelperSuite
        ("a.mov", "mpeg4", {"movflags": "use_metadata_tags"}, TEXTS),
        ("a.webm", "libvpx-vp9", {}, TEXTS),  # the host's Save WEBM
        ("a.webm", "libvpx-vp9", {}, COMMENT),
        ("a.mkv", "mpeg4", {}, COMMENT),
    ],
)
def test_videos(tmp_path, name, codec, options, texts):
    with av.open(str(tmp_path / name), "w", options=options) as file:
        for key, text in texts.items():
            file.metadata[key] = text
        stream = file.add_stream(codec, rate=Fraction(8))
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    assert found(tmp_path / name) == convert(PAGE).workflow
