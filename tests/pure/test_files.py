"""Files that are there whole or not at all: the helper, and whoever writes through it."""

import errno

import pytest
import torch
from adn_testing.linear_noise import PLAIN, trained
from animatediff_native.lora import save as lora_save
from animatediff_native.lora.chain import LoraUse, MotionLora
from animatediff_native.lora.pairs import LowRank
from animatediff_native.motion.files import written_whole

KEY = (
    "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0."
    "attention_blocks.0.to_q.weight"
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_there_at_the_end_of_the_block(tmp_path):
    path = tmp_path / "a.txt"
    with written_whole(path) as beside:
        assert beside.parent == tmp_path
        beside.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole" and names(tmp_path) == ["a.txt"]


class Cancelled(BaseException):
    """As newer hosts cancel."""


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "full"), Cancelled()])
@pytest.mark.parametrize("before", [None, "as it was"])
def test_after_an_exception_all_is_as_it_was(tmp_path, failure, before):
    path = tmp_path / "a.txt"
    if before:
        path.write_text(before)
    with pytest.raises(type(failure)), written_whole(path) as beside:
        beside.write_text("half")
        raise failure
    assert names(tmp_path) == (["a.txt"] if before else [])
    assert not before or path.read_text() == before


def test_an_exception_before_anything_was_written(tmp_path):
    with pytest.raises(RuntimeError), written_whole(tmp_path / "a.txt"):
        raise RuntimeError("broken on purpose")
    assert names(tmp_path) == []


def half_written(_content, path, *_more):
    path.write_bytes(b"half")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_motion_lora_on_a_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(lora_save, "save_file", half_written)
    lora = MotionLora("a", {KEY: LowRank(torch.ones(2, 8), torch.ones(8, 2))})
    with pytest.raises(OSError, match="No space left"):
        lora_save.save_motion_lora((LoraUse(lora),), tmp_path / "a.safetensors")
    assert names(tmp_path) == []


def test_a_checkpoint_on_a_full_disk(tmp_path, monkeypatch):
    trainer = trained(PLAIN)
    trainer.save(tmp_path / "a.ckpt")
    monkeypatch.setattr(torch, "save", half_written)
    with pytest.raises(OSError, match="No space left"):
        trainer.save(tmp_path / "a.ckpt")
    assert names(tmp_path) == ["a.ckpt"]
    trainer.resume(tmp_path / "a.ckpt")
