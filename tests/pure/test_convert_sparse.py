"""SparseCtrl of Advanced-ControlNet, as Load SparseCtrl, Sparse Frames and the host's node."""

import pytest
from adn_testing.ade import as_graph, converted, only, reasons
from adn_testing.ade_graphs import Builder, both_formats
from animatediff_native.convert import convert
from animatediff_native.motion.errors import AnimateDiffError

LOAD, FRAMES, CONTROL = "ADN_LoadSparseCtrl", "ADN_SparseFrames", "ControlNetApplyAdvanced"
THEIR_LOAD, THEIR_APPLY = "ACN_SparseCtrlLoaderAdvanced", "ACN_AdvancedControlNetApply_v2"
INDEXES, SPREAD = "ACN_SparseCtrlIndexMethodNode", "ACN_SparseCtrlSpreadMethodNode"
RGB = "ACN_SparseCtrlRGBPreprocessor"


class Prompted(Builder):
    """With prompts and a picture."""

    def __init__(self) -> None:
        super().__init__()
        clip = [self.model[0], 1]
        self.positive = self.add("CLIPTextEncode", text="a fox", clip=clip)
        self.negative = self.add("CLIPTextEncode", text="blurry", clip=clip)
        self.picture = self.add("LoadImage", image="fox.png")


@pytest.fixture
def build():
    return Prompted()


def pictures(build, count):
    image = build.picture
    for _ in range(count - 1):
        image = build.add("ImageBatch", image1=image, image2=build.picture)
    return image


def indexes(build, text):
    return build.add(INDEXES, indexes=text)


def load(build, method=None, **inputs):
    given = {} if method is None else {"sparse_method": method}
    given |= {"sparsectrl_name": "v3_sd15_sparsectrl_rgb.ckpt", "use_motion": True,
              "motion_strength": 1.0, "motion_scale": 1.0}  # fmt: skip
    return build.add(THEIR_LOAD, **{**given, **inputs})


def rgb(build, images, size=None):
    vae = [build.model[0], 2]
    return build.add(RGB, image=images, vae=vae, latent_size=size or build.latent)


def apply(build, control, image, kind=THEIR_APPLY, **inputs):
    given = {"positive": build.positive, "negative": build.negative, "control_net": control,
             "image": image, "strength": 0.8, "start_percent": 0.0, "end_percent": 0.7}  # fmt: skip
    return build.add(kind, **{**given, **inputs})


def graphs(build, applied, windows=None, latent=None):
    """Conversions of both formats of a clip of 64 frames with this ControlNet."""
    options = {} if windows is None else {"context_options": windows}
    model = build.loader(build.model, **options)
    latent = {} if latent is None else {"latent_image": latent}
    build.sampled(model, positive=applied, negative=[applied[0], 1], **latent)
    for given in both_formats(build.graph):
        result = convert(given)
        yield result, as_graph(result.workflow)


def windows_of(build, length=16, **others):
    return build.add("ADE_StandardStaticContextOptions", context_length=length, context_overlap=4,
                     fuse_method="pyramid", **others)  # fmt: skip


def gone(graph):
    return not any(node["type"].startswith(("ACN_", "ADE_")) for node in graph.values())


def test_pictures_at_their_frames(build):
    images = pictures(build, 2)
    control = load(build, indexes(build, "0,-1"), motion_strength=0.9)
    for result, graph in graphs(build, apply(build, control, rgb(build, images))):
        assert not result.left and not result.notes and gone(graph)
        ours = only(graph, CONTROL)["inputs"]
        assert (ours["strength"], ours["start_percent"], ours["end_percent"]) == (0.8, 0.0, 0.7)
        assert ours["vae"] == (build.model[0], 2)
        assert ours["positive"] == tuple(build.positive)
        frames = graph[ours["image"][0]]
        assert frames["type"] == FRAMES and frames["inputs"]["at"] == "0, -1"
        assert frames["inputs"]["frames"] == 64
        assert frames["inputs"]["latent"] == tuple(build.latent)
        loaded = graph[ours["control_net"][0]]["inputs"]
        assert loaded["sparsectrl"] == "v3_sd15_sparsectrl_rgb.ckpt"
        assert (loaded["motion_strength"], loaded["empty_windows"]) == (0.9, "nearest picture")
        sampler = only(graph, "KSampler")["inputs"]
        assert graph[sampler["positive"][0]]["type"] == graph[sampler["negative"][0]]["type"]
        assert (sampler["positive"][1], sampler["negative"][1]) == (0, 1)


@pytest.mark.parametrize(
    ("spread", "at"),
    [("uniform", "spread"), ("starting", "starts"), ("ending", "ends"), ("center", "centre")],
)
def test_spreads(build, spread, at):
    control = load(build, build.add(SPREAD, spread=spread))
    for result, graph in graphs(build, apply(build, control, rgb(build, pictures(build, 3)))):
        assert only(graph, FRAMES)["inputs"]["at"] == at and not result.left


def test_without_a_method_they_are_spread(build):
    for _, graph in graphs(build, apply(build, load(build), rgb(build, build.picture))):
        assert only(graph, FRAMES)["inputs"]["at"] == "spread"


def test_of_more_frames_than_pictures_the_first_are_taken(build):
    control = load(build, indexes(build, "0, 16,32"))
    for result, graph in graphs(build, apply(build, control, rgb(build, pictures(build, 2)))):
        assert only(graph, FRAMES)["inputs"]["at"] == "0, 16" and not result.left


def test_frames_of_another_node_are_linked(build):
    made = build.add("Audio Peaks Detection")
    control = load(build, indexes(build, made))
    images = build.add("Repeat Image To Count", image=build.picture)
    for result, graph in graphs(build, apply(build, control, rgb(build, images))):
        assert only(graph, FRAMES)["inputs"]["at"] == tuple(made) and not result.left


def test_drawings_need_no_vae(build):
    control = load(build, indexes(build, "0"))
    for result, graph in graphs(build, apply(build, control, build.picture)):
        ours = only(graph, CONTROL)["inputs"]
        assert "vae" not in ours and graph[ours["image"][0]]["type"] == FRAMES
        assert not result.left and "drawings" in result.notes[-1]


@pytest.mark.parametrize("kind", ["ControlNetApply", "ACN_AdvancedControlNetApplySingle"])
def test_one_prompt(build, kind):
    """Drawings alone: the host's node for one prompt takes no VAE."""
    inputs = {"conditioning": build.positive, "strength": 0.5, "image": build.picture}
    if kind.startswith("ACN"):
        inputs |= {"start_percent": 0.0, "end_percent": 1.0}
    applied = build.add(kind, control_net=load(build), **inputs)
    for result, graph in graphs(build, applied):
        ours = only(graph, "ControlNetApply")["inputs"]
        assert ours["strength"] == 0.5 and graph[ours["image"][0]]["type"] == FRAMES
        assert not result.left and gone(graph)


def test_the_hosts_own_node_gets_the_vae(build):
    applied = apply(build, load(build), rgb(build, build.picture), "ControlNetApplyAdvanced")
    for result, graph in graphs(build, applied):
        assert only(graph, CONTROL)["inputs"]["vae"] == (build.model[0], 2)
        assert not result.left and gone(graph)


def test_the_model_goes_past_the_old_node(build):
    model = build.loader(build.model)
    applied = apply(build, load(build), rgb(build, build.picture), "ACN_AdvancedControlNetApply",
                    model_optional=model)  # fmt: skip
    build.add("KSampler", model=[applied[0], 2], latent_image=build.latent, seed=1,
              positive=applied, negative=[applied[0], 1])  # fmt: skip
    graph = as_graph(convert(build.graph).workflow)
    model = graph[only(graph, "KSampler")["inputs"]["model"][0]]
    assert model["type"] == "ADN_ApplyMotionModule"


def test_two_in_a_row_share_loader_and_pictures(build):
    control, images = load(build), rgb(build, build.picture)
    first = apply(build, control, images)
    second = apply(build, control, images, positive=first, negative=[first[0], 1])
    for result, graph in graphs(build, second):
        types = [node["type"] for node in graph.values()]
        assert [types.count(kind) for kind in (LOAD, FRAMES, CONTROL)] == [1, 1, 2]
        assert not result.left


def test_motion_that_is_off(build):
    for _, graph in graphs(build, apply(build, load(build, use_motion=False),
                                        rgb(build, build.picture))):  # fmt: skip
        assert only(graph, LOAD)["inputs"]["motion_strength"] == 0.0


@pytest.mark.parametrize(
    ("at", "length", "aware", "listed"),
    [
        ("0, 63", 16, "off", True),  # most windows have none
        ("0, 16, 32, 48, 63", 16, "off", False),
        ("0, 63", 64, "off", False),  # one window
        ("0, 63", 16, "nearest_hint", False),  # as ours by itself
    ],
)
def test_windows_without_a_picture(build, at, length, aware, listed):
    control = load(build, indexes(build, at), context_aware=aware)
    applied = apply(build, control, rgb(build, pictures(build, len(at.split(",")))))
    for result, graph in graphs(build, applied, windows_of(build, length)):
        expected = "no picture" if aware == "off" else "nearest picture"
        assert only(graph, LOAD)["inputs"]["empty_windows"] == expected
        assert any("takes no part there" in note for note in result.notes) == listed


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"motion_scale": 1.2}, "motion_scale"),
        ({"motion_strength": 2.5}, "motion_strength 2.5"),
        ({"sparse_hint_mult": 0.5}, "sparse_hint_mult"),
        ({"sparse_nonhint_mult": 0.5}, "sparse_nonhint_mult"),
        ({"sparse_mask_mult": 0.5}, "sparse_mask_mult"),
        ({"tk_optional": "ACN_TimestepKeyframe"}, "tk_optional"),
        ({"mask_optional": "LoadImageMask"}, "mask_optional"),
        ({"latent_kf_override": "ACN_LatentKeyframe"}, "latent_kf_override"),
        ({"at": "1, one"}, "no numbers"),
        ({"at": "4, 4"}, "twice"),
        ({"at": "70"}, "clip of 64"),
        ({"at": "-65"}, "clip of 64"),
        ({"at": "", "images": 2}, "no numbers"),
        ({"at": "3", "images": 2}, "2 pictures and names 1"),
        ({"method": "Somebody Elses"}, "Somebody Elses"),
        ({"taker": True}, "is not known"),
        ({"picture": False}, "no picture"),
    ],
)
def test_what_has_no_equal_stays_whole(build, inputs, why):
    at, count = inputs.pop("at", None), inputs.pop("images", 1)
    other, taken = inputs.pop("method", None), inputs.pop("taker", False)
    pictured = inputs.pop("picture", True)
    linked = {name: build.add(kind) for name, kind in inputs.items() if isinstance(kind, str)}
    own = {name: value for name, value in inputs.items() if name not in linked}
    own |= {name: linked.pop(name) for name in ("tk_optional",) if name in linked}
    method = build.add(other) if other else None if at is None else indexes(build, at)
    control = load(build, method, **own)
    image = rgb(build, pictures(build, count))
    if not pictured:
        del build.graph[image[0]]["inputs"]["image"]
    applied = apply(build, control, image, **linked)
    if taken:
        build.add("Control Net Stacker", control_net=control)
    for result, graph in graphs(build, applied):
        said = reasons(result)
        assert said.keys() == {control[0]} and why in said[control[0]]
        assert "needs AnimateDiff-Evolved" in said[control[0]]
        for kind in (THEIR_LOAD, THEIR_APPLY, RGB):
            assert only(graph, kind)
        assert not any(node["type"] in (LOAD, FRAMES, CONTROL) for node in graph.values())


def test_a_merged_one_stays(build):
    control = build.add("ACN_SparseCtrlMergedLoaderAdvanced", sparsectrl_name="a.ckpt",
                        control_net_name="b.pth", use_motion=True)  # fmt: skip
    for result, _ in graphs(build, apply(build, control, build.picture)):
        assert "weights of another ControlNet" in reasons(result)[control[0]]


def test_one_of_a_graph_without_anything_else_of_theirs(build):
    applied = apply(build, load(build), rgb(build, build.picture))
    build.sampled(build.model, positive=applied, negative=[applied[0], 1])
    once = convert(build.graph)
    assert gone(as_graph(once.workflow)) and not once.left
    with pytest.raises(AnimateDiffError, match="no node of ComfyUI-AnimateDiff-Evolved"):
        convert(once.workflow)


def test_what_stays_is_the_same_when_converted_again(build):
    applied = apply(build, load(build, motion_scale=2.0), rgb(build, build.picture))
    for result, _ in list(graphs(build, applied)):
        twice = convert(result.workflow)
        assert twice.workflow == result.workflow and twice.left == result.left


def test_the_example_of_the_page():
    result, graph = converted("sparsectrl_ui")
    assert not result.left and not result.notes
    assert only(graph, FRAMES)["inputs"]["at"] == "0, 4"
    models = only(graph, "KSampler")["inputs"]["model"]
    assert graph[models[0]]["type"] == "ADN_ContextWindows"
