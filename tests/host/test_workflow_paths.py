"""Names that come with a workflow: what they may stand for, and that what is refused is not even
asked for."""

import logging
import os
from pathlib import Path, PurePosixPath, PureWindowsPath

import folder_paths
import pytest
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.folders import (
    MOTION_LORAS,
    file_stamp,
    find_file,
    new_file,
    video_folder,
    video_folder_stamp,
)
from animatediff_native.nodes.training import TrainMotionLora
from animatediff_native.nodes.workflow_paths import named_inside, stays_inside

ELSEWHERE = [
    "/etc",
    "/",
    "\\",
    "\\\\server\\share",
    "//server/share",
    "\\\\?\\C:\\Windows",
    "C:\\Windows",
    "C:..",
    "C:\\..",
    "c:/",
    "file:///etc",
    "file:\\\\server\\share",
    "http://server/clips",
    "..",
    "../up",
    "clips/../../up",
    "clips\\..\\..\\up",
    "clips/.. /up",
    "clips/../clips",
    "cl\0ips",
    "cl\nips",
    "a" * 256,
    "/".join(["a" * 99] * 99),
]


@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.parametrize("system", [PurePosixPath, PureWindowsPath])
def test_names_that_lead_elsewhere(name, system):
    """On either system, whatever the other one would make of it."""
    root = {PurePosixPath: "/comfy/input", PureWindowsPath: "D:\\comfy\\input"}[system]
    assert not stays_inside(name)
    assert named_inside(name, [root], system) == []


@pytest.mark.parametrize("name", ["clips", "my clips/zoom in", "mine.v2", "..mine", "動画　集", "~a"])
def test_names_that_stay(name):
    assert stays_inside(name)
    assert named_inside(name, ["/in", "/more"], PurePosixPath) == [
        PurePosixPath("/in", name),
        PurePosixPath("/more", name),
    ]


@pytest.mark.parametrize(
    ("system", "roots", "inside", "outside"),
    [
        (PurePosixPath, ["/in", "/data/v"], ["/in", "/data/v/a"], ["/data", "/data/v2", "/in/../x"]),
        (
            PureWindowsPath,
            ["D:\\in", "\\\\nas\\videos"],
            ["d:/IN/zoom", "\\\\NAS\\videos\\zoom", "//nas/videos/zoom"],
            ["D:in", "E:\\in", "\\in", "\\\\nas\\other", "\\\\nas\\videos\\..\\other", "D:\\in\\..\\x"],
        ),
    ],
)  # fmt: skip
def test_whole_paths_into_named_folders(system, roots, inside, outside):
    assert all(named_inside(name, roots, system) == [system(name)] for name in inside)
    assert not [name for name in outside if named_inside(name, roots, system)]


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The host's input folder, one that the administrator named, and one that nobody did."""
    for name in ("input/mine", "named/zoom", "secret"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(folder_paths, "input_directory", str(tmp_path / "input"))
    named = {**folder_paths.folder_names_and_paths}
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", named)
    return tmp_path


def name_folder(path):
    """As the host does with an entry of extra_model_paths.yaml."""
    folder_paths.add_model_folder_path("animatediff_videos", str(path))


def test_folders_that_the_administrator_named(folders):
    with pytest.raises(AnimateDiffError, match="leads out of"):
        video_folder(str(folders / "named" / "zoom"))
    name_folder(folders / "named")
    for name in ("zoom", str(folders / "named" / "zoom"), f' "{folders / "named" / "zoom"}" '):
        assert video_folder(name) == folders / "named" / "zoom"
    assert video_folder("mine") == folders / "input" / "mine"
    assert video_folder("neither") == folders / "input" / "neither"
    assert video_folder("") is video_folder('""') is None


def test_links_are_followed_first(folders):
    (folders / "input" / "link").symlink_to(folders / "secret")
    (folders / "input" / "allowed").symlink_to(folders / "named")
    (folders / "input" / "circle").symlink_to(folders / "input" / "circle")
    for name in ("link", "link/deeper", "circle"):
        with pytest.raises(AnimateDiffError, match="leads out of"):
            video_folder(name)
    name_folder(folders / "named")
    assert video_folder("allowed/zoom") == folders / "input" / "allowed" / "zoom"
    assert video_folder_stamp("link") == "refused"


@pytest.mark.parametrize("name", [*ELSEWHERE, "{secret}"])
def test_what_is_refused_is_asked_of_nobody(folders, monkeypatch, name):
    """Neither by the node nor by its fingerprint, which the host takes of every queued workflow."""
    name = name.format(secret=folders / "secret")

    def touched(*_args, **_options):
        raise AssertionError("the disk was asked")

    with monkeypatch.context() as patched:
        for each in ("is_dir", "exists", "stat", "resolve", "iterdir"):
            patched.setattr(Path, each, touched)
        for each in ("stat", "lstat", "scandir", "listdir"):
            patched.setattr(os, each, touched)
        with pytest.raises(AnimateDiffError, match="video_folder is") as caught:
            video_folder(name)
        stamp = TrainMotionLora.fingerprint_inputs(video_folder=name)
    assert stamp == "refused"
    assert "extra_model_paths.yaml" in caught.value.remedy
    assert "animatediff_videos" in caught.value.remedy


def test_the_stamp_of_an_unreadable_folder(folders, monkeypatch):
    def denied(_path):
        raise PermissionError("not for you")

    monkeypatch.setattr(Path, "iterdir", denied)
    assert video_folder_stamp("mine") == "unreadable"


@pytest.mark.parametrize("prefix", [*ELSEWHERE, "", "  ", " /etc", "link/lora", "a" * 231])
def test_prefixes_that_lead_elsewhere(folders, prefix):
    first = folders / "loras"
    first.mkdir()
    (first / "link").symlink_to(folders / "secret")
    folder_paths.folder_names_and_paths[MOTION_LORAS] = ([str(first)], {".safetensors"})
    with pytest.raises(AnimateDiffError, match="filename_prefix is") as caught:
        new_file(MOTION_LORAS, prefix, ".safetensors")
    assert len(str(caught.value)) < 400
    assert [path.name for path in first.iterdir()] == ["link"]


def test_numbers_go_on_after_what_is_whole(folders):
    """A file that a kill left half written has none."""
    first = folders / "loras"
    folder_paths.folder_names_and_paths[MOTION_LORAS] = ([str(first)], {".safetensors"})
    one = new_file(MOTION_LORAS, "mine/zoom", ".safetensors")
    assert one == first / "mine" / "zoom_00001_.safetensors"
    one.touch()
    (first / "mine" / ".zoom_00007_.safetensors.part").touch()
    assert new_file(MOTION_LORAS, "mine/zoom", ".safetensors").name == "zoom_00002_.safetensors"
    assert "zoom_00007" not in str(folder_paths.get_filename_list_(MOTION_LORAS)[0])
    longest = new_file(MOTION_LORAS, "a" * 230, ".safetensors")
    longest.with_name(f".{longest.name}.part").touch()


@pytest.mark.parametrize("name", ["../secret/a.safetensors", "{secret}/a.safetensors", "a\0b", ".."])
def test_files_of_loaders_stay_in_their_folders(folders, name, caplog):
    """The host joins names so; a newer one that does not would show here."""
    caplog.set_level(logging.CRITICAL)
    (folders / "secret" / "a.safetensors").touch()
    name = name.format(secret=folders / "secret")
    (folders / "loras").mkdir()
    folder_paths.folder_names_and_paths[MOTION_LORAS] = ([str(folders / "loras")], set())
    assert file_stamp(MOTION_LORAS, name) == "missing"
    with pytest.raises(AnimateDiffError, match="is not in models"):
        find_file(MOTION_LORAS, name)
