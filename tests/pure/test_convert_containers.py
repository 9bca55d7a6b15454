"""Workflows are found in whatever people share: wrappers, pictures and videos."""

# Cases are typed loosely.
# pyright: reportArgumentType=false

import io
import json
import random
from typing import Any

import pytest
from adn_testing.ade import SHAPES, read, shape
from adn_testing.containers import gif, mp4, png, webm, webp
from animatediff_native.convert import convert, read_file
from animatediff_native.motion.errors import AnimateDiffError

PAGE, API = read("gen1_ui"), read("gen1_api")
BOTH: Any = {"workflow": PAGE, "prompt": API}
FILES = {
    **{f"png {kind.decode()}": png(kind, **BOTH) for kind in (b"tEXt", b"zTXt", b"iTXt", b"comf")},
    "webp": webp(**BOTH),
    "webp of the other order": webp(">", b"Exif\0\0", **BOTH),
    "gif": gif(**BOTH),
    "mp4": mp4(**BOTH),
    "mp4 without udta": mp4(around=b"", **BOTH),
    "mp4 of VideoHelperSuite": mp4(itunes=True, workflow=PAGE, prompt=json.dumps(API)),
    "mp4 of more than 4 GB": mp4(large=True, **BOTH),
    "webm": webm(**BOTH),
    "webm as a stream": webm(unknown=True, **BOTH),
    "webm of VideoHelperSuite": webm(comment={"prompt": json.dumps(API), "workflow": PAGE}),
    "json": json.dumps(PAGE).encode(),
    "json with a mark": b"\xef\xbb\xbf" + json.dumps(PAGE).encode(),
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_the_page_s_workflow_is_taken_from_a_file(data):
    assert convert(read_file(data)).workflow == convert(PAGE).workflow


@pytest.mark.parametrize("make", [png, webp, gif, mp4, webm])
def test_api_format_is_taken_where_there_is_no_other(make):
    assert convert(read_file(make(prompt=API))).workflow == convert(API).workflow


def test_a_picture_of_the_time():
    with (SHAPES / "png_metadata.png").open("rb") as file:
        assert not convert(read_file(file)).left


WRAPPED = {
    "workflow and output": {"workflow": PAGE, "output": API},
    "as texts": {"workflow": json.dumps(PAGE), "prompt": json.dumps(API)},
    "a text": json.dumps(PAGE),
    "posted": {"prompt": API, "client_id": "a", "extra_data": {"extra_pnginfo": {"workflow": PAGE}}},
    "a run of a server": {"abc": {"prompt": [1, "abc", API, {"extra_pnginfo": {"workflow": PAGE}}, []],
                                  "outputs": {}, "status": {}}},
}  # fmt: skip


@pytest.mark.parametrize("held", WRAPPED.values(), ids=WRAPPED)
def test_the_page_s_workflow_is_taken_from_what_is_around_it(held):
    assert convert(held).workflow == convert(PAGE).workflow


@pytest.mark.parametrize("name", ["prompt", "output"])
def test_api_format_is_taken_from_what_is_around_it(name):
    assert convert({name: API, "client_id": "a"}).workflow == convert(API).workflow


@pytest.mark.parametrize("name", ["wrapper_prompt", "wrapper_workflow_output", "api_with_meta"])
def test_files_that_tools_save(name):
    result = convert(shape(name))
    assert result.converted and not result.left
    if isinstance(result.workflow.get("nodes"), list):
        return
    assert all("class_type" in node for node in result.workflow.values())


def test_no_number_becomes_one_that_a_browser_reads():
    result = convert(shape("not_a_number"))
    text = json.dumps(result.workflow, allow_nan=False)
    assert json.loads(text) == result.workflow
    (sampler,) = [node for node in result.workflow["nodes"] if node["type"] == "KSampler"]
    assert sampler["widgets_values"][-1] == 1.0
    assert "(KSampler)" in result.notes[0] and "is 1 now" in result.notes[0]


@pytest.mark.parametrize("data", [
    b"", b"\x89PNG\r\n\x1a\n", png(), webp(), gif(), mp4(), webm(), png(workflow=3), b"GIF89a",
    b"RIFF\0\0\0\0WEBP", b"\0\0\0\x08ftypisom", b"\x1a\x45\xdf\xa3", b"\xff\xd8\xff\xe0 JPEG", b"[",
])  # fmt: skip
def test_what_has_none_is_an_error_that_says_what_to_do(data):
    with pytest.raises(AnimateDiffError) as refused:
        convert(read_file(data))
    assert refused.value.given and refused.value.expected and refused.value.remedy


@pytest.mark.parametrize("name", [name for name in FILES if "json" not in name])
def test_damaged_files_are_read_or_refused(name):
    """Cut off and with other bytes, the same ones every time."""
    chance = random.Random(name)
    for _ in range(60):
        data = bytearray(FILES[name])
        for _ in range(chance.choice([0, 1, 8])):
            data[chance.randrange(min(len(data), chance.choice([64, 400, 10**9])))] = chance.choice(
                [0, 1, 0x7F, 0x80, 0xFF]
            )
        cut = chance.choice([len(data), chance.randrange(len(data))])
        try:
            convert(read_file(io.BytesIO(bytes(data[:cut]))))
        except AnimateDiffError:
            continue


def test_a_chunk_that_unpacks_to_anything_is_bounded(monkeypatch):
    from animatediff_native.convert import pictures

    monkeypatch.setattr(pictures, "LARGEST_TEXT", 1000)
    with pytest.raises(AnimateDiffError):
        read_file(png(b"zTXt", workflow="a" * 100_000))
