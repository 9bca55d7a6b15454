"""One small graph for each kind of thing that published workflows have: what comes of it."""

import pytest
from adn_testing.ade import as_graph, models_of, only, read, reasons
from animatediff_native.convert import convert

APPLY, LOAD, WINDOWS = "ADN_ApplyMotionModule", "ADN_LoadMotionModule", "ADN_ContextWindows"
SCHEDULE, NOISE, SAMPLING = "ADN_NoiseSchedule", "ADN_FreeNoise", "ModelSamplingDiscrete"
LINEAR = "linear (AnimateDiff)"
AS_V1 = "over all frames for v1 and v2"


def converted(name: str):
    """Its graph, of which nothing was left or noted."""
    result = convert(read(name))
    assert not result.left and not result.notes
    return as_graph(result.workflow)


def kinds(graph: dict, sampler: dict) -> list[str]:
    return [node["type"] for node in models_of(graph, sampler)]


@pytest.mark.parametrize(
    ("name", "schedule", "lcm"),
    [
        ("beta_average", "average of linear and scaled_linear", False),
        ("beta_cosine", "cosine", False),
        ("beta_lcm_100", "lcm of 100 timesteps (scaled_linear)", False),
        ("beta_lcm_average", "average of linear and scaled_linear", True),
        ("beta_linear_adxl", "scaled_linear to 0.020 (AnimateDiff-SDXL)", False),
        ("sigma_schedule_setting", "average of linear and scaled_linear", True),
    ],
)
def test_noise_schedules(name, schedule, lcm):
    graph = converted(f"{name}_ui")
    assert only(graph, APPLY)["inputs"]["beta_schedule"] == schedule
    chain = kinds(graph, only(graph, "KSampler"))
    assert chain == [APPLY, *[SAMPLING] * lcm, "CheckpointLoaderSimple"]
    if lcm:
        assert only(graph, SAMPLING)["inputs"]["sampling"] == "lcm"


@pytest.mark.parametrize(
    ("name", "norms"),
    [
        ("apply_v2_properly_off_ui", AS_V1),
        ("legacy_loader_no_v2_choice_api", AS_V1),  # without a page, its function's default
        ("v1_loader_latents_ui", AS_V1),
        ("first_versions_ui", AS_V1),
        ("closed_loop_off_long_clip_ui", "auto"),
    ],
)
def test_the_norms_of_loaders(name, norms):
    graph = converted(name)
    assert only(graph, LOAD)["inputs"]["norms"] == norms


@pytest.mark.parametrize("name", ["v1_loader_latents_ui", "first_versions_ui"])
def test_latents_go_past_the_loaders_that_gave_them_on(name):
    graph = converted(name)
    latent = only(graph, "KSampler")["inputs"]["latent_image"]
    assert graph[latent[0]]["type"] == "EmptyLatentImage"


def test_the_first_loader_had_no_schedule_of_its_own():
    assert only(converted("first_versions_ui"), APPLY)["inputs"]["beta_schedule"] == "keep"


@pytest.mark.parametrize(
    ("name", "schedule", "stride"),
    [
        ("closed_loop_off_long_clip", "looped open", 1),
        ("closed_loop_off_short_clip", "looped open", 1),  # 16 frames in windows of 16: whole
        ("context_stride_above_range", "looped", 2),  # 8, of which a clip of 32 has room for 2
        ("context_stride_unknown_clip", "uniform (Evolved)", 2),
    ],
)
def test_windows(name, schedule, stride):
    inputs = only(converted(f"{name}_ui"), WINDOWS)["inputs"]
    assert (inputs["schedule"], inputs["context_stride"]) == (schedule, stride)
    assert (inputs["context_length"], inputs["context_overlap"]) == (16, 4)


def test_a_sampling_before_the_loader_is_replaced():
    """The loader put its schedule in place of LCM's whole sampling."""
    graph = converted("model_sampling_before_loader_ui")
    apply, replaced, given, _ = models_of(graph, only(graph, "KSampler"))
    assert apply["inputs"]["beta_schedule"] == LINEAR
    assert (replaced["inputs"]["sampling"], replaced["inputs"]["zsnr"]) == ("eps", False)
    assert given["inputs"]["sampling"] == "lcm"


def test_a_loader_behind_a_loader_takes_its_place():
    graph = converted("loader_behind_loader_ui")
    assert kinds(graph, only(graph, "KSampler")) == [APPLY, "CheckpointLoaderSimple"]
    assert only(graph, LOAD)["inputs"]["motion_module"] == "v3_sd15_mm.ckpt"


def test_a_checkpoint_whose_schedule_the_loader_sets_again():
    graph = converted("noise_select_checkpoint_ui")
    assert kinds(graph, only(graph, "KSampler"))[0] == APPLY
    assert SCHEDULE not in {node["type"] for node in graph.values()}


def test_a_checkpoint_whose_schedule_serves_a_sampler():
    graph = converted("noise_select_used_alone_ui")
    alone = next(node for node in graph.values() if node["inputs"].get("denoise") == 0.3)
    assert kinds(graph, alone) == [SCHEDULE, "CheckpointLoaderSimple"]
    assert only(graph, SCHEDULE)["inputs"]["beta_schedule"] == LINEAR


def test_unload_leaves_patches_and_the_schedule():
    """FreeU stands between the loader and it, for the animated sampler too."""
    graph = converted("unload_behind_patch_ui")
    moving, still = (
        next(node for node in graph.values() if node["inputs"].get("denoise") == denoise)
        for denoise in (1.0, 0.3)
    )
    assert kinds(graph, moving) == ["FreeU_V2", APPLY, "CheckpointLoaderSimple"]
    assert kinds(graph, still) == ["FreeU_V2", SCHEDULE, "CheckpointLoaderSimple"]
    patches = [node for node in graph.values() if node["type"] == "FreeU_V2"]
    assert len(patches) == 2


def test_a_second_pass_shares_the_model():
    """FreeNoise goes before each, with the seed of each."""
    graph = converted("second_pass_shares_model_ui")
    seeds = []
    for sampler in (node for node in graph.values() if node["type"] == "KSampler"):
        assert kinds(graph, sampler) == [WINDOWS, APPLY, "CheckpointLoaderSimple"]
        noise = graph[sampler["inputs"]["latent_image"][0]]
        assert noise["type"] == NOISE and noise["inputs"]["seed"] == sampler["inputs"]["seed"]
        seeds.append(noise["inputs"]["seed"])
    assert seeds == [7, 8]


def test_combine():
    """Its first version, whose save_image was a word."""
    graph = converted("combine_to_core_nodes_ui")
    saved = only(graph, "SaveAnimatedWEBP")["inputs"]
    assert (saved["filename_prefix"], saved["fps"]) == ("AnimateDiff", 8)
    assert graph[saved["images"][0]]["type"] == "VAEDecode"


def combined(values: list):
    given = read("combine_to_core_nodes_ui")
    combine = next(n for n in given["nodes"] if n["type"] == "ADE_AnimateDiffCombine")
    combine["widgets_values"] = values
    return convert(given)


@pytest.mark.parametrize("pingpong", [True, "true"])
def test_combine_forth_and_back(pingpong):
    result = combined([8, 0, "Enabled", "AnimateDiff", "image/gif", pingpong])
    graph = as_graph(result.workflow)
    saved = only(graph, "SaveAnimatedWEBP")["inputs"]
    assert (saved["filename_prefix"], saved["fps"]) == ("AnimateDiff", 8)
    there_and_back = graph[saved["images"][0]]
    assert there_and_back["type"] == "ADN_PingPong"
    assert graph[there_and_back["inputs"]["images"][0]]["type"] == "VAEDecode"


@pytest.mark.parametrize(
    ("kind", "node"), [("video/h264-mp4", "SaveVideo"), ("image/webp", "SaveAnimatedWEBP")]
)
def test_combine_of_another_format(kind, node):
    result = combined([12, 0, "a/b", kind, False, True])
    graph = as_graph(result.workflow)
    assert only(graph, node)["inputs"]["filename_prefix"] == "a/b" and not result.left
    if node == "SaveVideo":
        assert only(graph, "CreateVideo")["inputs"]["fps"] == 12


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([8, 3, "a", "image/gif", False, True], "loop_count"),
        ([8, 0, "a", "video/h265-mp4", False, True], "h265"),
    ],
)
def test_what_saving_here_cannot_do_is_listed(values, why):
    assert why in str(reasons(combined(values)))


@pytest.mark.parametrize(
    ("name", "norms", "beta", "schedule"),
    [
        ("sdxl_module_ui", "over all frames", "scaled_linear to 0.020 (AnimateDiff-SDXL)", None),
        ("hotshot_module_ui", "auto", "auto", "scaled_linear (Stable Diffusion)"),
    ],
)
def test_modules_of_sdxl(name, norms, beta, schedule):
    """Theirs ran them with the norms of v1; a model without motion keeps their schedule."""
    given = read(name)
    loader = next(node for node in given["nodes"] if node["type"] == "ADE_AnimateDiffLoaderGen1")
    graph = converted(name)
    assert only(graph, "ADN_LoadMotionModule")["inputs"]["norms"] == norms
    assert only(graph, "ADN_ApplyMotionModule")["inputs"]["beta_schedule"] == beta
    unload = {"id": 90, "type": "ADE_AnimateDiffUnload", "pos": [0, 0], "mode": 0,
              "inputs": [{"name": "model", "type": "MODEL", "link": 90}],
              "outputs": [{"name": "MODEL", "type": "MODEL", "links": [91]}]}  # fmt: skip
    sampler = {"id": 91, "type": "SomeSampler", "pos": [0, 0], "mode": 0, "outputs": [],
               "inputs": [{"name": "model", "type": "MODEL", "link": 91}]}  # fmt: skip
    given["nodes"] += [unload, sampler]
    loader["outputs"][0]["links"].append(90)
    given["links"] += [[90, loader["id"], 0, 90, 0, "MODEL"], [91, 90, 0, 91, 0, "MODEL"]]
    plain = only(as_graph(convert(given).workflow), "ADN_NoiseSchedule")["inputs"]
    assert plain["beta_schedule"] == (schedule or beta)


@pytest.mark.parametrize("file", ["pia.ckpt", "AnimateLCM_sd15_i2v.ckpt", "FancyVideo.safetensors"])
def test_modules_of_other_kinds_are_named_and_left(file):
    given = read("gen1_ui")
    loader = next(node for node in given["nodes"] if node["type"] == "ADE_AnimateDiffLoaderGen1")
    loader["widgets_values"][0] = file
    result = convert(given)
    assert any("not run here" in reason and file in reason for reason in reasons(result).values())
    assert loader["type"] in {node["type"] for node in result.workflow["nodes"]}
