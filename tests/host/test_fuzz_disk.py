"""Files of any bytes, as they lie on a disk: what they hold, or an error in three parts."""

import io
import json
import math
import struct

import pytest
import torch
from adn_testing import lora_files, motion_files
from adn_testing.fuzzing import ODD_VALUES, changed, changed_json, only_our_error, tries
from animatediff_native.lora.domain_adapter import read_domain_adapter
from animatediff_native.lora.load import PEFT_CONFIG, load_motion_lora
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.load import load_motion_module
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

NARROW = (32, 32, 32, 32)
PAIRS = dict(list(lora_files.pairs(widths=NARROW).items())[:8])
CONTENTS = {
    "motion module": motion_files.original("v3", widths=NARROW),
    "MotionLoRA": lora_files.official(PAIRS),
    "PEFT": lora_files.peft(PAIRS),
}
CONTENTS["motion module"] = {key: x.half() for key, x in CONTENTS["motion module"].items()}
CONFIG = {"unet.r": 4, "unet.lora_alpha": 8, "unet.use_rslora": True, "unet.alpha_pattern": {}}
SUFFIXES = ("safetensors", "sft", "ckpt", "pt", "pth", "bin", "gguf", "txt")
LENGTHS = (0, 1, 2**31, 2**40, 2**63, 2**64 - 1)


def pickled(tensors) -> bytes:
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    return buffer.getvalue()


WHOLE = {(name, form.__name__): form(tensors) for name, tensors in CONTENTS.items()
         for form in (save, pickled)}  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes of a file after one thing that happens to files."""
    at = draw(st.integers(0, len(whole)))
    way = draw(st.sampled_from(("cut", "cut early", "flip", "length", "header", "zeros", "noise", "whole")))
    if way == "cut early":
        return whole[: at % 200]
    if way == "flip":
        early = at % 2000
        return whole[:early] + bytes([whole[early] ^ draw(st.integers(1, 255))]) + whole[early + 1 :]
    if way == "length":
        return struct.pack("<Q", draw(st.sampled_from(LENGTHS))) + whole[8:]
    if way == "header" and whole[:2] != b"PK":
        return with_header(whole, lambda header: draw(changed_json(header)))
    if way == "noise":
        return draw(st.binary(max_size=100))
    return {"cut": whole[:at], "zeros": whole[:at] + bytes(len(whole) - at)}.get(way, whole)


def with_header(whole: bytes, change) -> bytes:
    """A safetensors file with another header over the same numbers."""
    (length,) = struct.unpack("<Q", whole[:8])
    header = json.dumps(change(json.loads(whole[8 : 8 + length]))).encode()
    return struct.pack("<Q", len(header)) + header + whole[8 + length :]


@pytest.mark.parametrize("form", ["save", "pickled"])
@pytest.mark.parametrize(("name", "load"), [("motion module", load_motion_module), ("MotionLoRA", load_motion_lora)])
def test_fuzz_damaged_files(tmp_path, name, load, form):
    @tries(60)
    @given(damaged(WHOLE[name, form]), st.sampled_from(SUFFIXES))
    def check(contents, suffix):
        path = tmp_path / f"file.{suffix}"
        path.write_bytes(contents)
        found = only_our_error(lambda: load(path), AnimateDiffError)
        assert found is None or found.file == path.name

    check()


ODD = st.sampled_from((*ODD_VALUES, 8, 4.5))
SETTINGS = st.fixed_dictionaries({}, optional=dict.fromkeys(("lora_alpha", *CONFIG), ODD))


@tries(200)
@given(st.one_of(SETTINGS, changed_json(CONFIG), ODD).map(json.dumps))
def test_fuzz_what_peft_records(tmp_path_factory, recorded):
    path = tmp_path_factory.mktemp("peft") / "file.safetensors"
    added = {"__metadata__": {PEFT_CONFIG: recorded}}
    path.write_bytes(with_header(WHOLE["PEFT", "save"], lambda header: {**header, **added}))
    found = only_our_error(lambda: load_motion_lora(path), AnimateDiffError)
    assert found is None or all(math.isfinite(pair.scale) for pair in found.pairs.values())


ADAPTER = lora_files.domain_adapter(widths=NARROW)


@tries(150)
@given(changed(ADAPTER))
def test_fuzz_domain_adapters(loaded):
    found = only_our_error(lambda: read_domain_adapter(loaded, "adapter.ckpt"), AnimateDiffError)
    if found is not None:
        for key, tensor in found.items():
            assert tensor.ndim == 2 and torch.isfinite(tensor.float()).all(), key
