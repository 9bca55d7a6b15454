"""Trajectory control files: keys and shapes, what is saved, and files that are not whole."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

import pytest
import torch
from adn_testing import camera_files, motion_files, tora_files
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.recognise import TORA, kind_of
from animatediff_native.trajectories.tora_files import (
    load_trajectory_control,
    read_trajectory_control,
    structure_of,
    tora_patcher,
)
from animatediff_native.trajectories.tora_network import (
    Design,
    Structure,
    expected_shapes,
    first_weights,
)

WIDTHS = (32, 64, 128, 128)
REAL = (320, 640, 1280, 1280)


def structure(design, widths=WIDTHS):
    sizes = tora_files.FEATURES, tora_files.LATENTS, tora_files.HIDDEN
    return Structure(Design(design), widths, *sizes)


@pytest.mark.parametrize("design", tora_files.DESIGNS)
def test_the_keys_and_shapes(design):
    for widths in (WIDTHS, REAL):
        made = structure(design, widths)
        expected = expected_shapes(made)
        assert expected == tora_files.shapes(design, widths)
        meta = {key: torch.empty(shape, device="meta") for key, shape in expected.items()}
        assert structure_of(meta) == made
        assert sum(".mix.weight" in key for key in expected) == 20
        assert kind_of(meta) is TORA


def test_the_designs_have_about_as_many_weights():
    counts = []
    for design in Design:
        shapes = expected_shapes(Structure(design, REAL, 128, 8, 32))
        counts.append(sum(torch.Size(shape).numel() for shape in shapes.values()))
    assert max(counts) < 1.2 * min(counts)


@pytest.mark.parametrize("design", tora_files.DESIGNS)
def test_what_is_saved_is_read_again(design, tmp_path):
    tensors = tora_files.tensors(design)
    torch.save(tensors, tmp_path / "tora.ckpt")
    again = load_trajectory_control(tmp_path / "tora.ckpt").model.as_in_files()
    assert again.keys() == tensors.keys()
    assert all(torch.equal(again[key].float(), tensor) for key, tensor in tensors.items())
    beside = {f"module.{key}": tensor.half() for key, tensor in tensors.items()}
    read = read_trajectory_control({**beside, "other": torch.zeros(2)}, "tora.ckpt")
    assert read.keys() == tensors.keys()
    assert tora_patcher(read).model.structure == structure(design)


@pytest.mark.parametrize("design", Design)
def test_a_fresh_file_is_whole_and_its_fusers_add_nothing(design):
    made = first_weights(structure(design), seed=3)
    assert read_trajectory_control(made, "mine.safetensors").keys() == made.keys()
    last = [key for key in made if any(f".{n}." in key for n in ("project", "to_out", "gamma"))]
    assert last and all(not made[key].any() for key in last)
    other = first_weights(structure(design), seed=4)
    key = "extractor.conv_in.weight"
    assert not torch.equal(made[key], other[key])


def without(part):
    return {key: t for key, t in tora_files.tensors().items() if part not in key}


def changed(part, change):
    return {key: change(t) if part in key else t for key, t in tora_files.tensors().items()}


MIX = "fusers.up_2_1.mix"
BROKEN = {
    "a tensor missing": (without(f"{MIX}.bias"), f"it lacks 1 tensor: {MIX}.bias"),
    "no fusers": (without("fusers."), "its fusers are of none of the three designs"),
    "two designs": ({**tora_files.tensors(), **tora_files.tensors("cross")}, "none of the three"),
    "no encoder": (without("flow_encoder"), "it lacks 1 tensor: flow_encoder.conv_out.weight"),
    "no extractor": (without("extractor"), "it lacks the levels of the extractor"),
    "a level missing": (without("levels.1."), "it lacks the levels"),
    "a wrong shape": (changed(MIX, lambda t: t[:-1]), "2 tensors of the wrong shape: fusers.up_2_1"),
    "no convolution": (changed("extractor.conv_in", lambda t: t.flatten()), r"conv_in.weight is \[432\]"),
    "other flow": (changed("flow_encoder.conv_in.weight", lambda t: t[:, :64]), "its flow has 64 values for every latent pixel, not 128"),
    "another tensor": ({**tora_files.tensors(), "fusers.mid_0_0.mix.bias": torch.zeros(3)}, "1 tensor of no known kind: fusers.mid_0_0"),
    "odd widths": (tora_files.tensors(widths=(32, 64, 128, 100)), "have 32, 64, 128, 100 channels"),
    "NaN": (changed(MIX, lambda t: t * float("nan")), "NaN"),
    "infinity": (changed("gamma", lambda t: t / 0), "NaN or infinite"),
    "integers": (changed(MIX, lambda t: t.int()), "other than plain weights"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_files_that_are_not_whole(name):
    tensors, said = BROKEN[name]
    with pytest.raises(AnimateDiffError, match=said) as caught:
        read_trajectory_control(tensors, "tora.ckpt")
    assert "tora.ckpt" in caught.value.given and caught.value.remedy


OTHERS = {
    "a motion module": (motion_files.original("v3"), "Load Motion Module"),
    "a CameraCtrl file": (camera_files.flat(), "Camera Control"),
    "a whole checkpoint": ({"model.diffusion_model.x": torch.zeros(4)}, "Load Checkpoint"),
    "something else": ({"foo": torch.zeros(4)}, "python -m demo.miniature trajectory"),
    "no tensors": ({"a": 1}, "download"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_files_of_another_kind(name):
    tensors, remedy = OTHERS[name]
    with pytest.raises(AnimateDiffError) as caught:
        read_trajectory_control(tensors, "file.ckpt")
    assert remedy in caught.value.remedy and "file.ckpt" in caught.value.given
    assert "a trajectory control file" in caught.value.expected


def test_each_of_the_kinds_is_told_apart():
    for design in tora_files.DESIGNS:
        assert kind_of(tora_files.tensors(design)) is TORA
        beside = {**motion_files.original("v3"), **tora_files.tensors(design)}
        assert kind_of(beside) is TORA
    for other in (motion_files.original("v3"), camera_files.flat()):
        assert kind_of(other) is not TORA
