"""The LoRA nodes, as the host calls them: from files to a clip and back to a file."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import folder_paths
import pytest
import torch
from adn_testing import lora_files, tiny
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.domain_adapter import LoadDomainAdapter
from animatediff_native.nodes.motion_lora import LoadMotionLora, MakeFrameStrengths, SaveMotionLora
from animatediff_native.nodes.motion_module import ApplyMotionModule

FRAMES = 8
RAMP = [i / (FRAMES - 1) for i in range(FRAMES)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two MotionLoRAs and a domain adapter, in folders that the host knows."""
    for name in ("animatediff_motion_lora", "loras"):
        (tmp_path / name).mkdir()
        entry = ([str(tmp_path / name)], {".ckpt", ".safetensors"})
        monkeypatch.setitem(folder_paths.folder_names_and_paths, name, entry)
    loras = tmp_path / "animatediff_motion_lora"
    for seed in (1, 2):
        torch.save(lora_files.official(lora_files.pairs(seed)), loras / f"lora{seed}.ckpt")
    torch.save(lora_files.domain_adapter(), tmp_path / "loras" / "adapter.ckpt")
    return loras


@pytest.fixture(scope="module")
def plain():
    return tiny.model()


@pytest.fixture(scope="module")
def module():
    return tiny.motion_module("v2")


def load(file, strength, **options):
    return LoadMotionLora.execute(file, strength, **options)[0]


def clip(plain, module, motion_lora=None):
    model = ApplyMotionModule.execute(plain, module, 1.0, "auto", 0.0, 1.0, motion_lora)[0]
    with torch.inference_mode():
        return tiny.sample(model)


def relative_error(a, b):
    return ((a - b).abs().max() / b.std()).item()


def test_the_combos_list_the_folders(folder):
    first = LoadMotionLora.define_schema().inputs[0]
    assert sorted(first.options) == ["lora1.ckpt", "lora2.ckpt"]
    second = LoadDomainAdapter.define_schema().inputs[1]
    assert second.options == ["adapter.ckpt"]


def test_a_chain_keeps_its_links(folder):
    first = load("lora1.ckpt", 0.7)
    both = load("lora2.ckpt", 0.3, previous=first)
    assert [(use.lora.file, use.strength) for use in both] == [
        ("lora1.ckpt", 0.7),
        ("lora2.ckpt", 0.3),
    ]
    assert len(first) == 1


def test_the_composition_is_the_saved_file(folder, plain, module):
    """a at 0.7 plus b at 0.3 is the saved file at 1.0, to fp32 rounding over the network."""
    both = load("lora2.ckpt", 0.3, previous=load("lora1.ckpt", 0.7))
    saved = SaveMotionLora.execute(both, "sum/of two", 0)
    assert "exact" in saved.ui.as_dict()["text"][0]
    assert (folder / "sum" / "of two_00001_.safetensors").is_file()
    again = load("sum/of two_00001_.safetensors", 1.0)
    assert relative_error(clip(plain, module, again), clip(plain, module, both)) <= 1e-4
    SaveMotionLora.execute(both, "sum/of two", 2)
    assert (folder / "sum" / "of two_00002_.safetensors").is_file()


@pytest.mark.parametrize("prefix", ["../outside", "", "/tmp/outside", "a/../../outside"])
def test_a_name_outside_the_folder(folder, prefix):
    with pytest.raises(AnimateDiffError, match="filename_prefix"):
        SaveMotionLora.execute(load("lora1.ckpt", 1.0), prefix, 0)


def test_what_comes_over_the_float_input(folder, plain, module):
    merged = clip(plain, module, load("lora1.ckpt", 0.5))
    one_number = load("lora1.ckpt", 1.0, frame_strengths=0.5, wrong_length="error")
    assert torch.equal(clip(plain, module, one_number), merged)
    halves = load("lora1.ckpt", 1.0, frame_strengths=[0.5] * FRAMES, wrong_length="error")
    assert halves[0].constant is None
    assert relative_error(clip(plain, module, halves), merged) <= 1e-4
    ramp = MakeFrameStrengths.execute(f"0: 0.0, {FRAMES - 1}: 1.0", FRAMES)[0]
    assert ramp == pytest.approx(RAMP)
    ramped = load("lora1.ckpt", 1.0, frame_strengths=ramp, wrong_length="error")
    assert relative_error(clip(plain, module, ramped), merged) > 1e-2


def test_a_list_of_the_wrong_length(folder, plain, module):
    short = load("lora1.ckpt", 1.0, frame_strengths=[0.0, 1.0], wrong_length="error")
    with pytest.raises(AnimateDiffError, match="2 values for a clip of 8 frames"):
        clip(plain, module, short)


def test_an_empty_range(folder):
    with pytest.raises(AnimateDiffError, match="start before the end"):
        load("lora1.ckpt", 1.0, start_percent=0.5, end_percent=0.5)


def test_strength_zero_gives_the_bits_of_none(folder, plain, module):
    off = load("lora1.ckpt", 0.0)
    assert torch.equal(clip(plain, module, off), clip(plain, module))


def test_the_domain_adapter(folder, plain):
    with torch.inference_mode():
        stock = tiny.sample(plain)
        off = LoadDomainAdapter.execute(plain, "adapter.ckpt", 0.0)[0]
        on = LoadDomainAdapter.execute(plain, "adapter.ckpt", 1.0)[0]
        assert torch.equal(tiny.sample(off), stock)
        assert not torch.equal(tiny.sample(on), stock)


def test_each_file_in_the_other_loader(folder, plain):
    loras = folder.parent / "loras"
    (folder / "lora1.ckpt").rename(loras / "lora1.ckpt")
    (loras / "adapter.ckpt").rename(folder / "adapter.ckpt")
    with pytest.raises(AnimateDiffError, match="Load MotionLoRA"):
        LoadDomainAdapter.execute(plain, "lora1.ckpt", 1.0)
    with pytest.raises(AnimateDiffError, match="Load Domain Adapter"):
        load("adapter.ckpt", 1.0)


@pytest.mark.parametrize(
    ("node", "path", "given"),
    [
        (LoadMotionLora, "animatediff_motion_lora/lora1.ckpt", {"motion_lora": "lora1.ckpt"}),
        (LoadDomainAdapter, "loras/adapter.ckpt", {"domain_adapter": "adapter.ckpt"}),
    ],
)
def test_a_replaced_file_is_loaded_again(folder, node, path, given):
    before = node.fingerprint_inputs(**given, strength=1.0)
    assert node.fingerprint_inputs(**given, strength=1.0) == before
    torch.save({}, folder.parent / path)
    assert node.fingerprint_inputs(**given, strength=1.0) != before


def test_a_file_deleted_after_the_graph_was_built(folder, plain):
    with pytest.raises(AnimateDiffError, match=r"gone\.ckpt"):
        load("gone.ckpt", 1.0)
    with pytest.raises(AnimateDiffError, match=r"gone\.ckpt"):
        LoadDomainAdapter.execute(plain, "gone.ckpt", 1.0)
