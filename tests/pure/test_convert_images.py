"""PIA and AnimateLCM-I2V of AnimateDiff-Evolved: their pictures, masks and sizes."""

import pytest
from adn_testing.ade import as_graph, converted, models_of, only, reasons
from adn_testing.ade_graphs import Builder, both_formats
from animatediff_native.convert import convert
from animatediff_native.convert.pia import MIRRORED, PRESETS, mask

PIA, I2V, LOAD = "ADN_PiaImage", "ADN_I2VImage", "ADN_LoadMotionModule"
APPLY, STRENGTHS, FLOAT = "ADN_ApplyMotionModule", "ADN_FrameStrengths", "PrimitiveFloat"
THEIR_PIA, THEIR_I2V = "ADE_ApplyAnimateDiffModelWithPIA", "ADE_ApplyAnimateLCMI2VModel"


class Pictures(Builder):
    """With a picture, and the checkpoint's VAE."""

    def __init__(self) -> None:
        super().__init__()
        self.picture = self.add("LoadImage", image="fox.png")
        self.vae = [self.model[0], 2]


@pytest.fixture
def build():
    return Pictures()


def graphs(build, apply, latent=None):
    """Conversions of both formats of a clip with this motion module."""
    model = build.add(
        "ADE_UseEvolvedSampling", model=build.model, m_models=apply, beta_schedule="autoselect"
    )
    latent = {} if latent is None else {"latent_image": latent}
    for given in both_formats(build.sampled(model, **latent)):
        result = convert(given)
        yield result, as_graph(result.workflow)


def of_frames(build, frames):
    return build.add("EmptyLatentImage", width=512, height=512, batch_size=frames)


def pia(build, pia_input=None, load=None, **inputs):
    given = {} if pia_input is None else {"pia_input": pia_input}
    load = load or build.add("ADE_LoadAnimateDiffModel", model_name="pia.ckpt")
    given |= {"motion_model": load, "image": build.picture, "vae": build.vae}
    return build.add(THEIR_PIA, start_percent=0.0, end_percent=1.0, **{**given, **inputs})


def preset(build, name="Animation (Small Motion)", frame=0, **inputs):
    return build.add("ADE_InputPIA_PaperPresets", preset=name, batch_index=frame, **inputs)


def test_a_picture_and_a_preset(build):
    for result, graph in graphs(build, pia(build, preset(build, "Animation (Large Motion)", 3))):
        assert not result.left and not result.notes
        found = only(graph, PIA)["inputs"]
        assert (found["motion"], found["image_frame"]) == ("large motion", 3)
        assert graph[found["image"][0]]["type"] == "LoadImage" and found["vae"][1] == 2
        assert graph[found["motion_module"][0]]["inputs"]["motion_module"] == "pia.ckpt"
        apply = models_of(graph, only(graph, "KSampler"))[0]
        assert graph[apply["inputs"]["motion_module"][0]]["type"] == PIA


def test_without_a_preset_every_frame_is_alike(build):
    for result, graph in graphs(build, pia(build)):
        assert not result.left
        values = graph[only(graph, PIA)["inputs"]["frame_strengths"][0]]
        assert (values["type"], values["inputs"]["value"]) == (FLOAT, 1.0)


@pytest.mark.parametrize(("frame", "expected"), [(-1, 63), (100, 63), (-100, 0), (5, 5)])
def test_the_pictures_frame_is_one_of_the_clip(build, frame, expected):
    for _, graph in graphs(build, pia(build, preset(build, frame=frame))):
        assert only(graph, PIA)["inputs"]["image_frame"] == expected


def theirs(name, frames, index):
    """The incumbent's own steps: half a list, extended by its last entry, and mirrored."""
    values = list(PRESETS[name][1])

    def extended(length):
        return (values + [values[-1]] * length)[:length]

    if name.startswith("Loop"):
        half = extended(frames // 2)
        middle = [values[min(len(half), len(values) - 1)]] * (frames - 2 * len(half))
        found = half + middle + half[::-1]
    else:
        found = extended(frames)
    return [found[abs(frame - index)] for frame in range(frames)]


@pytest.mark.parametrize("frames", [1, 2, 15, 16, 17, 40])
@pytest.mark.parametrize("name", PRESETS)
def test_masks_are_theirs(name, frames):
    motion, along = PRESETS[name]
    for index in {0, frames // 3, frames - 1}:
        assert mask(along, motion.startswith("loop"), frames, index) == theirs(name, frames, index)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("frames", [16, 24])
def test_our_presets_give_the_same_mask(build, name, frames):
    """Where the authors' table is another, the numbers themselves are written."""
    latent = of_frames(build, frames)
    for result, graph in graphs(build, pia(build, preset(build, name)), latent):
        assert not result.left and not result.notes
        ours = only(graph, PIA)["inputs"]
        assert ours["motion"] == PRESETS[name][0]
        written = frames == 16 and ours["motion"] in MIRRORED
        assert ("frame_strengths" in ours) == written
        if written:
            text = graph[ours["frame_strengths"][0]]["inputs"]["keyframes"]
            assert numbers(text, frames) == pytest.approx(theirs(name, frames, 0))


def numbers(text, frames):
    """Keyframes with straight lines between them."""
    keys = [tuple(map(float, part.split(":"))) for part in text.split(",")]
    found = []
    for frame in range(frames):
        before = max(key for key in keys if key[0] <= frame)
        behind = min((key for key in keys if key[0] > frame), default=before)
        share = (frame - before[0]) / (behind[0] - before[0]) if behind != before else 0
        found.append(before[1] + share * (behind[1] - before[1]))
    return found


def test_a_factor_of_a_preset(build):
    factor = build.add("ADE_MultivalDynamic", float_val=0.5)
    given = preset(build, "Style Transfer (Large Motion)", 2, mult_multival=factor)
    for result, graph in graphs(build, pia(build, given), of_frames(build, 4)):
        assert not result.left
        link = only(graph, PIA)["inputs"]["frame_strengths"]
        assert numbers(graph[link[0]]["inputs"]["keyframes"], 4) == pytest.approx(
            [0.1, 0.1, 0.25, 0.1]
        )


def test_a_mask_of_numbers(build):
    values = build.add("ADE_ValueScheduling", values="0 = 1.0, 63 = 0.5", max_length=64)
    by_frame = build.add("ADE_MultivalDynamicFloats", floats=[values[0], 1])
    given = build.add("ADE_InputPIA_Multival", multival=by_frame)
    for result, graph in graphs(build, pia(build, given)):
        link = only(graph, PIA)["inputs"]["frame_strengths"]
        assert graph[link[0]]["type"] == STRENGTHS and not result.left


@pytest.mark.parametrize("kind", ["ADE_InputPIA_Multival", "ADE_InputPIA_PaperPresets"])
def test_a_mask_by_area_is_listed(build, kind):
    area = build.add("LoadImageMask", image="mask.png", channel="red")
    value = build.add("ADE_MultivalDynamic", float_val=0.5, mask_optional=area)
    given = (
        preset(build, mult_multival=value)
        if kind.endswith("Presets")
        else build.add(kind, multival=value)
    )
    for result, graph in graphs(build, pia(build, given)):
        assert "by area" in reasons(result)[given[0]] and only(graph, PIA)


def test_a_keyframes_mask_is_listed(build):
    other = preset(build, "Animation (Large Motion)")
    key = build.add("ADE_PIA_AnimateDiffKeyframe", start_percent=0.5, pia_input=other)
    for result, graph in graphs(build, pia(build, preset(build), ad_keyframes=key)):
        assert "pia_input" in reasons(result)[other[0]]
        assert only(graph, PIA)["inputs"]["motion"] == "small motion"


@pytest.mark.parametrize("what", ["injected", "no picture", "two pictures", "unknown preset"])
def test_what_pia_image_has_no_equal_for_stays(build, what):
    apply = {}
    if what == "injected":
        load = build.add("ADE_LoadAnimateDiffModel", model_name="pia.ckpt")
        apply["load"] = build.add("ADE_InjectPIAIntoAnimateDiffModel", model_name="v3_sd15_mm.ckpt",
                                  motion_model=load)  # fmt: skip
    elif what == "two pictures":
        apply["image"] = build.add("ImageBatch", image1=build.picture, image2=build.picture)
    elif what == "unknown preset":
        apply["pia_input"] = preset(build, "Wild")
    key = pia(build, **apply)
    if what == "no picture":
        del build.graph[key[0]]["inputs"]["image"]
    for result, graph in graphs(build, key):
        assert result.left and only(graph, THEIR_PIA) and only(graph, "ADE_UseEvolvedSampling")
        assert not any(node["type"].startswith("ADN_") for node in graph.values())


def test_a_pia_file_without_a_picture_stays(build):
    load = build.add("ADE_LoadAnimateDiffModel", model_name="pia.ckpt")
    apply = build.add("ADE_ApplyAnimateDiffModelSimple", motion_model=load)
    for result, _ in graphs(build, apply):
        assert "image to video" in "".join(reasons(result).values())


def i2v(build, latent, drift=0.8, output=0, **inputs):
    load = build.add("ADE_LoadAnimateLCMI2VModel", model_name="AnimateLCM_sd15_i2v.ckpt")
    inputs = {"apply_ref_when_disabled": False, "start_percent": 0.0, "end_percent": 1.0, **inputs}
    return build.add(
        THEIR_I2V, motion_model=[load[0], output], ref_latent=latent, ref_drift=drift, **inputs
    )


def scaled(build, size, method="bicubic", crop="disabled"):
    return build.add(
        "ADE_UpscaleAndVAEEncode", image=build.picture, vae=build.vae, latent_size=size,
        scale_method=method, crop=crop,
    )  # fmt: skip


def test_a_picture_brought_to_a_size(build):
    size = build.add("EmptyLatentImage", width=516, height=384, batch_size=16)
    for result, graph in graphs(build, i2v(build, scaled(build, size)), size):
        assert not result.left
        found = only(graph, I2V)["inputs"]
        scale = graph[found["image"][0]]
        assert scale["type"] == "ImageScale" and found["motion_scale"] == 0.8
        assert {k: v for k, v in scale["inputs"].items() if k != "image"} == {
            "upscale_method": "bicubic", "width": 512, "height": 384, "crop": "disabled",
        }  # fmt: skip
        assert not any(node["type"] == "VAEEncode" for node in graph.values())
        assert only(graph, "ModelSamplingDiscrete")


def test_a_picture_that_a_sampler_begins_with_too(build):
    """The node that scales and encodes serves both."""
    latent = scaled(build, build.latent)
    batch = build.add("RepeatLatentBatch", samples=latent, amount=16)
    for result, graph in graphs(build, i2v(build, latent), batch):
        assert not result.left
        encode = graph[only(graph, "RepeatLatentBatch")["inputs"]["samples"][0]]
        assert encode["type"] == "VAEEncode"
        assert encode["inputs"]["pixels"] == only(graph, I2V)["inputs"]["image"]


def test_an_encoded_picture(build):
    latent = build.add("VAEEncode", pixels=build.picture, vae=build.vae)
    for result, graph in graphs(build, i2v(build, latent, 0.0)):
        found = only(graph, I2V)["inputs"]
        assert graph[found["image"][0]]["type"] == "LoadImage" and found["motion_scale"] == 0.0
        assert not result.left


@pytest.mark.parametrize(("crop", "listed"), [("center", False), ("disabled", True)])
def test_a_size_that_is_not_in_the_file(build, crop, listed):
    size = build.add("VAEEncode", pixels=build.add("SomeVideo"), vae=build.vae)
    for result, graph in graphs(build, i2v(build, scaled(build, size, crop=crop))):
        assert graph[only(graph, I2V)["inputs"]["image"][0]]["type"] == "LoadImage"
        assert bool(result.left) == listed


def test_a_drift_that_is_too_much(build):
    latent = build.add("VAEEncode", pixels=build.picture, vae=build.vae)
    for result, graph in graphs(build, i2v(build, latent, 3.5)):
        assert only(graph, I2V)["inputs"]["motion_scale"] == 2.0
        assert "ref_drift 3.5" in "".join(reasons(result).values())


def test_a_weaker_effect_and_a_part_of_the_sampling_are_listed(build):
    latent = build.add("VAEEncode", pixels=build.picture, vae=build.vae)
    weak = build.add("ADE_MultivalDynamic", float_val=0.5)
    for result, _ in graphs(build, i2v(build, latent, effect_multival=weak)):
        assert "its effect weakens" in "".join(reasons(result).values())
    part = i2v(build, latent, end_percent=0.5, apply_ref_when_disabled=True)
    for result, _ in graphs(build, part):
        assert "apply_ref_when_disabled" in "".join(reasons(result).values())


@pytest.mark.parametrize("what", ["encoder only", "a latent", "two pictures"])
def test_what_i2v_image_has_no_equal_for_stays(build, what):
    both = build.add("ImageBatch", image1=build.picture, image2=build.picture)
    picture = both if what == "two pictures" else build.picture
    latent = build.add("VAEEncode", pixels=picture, vae=build.vae)
    if what == "a latent":
        latent = build.add("LatentBlend", samples1=latent, samples2=latent)
    apply = i2v(build, latent, output=1 if what == "encoder only" else 0)
    for result, graph in graphs(build, apply):
        assert result.left and only(graph, THEIR_I2V)
        assert not any(node["type"].startswith("ADN_") for node in graph.values())


@pytest.mark.parametrize("name", ["pia_ui", "animate_lcm_i2v_ui"])
def test_examples_of_the_page(name):
    result, graph = converted(name)
    assert not result.left
    apply = only(graph, APPLY)["inputs"]
    assert graph[apply["motion_module"][0]]["type"] in (PIA, I2V)
