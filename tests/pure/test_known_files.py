"""The addresses of files: what the page offers to download, and what errors name."""

import re

import pytest
from animatediff_native.motion.known_files import FILES, known_file

FOLDERS = {
    "animatediff_models",
    "animatediff_motion_lora",
    "checkpoints",
    "controlnet",
    "loras",
    "vae",
}
# Newer pages offer a download for these endings and places only.
OFFERED = re.compile(r"https://huggingface\.co/[\w.-]+/[\w.-]+/resolve/main/[\w./-]+\.(safetensors|ckpt|pth)")
OFFICIAL = "https://huggingface.co/guoyww/animatediff/resolve/main/"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_address_is_one_that_the_page_offers(file):
    assert OFFERED.fullmatch(file.url)
    assert file.url.endswith(f"/{file.name}")
    assert file.directory in FOLDERS
    assert file.record() == {"name": file.name, "url": file.url, "directory": file.directory}


def test_no_name_stands_for_two_files():
    assert len({file.name.lower() for file in FILES}) == len(FILES)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("mm_sd_v14.ckpt", "animatediff_models"),
        ("mm_sd_v15.ckpt", "animatediff_models"),
        ("mm_sd_v15_v2.ckpt", "animatediff_models"),
        ("v3_sd15_mm.ckpt", "animatediff_models"),
        ("v3_sd15_adapter.ckpt", "loras"),
        ("v2_lora_PanLeft.ckpt", "animatediff_motion_lora"),
        ("v2_lora_PanRight.ckpt", "animatediff_motion_lora"),
        ("v2_lora_TiltUp.ckpt", "animatediff_motion_lora"),
        ("v2_lora_TiltDown.ckpt", "animatediff_motion_lora"),
        ("v2_lora_ZoomIn.ckpt", "animatediff_motion_lora"),
        ("v2_lora_ZoomOut.ckpt", "animatediff_motion_lora"),
        ("v2_lora_RollingClockwise.ckpt", "animatediff_motion_lora"),
        ("v2_lora_RollingAnticlockwise.ckpt", "animatediff_motion_lora"),
    ],
)
def test_the_official_files_are_known(name, folder):
    assert known_file(name) == (name, OFFICIAL + name, folder)


@pytest.mark.parametrize(
    "name", ["sd1/mm_sd_v15_v2.ckpt", "AnimateDiff\\mm_sd_v15_v2.ckpt", "MM_SD_v15_v2.CKPT"]
)
def test_a_file_is_known_in_any_folder(name):
    found = known_file(name)
    assert found is not None
    assert found.name == "mm_sd_v15_v2.ckpt"
    assert found.page == "https://huggingface.co/guoyww/animatediff"


@pytest.mark.parametrize("name", ["", "my_module.ckpt", "mm_sd_v15_v2.ckpt.part", None, 3])
def test_others_are_not(name):
    assert known_file(name) is None
