"""What begins with a picture, on pages: inside subgraphs, with links by name, from older packs."""

import copy

import pytest
from adn_testing.page_graphs import INPUTS, PageBuilder, loader
from adn_testing.sound import new_faults
from animatediff_native.convert import convert

LOAD, FRAMES, CONTROL = "ADN_LoadSparseCtrl", "ADN_SparseFrames", "ControlNetApplyAdvanced"
NAMES = ("indexes", "motion_strength", "strength", "end_percent")  # of widgets, not of links


def converted(build):
    given = build.page()
    before = copy.deepcopy(given)
    result = convert(given)
    assert given == before and new_faults(given, result.workflow) == set()
    return result


def node(part, node_type):
    (found,) = [one for one in part["nodes"] if one["type"] == node_type]
    return found


def origin(part, target, name):
    """The node and output that an input is linked to."""
    number = next(s["link"] for s in target["inputs"] if s["name"] == name)
    for link in part["links"]:
        link = [*link.values()] if isinstance(link, dict) else link
        if link[0] == number:
            return link[1], link[2]
    raise LookupError(name)


def whole(build):
    """A checkpoint, a picture and a latent."""
    checkpoint = build.add("CheckpointLoaderSimple", "MODEL CLIP VAE", ["sd15.safetensors"])
    picture = build.add("LoadImage", "IMAGE MASK", ["fox.png", "image"])
    latent = build.add("EmptyLatentImage", "LATENT", [512, 512, 32])
    return (checkpoint, 0), (checkpoint, 2), (picture, 0), (latent, 0)


def prompt(build, clip):
    return build.add("CLIPTextEncode", "CONDITIONING", ["a fox"], clip=("CLIP", clip)), 0


def sparse(build, prompts, image, vae, size, method=None, linked=(), title=""):
    """Loader, preprocessor and Apply; linked: (input, type, origin) of widgets by their node."""
    given = {"load": {}, "method": {}, "apply": {}}
    for place, name, kind, where in linked:
        given[place][name] = (kind, where)
    if method is None:
        method = build.add("ACN_SparseCtrlIndexMethodNode", "SPARSE_METHOD", ["0"],
                           widgets=("indexes",), **given["method"])  # fmt: skip
        method = (method, 0)
    load = build.add(
        "ACN_SparseCtrlLoaderAdvanced", "CONTROL_NET",
        ["v3_sd15_sparsectrl_rgb.ckpt", True, 1, 1, "nearest_hint", 1, 1, 1],
        widgets=("motion_strength",), sparse_method=("SPARSE_METHOD", method),
        tk_optional=("TIMESTEP_KEYFRAME", None), **given["load"],
    )  # fmt: skip
    rgb = build.add("ACN_SparseCtrlRGBPreprocessor", "IMAGE", [""], image=("IMAGE", image),
                    vae=("VAE", vae), latent_size=("LATENT", size))  # fmt: skip
    if title:
        build.nodes[-1]["title"] = title
    apply = build.add(
        "ACN_AdvancedControlNetApply", "CONDITIONING CONDITIONING MODEL", [1, 0, 0.5],
        widgets=("strength", "end_percent"), positive=("CONDITIONING", prompts[0]),
        negative=("CONDITIONING", prompts[1]), control_net=("CONTROL_NET", (load, 0)),
        image=("IMAGE", (rgb, 0)), **given["apply"],
    )  # fmt: skip
    return (apply, 0), (apply, 1)


def sampled(build, model, positive, negative, latent):
    build.add(
        "KSampler", "LATENT", [7, "fixed", 20, 7.5, "euler", "normal", 1.0],
        model=("MODEL", model), positive=("CONDITIONING", positive),
        negative=("CONDITIONING", negative), latent_image=("LATENT", latent),
    )  # fmt: skip


@pytest.mark.parametrize("sockets", [True, False])
def test_widgets_that_an_instance_shows(sockets):
    """Newer pages save no socket of a shown widget that nothing is linked to."""
    inside = PageBuilder()
    links = [("method", "indexes", "STRING", (INPUTS, 5)),
             ("load", "motion_strength", "FLOAT", (INPUTS, 6)),
             ("apply", "strength", "FLOAT", (INPUTS, 7)),
             ("apply", "end_percent", "FLOAT", (INPUTS, 8))]  # fmt: skip
    ends = sparse(inside, ((INPUTS, 0), (INPUTS, 1)), (INPUTS, 2), (INPUTS, 3), (INPUTS, 4),
                  linked=links)  # fmt: skip
    kinds = {"positive": "CONDITIONING", "negative": "CONDITIONING", "image": "IMAGE",
             "vae": "VAE", "latent_size": "LATENT", "indexes": "STRING",
             "motion_strength": "FLOAT", "strength": "FLOAT", "end_percent": "FLOAT"}  # fmt: skip
    outputs = {f"out {number}": ("CONDITIONING", end) for number, end in enumerate(ends)}
    build = PageBuilder()
    build.subgraphs = [inside.subgraph("sparse", kinds, outputs)]
    model, vae, picture, latent = whole(build)
    prompts = [prompt(build, (model[0], 1)) for _ in range(2)]
    shown = {name: (kinds[name], None) for name in NAMES} if sockets else {}
    proxies = [["-1", name] for name in NAMES]
    instance = build.add(
        "sparse", "CONDITIONING CONDITIONING", ["5", 0.75, 0.6, 0.4], 0, NAMES,
        {"proxyWidgets": [*proxies, ["2", "sparsectrl_name"]]},
        positive=("CONDITIONING", prompts[0]), negative=("CONDITIONING", prompts[1]),
        image=("IMAGE", picture), vae=("VAE", vae), latent_size=("LATENT", latent), **shown,
    )  # fmt: skip
    sampled(build, loader(build, model), (instance, 0), (instance, 1), latent)
    result = converted(build)
    assert not result.left
    (part,) = result.workflow["definitions"]["subgraphs"]
    load, frames, apply = (node(part, kind) for kind in (LOAD, FRAMES, CONTROL))
    taken = {"motion_strength": load, "at": frames, "strength": apply, "end_percent": apply}
    found = [origin(part, target, name) for name, target in taken.items()]
    slots = {slot["name"]: number for number, slot in enumerate(part["inputs"])}
    wanted = [slots[name] for name in ("motion_strength", "indexes", "strength", "end_percent")]
    assert [slot for _, slot in found] == wanted
    made = node(result.workflow, "sparse")
    assert made["widgets_values"] == ["5", 0.75, 0.6, 0.4]
    assert made["properties"]["proxyWidgets"] == [*proxies, [str(load["id"]), "sparsectrl"]]


@pytest.mark.parametrize(
    ("pattern", "title"),
    [
        (["RGB", ".*", ".*"], ""),
        (["RGB", "image", ".*"], "RGB SparseCtrl of the fox"),
        (["[", ".*", ".*"], ""),  # no pattern at all, but the only picture that is given
    ],
)
def test_pictures_by_anything_everywhere(pattern, title):
    """What has another title now is linked."""
    build = PageBuilder()
    model, vae, picture, latent = whole(build)
    build.add("Anything Everywhere?", "", pattern, IMAGE=("*", picture))
    build.add("Anything Everywhere", "", [], VAE=("*", vae))
    prompts = [prompt(build, (model[0], 1)) for _ in range(2)]
    ends = sparse(build, prompts, None, None, latent, title=title)
    sampled(build, loader(build, model), *ends, latent)
    result = converted(build)
    page = result.workflow
    assert not result.left
    assert origin(page, node(page, FRAMES), "images") == picture
    assert origin(page, node(page, CONTROL), "vae") == vae


def test_two_pictures_by_anything_everywhere_are_not_told_apart():
    build = PageBuilder()
    model, vae, picture, latent = whole(build)
    other = build.add("LoadImage", "IMAGE MASK", ["hare.png", "image"]), 0
    for image in (picture, other):
        build.add("Anything Everywhere", "", [], IMAGE=("*", image))
    prompts = [prompt(build, (model[0], 1)) for _ in range(2)]
    ends = sparse(build, prompts, None, vae, latent)
    sampled(build, loader(build, model), *ends, latent)
    (left,) = converted(build).left
    assert "has no picture" in left.reason


def test_frames_of_steerable_motion_are_a_text():
    """Files of before May 2024 have them with the type of a method, which its output has no more."""
    build = PageBuilder()
    model, vae, picture, latent = whole(build)
    made = build.add("BatchCreativeInterpolation",
                     "IMAGE CONDITIONING CONDITIONING MODEL SPARSE_METHOD",
                     images=("IMAGE", picture))  # fmt: skip
    ends = sparse(build, ((made, 1), (made, 2)), picture, vae, latent, method=(made, 4))
    sampled(build, loader(build, model), *ends, latent)
    result = converted(build)
    page = result.workflow
    assert origin(page, node(page, FRAMES), "at") == (made, 4) and not result.left
    assert any("May 2024" in note for note in result.notes)
    assert node(page, "BatchCreativeInterpolation")["outputs"][4]["type"] == "STRING"


def test_a_camera_inside_a_subgraph():
    inside = PageBuilder()
    load = inside.add("ADE_LoadAnimateDiffModelWithCameraCtrl", "MOTION_MODEL_ADE",
                      ["v3_sd15_mm.ckpt", "CameraCtrl.ckpt"])  # fmt: skip
    poses = inside.add("ADE_CameraPoseBasic", "CAMERACTRL_POSES", ["Zoom In", 0.5, 24],
                       widgets=("speed",), speed=("FLOAT", (INPUTS, 1)))  # fmt: skip
    apply = inside.add("ADE_ApplyAnimateDiffModelWithCameraCtrl", "M_MODELS", [0, 1],
                       motion_model=("MOTION_MODEL_ADE", (load, 0)),
                       cameractrl_poses=("CAMERACTRL_POSES", (poses, 0)))  # fmt: skip
    evolved = inside.add("ADE_UseEvolvedSampling", "MODEL", ["autoselect"],
                         model=("MODEL", (INPUTS, 0)), m_models=("M_MODELS", (apply, 0)))  # fmt: skip
    build = PageBuilder()
    inputs = {"model": "MODEL", "speed": "FLOAT"}
    build.subgraphs = [inside.subgraph("camera", inputs, {"MODEL": ("MODEL", (evolved, 0))})]
    model, _, _, latent = whole(build)
    instance = build.add("camera", "MODEL", [0.5], widgets=("speed",),
                         properties={"proxyWidgets": [["-1", "speed"], ["2", "motion_type"]]},
                         model=("MODEL", model), speed=("FLOAT", None))  # fmt: skip
    positive, negative = (prompt(build, (model[0], 1)) for _ in range(2))
    sampled(build, (instance, 0), positive, negative, latent)
    result = converted(build)
    (part,) = result.workflow["definitions"]["subgraphs"]
    path = node(part, "ADN_CameraPath")
    assert path["widgets_values"][0] == "zoom in" and not result.left
    assert origin(part, path, "speed") == (INPUTS, 1)
    shown = node(result.workflow, "camera")["properties"]["proxyWidgets"]
    assert shown == [["-1", "speed"], [str(path["id"]), "move"]]
