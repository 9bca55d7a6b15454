"""Several MotionLoRAs as one: exactly by joining ranks, or compressed."""

import json

import pytest
import torch
from adn_testing import lora_files
from adn_testing.lora_files import motion_lora
from animatediff_native.lora.chain import LoraUse, MotionLora
from animatediff_native.lora.compose import compose, compress
from animatediff_native.lora.formats import read_motion_lora
from animatediff_native.lora.save import save_motion_lora
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.frame_strengths import FrameStrengths, WrongLength
from animatediff_native.motion.step_range import StepRange
from safetensors import safe_open
from safetensors.torch import load_file


def delta(pair, strength=1.0):
    return strength * pair.scale * (pair.up.double() @ pair.down.double())


def chain():
    alphas = lora_files.kohya(lora_files.pairs(5), alpha=3.0)
    third = MotionLora("c", read_motion_lora(alphas, "c"))
    return (
        LoraUse(motion_lora(1), 0.7),
        LoraUse(motion_lora(2, names=lora_files.ATTENTION + lora_files.FEED_FORWARD), -0.3),
        LoraUse(third, 0.5),
    )


def expected_deltas(uses):
    deltas = {}
    for use in uses:
        for key, pair in use.lora.pairs.items():
            deltas[key] = deltas.get(key, 0) + delta(pair, use.strength)
    return deltas


def test_composing_loses_nothing():
    """To the fp32 rounding of `up` times its strength."""
    joined, expected = compose(chain()), expected_deltas(chain())
    assert joined.keys() == expected.keys()
    for key, pair in joined.items():
        assert torch.allclose(delta(pair), expected[key], rtol=1e-6, atol=1e-6)
    assert {pair.rank for pair in joined.values()} == {4, 12}


def test_half_precision_files_are_composed_in_fp32():
    halves = {k: (d.half(), u.half()) for k, (d, u) in lora_files.pairs().items()}
    lora = MotionLora("h", read_motion_lora(lora_files.official(halves), "h"))
    pair = next(iter(compose((LoraUse(lora, 0.3),)).values()))
    assert pair.down.dtype == pair.up.dtype == torch.float32


@pytest.mark.parametrize("rank", [1, 5, 8])
def test_compressing_is_the_best_of_its_rank(rank):
    """Against a full SVD of the whole difference, which the code never forms."""
    pairs = compose(chain())
    compressed = compress(pairs, rank)
    lost = total = 0.0
    for key, pair in pairs.items():
        full = delta(pair)
        kept = compressed.pairs[key]
        assert kept.rank <= rank or kept is pair
        values = torch.linalg.svdvals(full)
        best = values[rank:].square().sum().sqrt()
        error = (full - delta(kept)).norm()
        assert error == pytest.approx(best.item(), rel=1e-3, abs=1e-4)
        lost, total = lost + error.square().item(), total + full.square().sum().item()
    assert compressed.relative_error == pytest.approx((lost / total) ** 0.5, rel=1e-3)


def test_a_rank_as_large_as_it_is_changes_nothing():
    pairs = compose(chain())
    compressed = compress(pairs, 12)
    assert compressed.relative_error == 0.0
    assert all(compressed.pairs[key] is pair for key, pair in pairs.items())


def test_more_ranks_than_channels():
    """32 channels, 40 ranks: the halves are wider than the weight."""
    wide = tuple(LoraUse(motion_lora(i), 1.0) for i in range(10))
    pairs = {k: v for k, v in compose(wide).items() if v.shape == (32, 32)}
    compressed = compress(pairs, 32)
    assert compressed.relative_error < 1e-6
    for key, pair in pairs.items():
        assert compressed.pairs[key].rank == 32
        assert torch.allclose(delta(compressed.pairs[key]), delta(pair), atol=1e-4)


def test_the_saved_file_is_an_official_one(tmp_path):
    path = tmp_path / "sum.safetensors"
    saved = save_motion_lora(chain(), path)
    assert (saved.path, saved.ranks, saved.relative_error) == (path, (4, 12), 0.0)
    assert "exact" in str(saved)
    tensors = load_file(path)
    attention = "mid_block.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.1.processor"
    assert tensors[f"{attention}.to_out_lora.up.weight"].shape == (128, 12)
    official = set(lora_files.official(lora_files.pairs(names=lora_files.ATTENTION)))
    assert official < set(tensors)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["motion_loras"]) == [["lora1.ckpt", 0.7], ["lora2.ckpt", -0.3], ["c", 0.5]]  # fmt: skip
    assert metadata["rank"] == "0" and metadata["relative_error"] == "0"


def test_a_saved_file_reads_as_the_sum(tmp_path):
    path = tmp_path / "sum.safetensors"
    save_motion_lora(chain(), path)
    read = read_motion_lora(load_file(path), path.name)
    expected = expected_deltas(chain())
    assert read.keys() == expected.keys()
    assert all(torch.allclose(delta(p), expected[k], rtol=1e-6, atol=1e-6) for k, p in read.items())


def test_a_compressed_file_says_what_it_lost(tmp_path):
    path = tmp_path / "small.safetensors"
    saved = save_motion_lora(chain(), path, rank=4)
    assert saved.ranks == (4,)
    assert 0.1 < saved.relative_error < 1.0
    assert f"{saved.relative_error:.2%}" in str(saved)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    assert float(metadata["relative_error"]) == pytest.approx(saved.relative_error, rel=1e-5)
    assert metadata["rank"] == "4"


ONE = motion_lora()
UNSAVEABLE = {
    "per frame": (LoraUse(ONE, 1.0, FrameStrengths((0.0, 1.0))), "strength per frame"),
    "equal, but of a fixed length": (
        LoraUse(ONE, 1.0, FrameStrengths((1.0, 1.0), WrongLength.ERROR)),
        "strength per frame",
    ),
    "steps": (LoraUse(ONE, 1.0, None, StepRange(0.0, 0.5)), "range of steps"),
    "nothing": (LoraUse(ONE, 0.0), "strength 0"),
}


@pytest.mark.parametrize("name", UNSAVEABLE)
def test_what_a_file_cannot_hold(tmp_path, name):
    use, hint = UNSAVEABLE[name]
    with pytest.raises(AnimateDiffError, match=hint):
        save_motion_lora((use,), tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())
