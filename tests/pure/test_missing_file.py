"""What is said of a file that is not there: where it can be had, or which file is meant."""

import pytest
from animatediff_native.motion.known_files import FILES
from animatediff_native.motion.missing_file import missing_file

MODULES, LORAS = "animatediff_models", "animatediff_motion_lora"
ADDRESS = "https://huggingface.co/guoyww/animatediff"


@pytest.mark.parametrize("file", [f for f in FILES if f.directory in (MODULES, LORAS)])
@pytest.mark.parametrize("name", ["{}", "v3/{}", "v3\\{}"])
def test_a_file_that_can_be_had(file, name):
    error = missing_file(name.format(file.name), file.directory, [])
    assert error.given.startswith(f"'{name.format(file.name)}' is not in models/{file.directory},")
    assert f"download {file.url} into models/{file.directory} and press R." in error.remedy


@pytest.mark.parametrize(("folder", "example"), [(MODULES, "v3_sd15_mm"), (LORAS, "v2_lora_Zoom")])
@pytest.mark.parametrize("present", [[], ["foo.ckpt"]])
def test_a_file_that_nobody_knows(folder, example, present):
    error = missing_file("my own.ckpt", folder, present)
    assert ("which has no model file" in error.given) is not present
    assert "put it there and press R" in error.remedy and "put it back" not in error.remedy
    assert ("choose another" in error.remedy) is bool(present)
    assert example in error.remedy and ADDRESS in error.remedy


def test_a_file_of_another_node():
    error = missing_file("v3_sd15_adapter.ckpt", MODULES, ["a.ckpt"])
    assert "belongs into models/loras" in error.remedy and "v3_sd15_mm" in error.remedy


def test_near_names():
    present = ["mm/temporaldiff_v1.ckpt", "v3_sd15_mm.ckpt", "mm_sd_v15.ckpt"]
    error = missing_file("mm_sd_v15_v2.safetensors", MODULES, present)
    assert "nearest of them: 'mm_sd_v15.ckpt'" in error.expected
    assert "temporaldiff" not in error.expected
    assert "nearest" not in missing_file("zzz.ckpt", MODULES, present).expected


@pytest.mark.parametrize("name", ["sub\\MM.ckpt", "other/mm.ckpt"])
def test_the_file_is_there_under_another_path(name):
    error = missing_file(name, MODULES, ["here/mm.ckpt", "x.ckpt"])
    assert "choose 'here/mm.ckpt'" in error.remedy


def test_the_file_is_in_another_folder():
    error = missing_file("mm.ckpt", MODULES, [], "checkpoints")
    assert "move it from models/checkpoints to models/animatediff_models" in error.remedy


def test_a_name_without_end_is_cut():
    assert len(str(missing_file("a" * 100_000, MODULES, ["b"]))) < 1000
