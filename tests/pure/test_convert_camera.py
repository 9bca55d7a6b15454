"""CameraCtrl of AnimateDiff-Evolved: its poses as paths of ours, pose by pose, and its strength."""

import json

import numpy as np
import pytest
from adn_testing.ade import as_graph, converted, only, reasons
from adn_testing.ade_graphs import Builder, both_formats
from animatediff_native.conditions.camera_poses import Join, along
from animatediff_native.conditions.camera_text import read_poses
from animatediff_native.convert import convert

PATH, POSES, CONTROL = "ADN_CameraPath", "ADN_CameraPoses", "ADN_CameraControl"
BASIC, ADVANCED, APPEND = "ADE_CameraPoseBasic", "ADE_CameraPoseAdvanced", "ADE_CameraManualPoseAppend"
LENS, SIZE = "ADE_ReplaceCameraParameters", "ADE_ReplaceOriginalPoseAspectRatio"
AXES = {  # translation, then angles about x, y, z
    "Pan Up": (0, 1, 0, 0, 0, 0), "Pan Left": (1, 0, 0, 0, 0, 0), "Zoom In": (0, 0, -2, 0, 0, 0),
    "Zoom Out": (0, 0, 2, 0, 0, 0), "Roll Clockwise": (0, 0, 0, 0, 0, -1),
    "Tilt Up": (0, 0, 0, -1, 0, 0), "Tilt Down": (0, 0, 0, 1, 0, 0),
    "Tilt Right": (0, 0, 0, 0, -1, 0), "Static": (0, 0, 0, 0, 0, 0),
}  # fmt: skip


@pytest.fixture
def build():
    return Builder()


def basic(build, kind="Pan Left", speed: object = 1.0, frames=16, **inputs):
    return build.add(BASIC, motion_type=kind, speed=speed, frame_length=frames, **inputs)


def advanced(build, *parts, speed=1.0, frames=16, **inputs):
    parts = [*parts, *[("Static", 1.0)] * (6 - len(parts))]
    for number, (kind, strength) in enumerate(parts, 1):
        inputs |= {f"motion_type{number}": kind, f"strength{number}": strength}
    return build.add(ADVANCED, speed=speed, frame_length=frames, **inputs)


def graphs(build, poses, load=None, **inputs):
    """Conversions of both formats of a clip that follows these poses."""
    load = load or build.add(
        "ADE_LoadAnimateDiffModelWithCameraCtrl", model_name="v3_sd15_mm.ckpt",
        camera_ctrl="CameraCtrl.ckpt",
    )  # fmt: skip
    apply = build.add(
        "ADE_ApplyAnimateDiffModelWithCameraCtrl", motion_model=load, cameractrl_poses=poses,
        start_percent=0.0, end_percent=1.0, **inputs,
    )  # fmt: skip
    model = build.add(
        "ADE_UseEvolvedSampling", model=build.model, m_models=apply, beta_schedule="autoselect"
    )
    for given in both_formats(build.sampled(model)):
        result = convert(given)
        yield result, as_graph(result.workflow)


def path_of(graph):
    """What our nodes give Camera Control, [F, 3, 4], by the code that they run."""
    return _path(graph, only(graph, CONTROL)["inputs"]["camera_path"][0]).w2c


def _path(graph, key):
    node = graph[key]
    inputs = node["inputs"]
    if node["type"] == POSES:
        text = read_poses(inputs["text"])
        return text.at(range(inputs["frames"]))
    previous = _path(graph, inputs["previous"][0]) if "previous" in inputs else None
    focal = (inputs["focal_x"], inputs["focal_y"])
    return along(
        inputs["move"], inputs["frames"], inputs["speed"], focal=focal, previous=previous,
        join=Join(inputs["join"]),
    )  # fmt: skip


def theirs(parts, speed, frames, before=None):
    """Poses by a slow loop over what the incumbent's nodes say: [F, 3, 4]."""
    axes = np.sum([np.array(AXES[kind]) * strength for kind, strength in parts], axis=0)
    poses = []
    for frame in range(frames):
        x, y, z = frame / 16 * speed * np.pi / 3 * axes[3:]
        about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
        about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
        about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
        turn, way = about_z @ about_y @ about_x, frame / 16 * speed * 1.5 * axes[:3]
        if before is not None:  # R' = R R_last, T' = T + R' R_last^T T_last
            last = before[-1]
            turn = turn @ last[:, :3]
            way = way + turn @ last[:, :3].T @ last[:, 3]
        poses.append(np.column_stack((turn, way)))
    return np.concatenate((before, poses)) if before is not None else np.array(poses)


@pytest.mark.parametrize("kind", AXES)
def test_a_move_is_one_camera_path(build, kind):
    for result, graph in graphs(build, basic(build, kind, -0.7, 12)):
        assert not result.left and not result.notes
        assert only(graph, PATH)["inputs"]["frames"] == 12
        np.testing.assert_allclose(path_of(graph), theirs([(kind, 1)], -0.7, 12), atol=1e-9)


def test_moves_at_once_are_a_chain_of_paths(build):
    parts = [("Zoom In", 0.5), ("Roll Clockwise", 1.0), ("Tilt Right", 2.0), ("Tilt Up", 0.3),
             ("Pan Up", 1.0), ("Tilt Down", 0.1)]  # fmt: skip
    for result, graph in graphs(build, advanced(build, *parts, speed=0.8)):
        assert not result.left
        assert [node["type"] for node in graph.values()].count(PATH) == 6
        np.testing.assert_allclose(path_of(graph), theirs(parts, 0.8, 16), atol=1e-9)


@pytest.mark.parametrize("joint", ["prev_poses", "append"])
def test_moves_one_behind_the_other(build, joint):
    """With the frame that stands still between them."""
    first = advanced(build, ("Roll Clockwise", 1.0), ("Pan Left", 0.5), frames=10)
    if joint == "append":
        poses = build.add(APPEND, poses_first=first, poses_last=basic(build, "Tilt Up", 2.0, 6))
    else:
        poses = basic(build, "Tilt Up", 2.0, 6, prev_poses=first)
    before = theirs([("Roll Clockwise", 1.0), ("Pan Left", 0.5)], 1.0, 10)
    for result, graph in graphs(build, poses):
        assert not result.left and not any(n["type"] == POSES for n in graph.values())
        expected = theirs([("Tilt Up", 1)], 2.0, 6, before)
        np.testing.assert_allclose(path_of(graph), expected, atol=1e-9)


@pytest.mark.parametrize("frames", [1, 2])
def test_the_shortest_move_behind_another(build, frames):
    poses = basic(build, "Zoom Out", 1.0, frames, prev_poses=basic(build, "Pan Up", 1.0, 5))
    before = theirs([("Pan Up", 1)], 1.0, 5)
    for _, graph in graphs(build, poses):
        expected = theirs([("Zoom Out", 1)], 1.0, frames, before)
        np.testing.assert_allclose(path_of(graph), expected, atol=1e-9)


def test_what_no_path_says_becomes_text(build):
    """Several moves at once behind others, for as many frames as the clip has."""
    first = basic(build, "Tilt Up", 1.0, 8)
    parts = [("Pan Left", 1.0), ("Tilt Right", 1.0)]
    poses = advanced(build, *parts, frames=8, prev_poses=first)
    expected = theirs(parts, 1.0, 8, theirs([("Tilt Up", 1)], 1.0, 8))
    for result, graph in graphs(build, poses):
        assert not result.left
        assert only(graph, POSES)["inputs"]["frames"] == 64
        np.testing.assert_allclose(path_of(graph)[:16], expected, atol=1e-8)
        np.testing.assert_allclose(path_of(graph)[16:], expected[[-1] * 48], atol=1e-8)


@pytest.mark.parametrize(("speed", "kind"), [(10.0, PATH), (10.01, POSES), (-40.0, POSES)])
def test_a_speed_that_camera_path_does_not_have(build, speed, kind):
    for _, graph in graphs(build, basic(build, "Tilt Up", speed)):
        assert only(graph, CONTROL)["inputs"]["camera_path"][0] in {
            key for key, node in graph.items() if node["type"] == kind
        }
        expected = theirs([("Tilt Up", 1)], speed, 16)
        np.testing.assert_allclose(path_of(graph)[:16], expected, atol=1e-8)


def test_lens_and_size(build):
    lens = build.add(LENS, poses=basic(build), fx=0.6, fy=0.9, cx=0.5, cy=0.5)
    poses = build.add(SIZE, poses=lens, orig_pose_width=1024, orig_pose_height=768)
    for result, graph in graphs(build, poses):
        assert not result.left
        path, control = only(graph, PATH)["inputs"], only(graph, CONTROL)["inputs"]
        assert (path["focal_x"], path["focal_y"]) == (0.6, 0.9)
        assert (control["width"], control["height"]) == (1024, 768)


def test_a_middle_elsewhere_becomes_text(build):
    poses = build.add(LENS, poses=basic(build), fx=0.6, fy=0.9, cx=0.4, cy=0.55)
    for result, graph in graphs(build, poses):
        assert not result.left
        lens = read_poses(only(graph, POSES)["inputs"]["text"]).intrinsics
        np.testing.assert_allclose(lens, [[0.6, 0.9, 0.4, 0.55]] * 16)


def test_sizes_of_several_poses_are_listed(build):
    first = build.add(SIZE, poses=basic(build), orig_pose_width=512, orig_pose_height=512)
    for result, graph in graphs(build, basic(build, "Zoom In", prev_poses=first)):
        assert "several sizes" in "".join(reasons(result).values())
        assert only(graph, CONTROL)["inputs"]["width"] == 0


@pytest.mark.parametrize(
    ("multival", "strength", "listed"),
    [
        ({"float_val": 0.8}, 0.8, ""),
        ({"float_val": 1.0}, 1.0, ""),
        ({"float_val": 0.8, "mask_optional": True}, 1.0, "by area"),
    ],
)
def test_strength(build, multival, strength, listed):
    mask = build.add("LoadImageMask", image="mask.png", channel="red")
    multival = {name: mask if value is True else value for name, value in multival.items()}
    given = build.add("ADE_MultivalDynamic", **multival)
    for result, graph in graphs(build, basic(build), cameractrl_multival=given):
        assert only(graph, CONTROL)["inputs"]["strength"] == strength
        assert listed in "".join(reasons(result).values()) and bool(listed) == bool(result.left)


def test_a_strength_beyond_ours_and_one_by_frame(build):
    for given, kind in (
        (build.add("ADE_MultivalDynamic", float_val=3.0), "PrimitiveFloat"),
        (
            build.add(
                "ADE_MultivalDynamicFloats",
                floats=[build.add("ADE_ValueScheduling", values="0 = 1.0, 63 = 0.5",
                                  max_length=64)[0], 1],
            ),
            "ADN_FrameStrengths",
        ),
    ):  # fmt: skip
        for result, graph in graphs(build, basic(build), cameractrl_multival=given):
            (control,) = [n for n in graph.values() if n["type"] == CONTROL][-1:]
            assert graph[control["inputs"]["frame_strengths"][0]]["type"] == kind
            assert not result.left


def test_keyframes(build):
    weak = build.add("ADE_MultivalDynamic", float_val=0.5)
    first = build.add("ADE_CameraCtrlAnimateDiffKeyframe", start_percent=0.0,
                      cameractrl_multival=weak)  # fmt: skip
    for result, graph in graphs(build, basic(build), ad_keyframes=first):
        assert only(graph, CONTROL)["inputs"]["strength"] == 0.5 and not result.left


def test_a_strength_that_changes_while_it_samples_is_listed(build):
    weak = build.add("ADE_MultivalDynamic", float_val=0.5)
    key = build.add("ADE_CameraCtrlAnimateDiffKeyframe", start_percent=0.4,
                    cameractrl_multival=weak, effect_multival=weak)  # fmt: skip
    for result, graph in graphs(build, basic(build), ad_keyframes=key):
        assert "changes while it samples" in reasons(result)[key[0]]
        assert only(graph, CONTROL)["inputs"]["strength"] == 1.0
        assert only(graph, "ADN_MotionStrength")["inputs"]["step_keyframes"]


@pytest.mark.parametrize("kind", ["ADE_LoadCameraPoses", "ADE_LoadCameraPosesFromPath"])
def test_poses_of_a_file_are_asked_for(build, kind):
    file = build.add(kind, **{"file_path" if "Path" in kind else "pose_filename": "walk.txt"})
    poses = build.add(SIZE, poses=file, orig_pose_width=640, orig_pose_height=360)
    for result, graph in graphs(build, poses):
        said = reasons(result)[file[0]]
        assert "walk.txt" in said and "text of Camera Poses" in said
        assert only(graph, POSES)["inputs"]["text"] == ""
        assert only(graph, CONTROL)["inputs"]["width"] == 640
        assert not any(node["type"].startswith("ADE_") for node in graph.values())


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"kind": "Fly"}, "motion_type of node"),
        ({"frames": 0}, "frame_length of node"),
        ({"frames": 10**6}, "frame_length of node"),
        ({"prev_poses": True}, "file"),
    ],
)
def test_poses_that_cannot_be_read_stay(build, given, why):
    if given.get("prev_poses"):
        given = {"prev_poses": build.add("ADE_LoadCameraPoses", pose_filename="a.txt")}
    for result, graph in graphs(build, basic(build, **given)):
        assert why in "".join(reasons(result).values())
        assert only(graph, "ADE_UseEvolvedSampling") and only(graph, BASIC)
        assert not any(node["type"].startswith("ADN_") for node in graph.values())


def test_a_value_of_the_wrong_kind_stays(build):
    result, _ = next(graphs(build, poses := basic(build, speed="fast")))
    assert "cannot be converted" in "".join(reasons(result).values())
    assert "no number" in reasons(result)[poses[0]]


def test_a_bypassed_node_gives_on_what_it_takes(build):
    poses = basic(build, "Zoom In", prev_poses=basic(build, "Pan Up", 1.0, 9))
    for result, graph in _bypassed(build, poses):
        assert not result.left
        np.testing.assert_allclose(path_of(graph), theirs([("Pan Up", 1)], 1.0, 9), atol=1e-9)


def _bypassed(build, poses):
    list(graphs(build, poses))  # which makes the graph
    page = json.loads(json.dumps(both_formats(build.graph)[1]))
    page["nodes"][int(poses[0]) - 1]["mode"] = 4
    result = convert(page)
    yield result, as_graph(result.workflow)


def test_a_camera_without_its_loader_stays(build):
    load = build.add("ADE_LoadAnimateDiffModel", model_name="v3_sd15_mm.ckpt")
    result, _ = next(graphs(build, basic(build), load=load))
    assert "does not fit" in "".join(reasons(result).values())


def test_the_example_of_the_page():
    result, graph = converted("cameractrl_ui")
    assert not result.left and only(graph, PATH)["inputs"]["move"] == "pan left"
    control = only(graph, CONTROL)["inputs"]
    assert control["camera_control"] == "CameraCtrl_pruned.safetensors"
    apply = only(graph, "ADN_ApplyMotionModule")["inputs"]
    assert graph[apply["motion_module"][0]]["type"] == CONTROL and "motion_lora" in apply
