"""Every node of ours as the page makes it new: it runs with what it begins with, or says in words
what it lacks."""

import json
import re

import pytest

from tools.paths import REPO

from .comfy_page import PATIENCE

FRAMES, SIZE = 16, 64
OUR_NODES = set(json.loads((REPO / "locales" / "en" / "nodeDefs.json").read_text("utf-8")))

# name: node type, what is not as it begins, and links: input = (name, output)
Graph = dict[str, tuple[str, dict, dict]]
GIVEN: Graph = {
    "checkpoint": ("CheckpointLoaderSimple", {}, {}),
    "text": ("CLIPTextEncode", {}, {"clip": ("checkpoint", 1)}),
    "latent": ("EmptyLatentImage", {"width": SIZE, "height": SIZE, "batch_size": FRAMES}, {}),
    "picture": ("EmptyImage", {"width": SIZE, "height": SIZE}, {}),
    "video": ("EmptyImage", {"width": SIZE, "height": SIZE, "batch_size": FRAMES}, {}),
    "module": ("ADN_LoadMotionModule", {}, {}),
    "animated": (
        "ADN_ApplyMotionModule",
        {},
        {"model": ("checkpoint", 0), "motion_module": ("module", 0)},
    ),
}
MODEL, MODULE, LATENT, POSITIVE = "model", "motion_module", "latent_image", "positive"
# node: its links, and what it gives a sampler (a module by way of Apply Motion Module)
SAMPLED = {
    "ADN_StretchPositions": ({"motion_module": ("module", 0)}, MODULE),
    "ADN_AdjustWeights": ({"motion_module": ("module", 0)}, MODULE),
    "ADN_FreeLong": ({"motion_module": ("module", 0)}, MODULE),
    "ADN_Views": ({"motion_module": ("module", 0)}, MODULE),
    "ADN_MotionStrength": ({}, "motion_strength"),
    "ADN_ContextWindows": ({"model": ("animated", 0)}, MODEL),
    "ADN_SpaceTime": ({"model": ("animated", 0)}, MODEL),
    "ADN_FreeInit": ({"model": ("animated", 0)}, MODEL),
    "ADN_NoiseSchedule": ({"model": ("checkpoint", 0)}, MODEL),
    "ADN_FrameGuidance": ({"model": ("animated", 0)}, MODEL),
    "ADN_UseNoise": ({"model": ("animated", 0), "noise": ("ADN_NoiseLayer", 0)}, MODEL),
    "ADN_ReferenceMotion": (
        {
            "model": ("animated", 0),
            "images": ("video", 0),
            "vae": ("checkpoint", 2),
            "conditioning": ("text", 0),
        },
        MODEL,
    ),
    "ADN_FreeNoise": ({"samples": ("latent", 0)}, LATENT),
    "ADN_ContinueClip": ({"latent": ("latent", 0)}, LATENT),
    "ADN_PromptSchedule": ({"clip": ("checkpoint", 1)}, POSITIVE),
    "ADN_FramePromptStrength": (
        {"conditioning": ("text", 0), "frame_strengths": ("ADN_FrameStrengths", 0)},
        POSITIVE,
    ),
}
FURTHER: Graph = {
    "ADN_FrameStrengths": ("ADN_FrameStrengths", {}, {}),
    "ADN_FrameNoise": ("ADN_FrameNoise", {}, {}),
    "ADN_NoiseLayer": (
        "ADN_NoiseLayer",
        {},
        {"noise": ("ADN_FrameNoise", 0), "layer": ("ADN_TrajectoryNoise", 0)},
    ),
    "ADN_Trajectory": ("ADN_Trajectory", {}, {}),
    "paths": ("PreviewImage", {}, {"images": ("ADN_Trajectory", 1)}),
    "ADN_TrajectoryNoise": ("ADN_TrajectoryNoise", {}, {"trajectory": ("ADN_Trajectory", 0)}),
    "ADN_PingPong": ("ADN_PingPong", {}, {"images": ("picture", 0)}),
    "shown": ("PreviewImage", {}, {"images": ("ADN_PingPong", 0)}),
    "ADN_SparseFrames": ("ADN_SparseFrames", {}, {"images": ("picture", 0)}),
    "hints": ("PreviewImage", {}, {"images": ("ADN_SparseFrames", 0)}),
    "ADN_ClipCondition": ("ADN_ClipCondition", {}, {"images": ("picture", 0)}),
    "pixels": ("PreviewImage", {}, {"images": ("ADN_ClipCondition", 0)}),
    "ADN_CameraPath": ("ADN_CameraPath", {}, {}),
    "poses": ("PreviewAny", {}, {"source": ("ADN_CameraPath", 1)}),
    "ADN_ImageToVideoWays": ("ADN_ImageToVideoWays", {}, {}),
}
ALONG = ("ADN_FrameStrengths", "ADN_CameraPath", "ADN_Trajectory")  # what others take
PICTURED = {"motion_module": ("module", 0), "image": ("picture", 0), "vae": ("checkpoint", 2)}
# node: its links, and what it says
LACKING = {
    "ADN_LoadMotionLora": ({}, r"motion_lora|animatediff_motion_lora"),
    "ADN_LoadDomainAdapter": ({"model": ("checkpoint", 0)}, r"domain_adapter|models/loras"),
    "ADN_FrameLora": ({"model": ("checkpoint", 0)}, r"lora"),
    "ADN_FrameControlStrength": (
        {"positive": ("text", 0), "frame_strengths": ("ADN_FrameStrengths", 0)},
        r"ControlNet",
    ),
    "ADN_LoadSparseCtrl": ({}, r"sparsectrl|models/controlnet"),
    "ADN_PiaImage": (PICTURED, r"pia\.ckpt"),
    "ADN_I2VImage": (PICTURED, r"AnimateLCM_sd15_i2v\.ckpt"),
    "ADN_CameraPoses": ({}, r"pose"),
    "ADN_CameraControl": (
        {"motion_module": ("module", 0), "camera_path": ("ADN_CameraPath", 0)},
        r"CameraCtrl",
    ),
    "ADN_FollowTrajectory": (
        {"model": ("animated", 0), "trajectory": ("ADN_Trajectory", 0), "clip": ("checkpoint", 1)},
        r"subject",
    ),
    "ADN_TrajectoryControl": (
        {"motion_module": ("module", 0), "trajectory": ("ADN_Trajectory", 0)},
        r"[Tt]rajectory",
    ),
    "ADN_SaveMotionLora": ({}, r"motion_lora"),
    "ADN_TrainMotionLora": (
        {"model": ("animated", 0), "vae": ("checkpoint", 2), "positive": ("text", 0)},
        r"images.*video_folder",
    ),
}

EMPTY = "async () => await app.extensionManager.command.execute('Comfy.NewBlankWorkflow')"
BUILD = """graph => {
    const made = {};
    for (const [name, [type, values]] of Object.entries(graph)) {
        const node = made[name] = LiteGraph.createNode(type);
        app.graph.add(node);
        for (const [key, value] of Object.entries(values)) {
            node.widgets.find(widget => widget.name === key).value = value;
        }
    }
    for (const [name, [type, , links]] of Object.entries(graph)) {
        for (const [input, [from, slot]] of Object.entries(links)) {
            const at = made[name].findInputSlot(input);
            if (at < 0) throw new Error(`${type} has no input ${input}`);
            made[from].connect(slot, made[name], at);
        }
    }
}"""
# Ends with the run: what went wrong, or nothing. A prompt that the server turns down is told too.
RUN = """async patience => {
    const { api } = app;
    let ended;
    const end = new Promise(done => { ended = done; });
    setTimeout(() => ended("the run has no end"), patience);
    const listeners = {
        execution_error: ({ detail }) => ended(`${detail.node_type}: ${detail.exception_type} ` +
            `${detail.exception_message}`),
        execution_success: () => ended(null),
    };
    for (const [name, heard] of Object.entries(listeners)) api.addEventListener(name, heard);
    try {
        const { output, workflow } = await app.graphToPrompt();
        try {
            const { node_errors } = await api.queuePrompt(0, { output, workflow });
            if (Object.keys(node_errors ?? {}).length) return JSON.stringify(node_errors);
        } catch (error) {
            return JSON.stringify(error.response ?? String(error));
        }
        return await end;
    } finally {
        for (const [name, heard] of Object.entries(listeners)) api.removeEventListener(name, heard);
    }
}"""


def sampled(node: str, gives: str) -> Graph:
    """A sampler of one step that gets what the node gives."""
    links = {
        "model": ("animated", 0),
        "positive": ("text", 0),
        "negative": ("text", 0),
        "latent_image": ("latent", 0),
    }
    graph: Graph = {}
    if gives in (MODULE, "motion_strength"):
        base = {"model": ("checkpoint", 0), "motion_module": ("module", 0)}
        graph[f"apply {node}"] = ("ADN_ApplyMotionModule", {}, {**base, gives: (node, 0)})
        links["model"] = (f"apply {node}", 0)
    else:
        links[gives] = (node, 0)
    graph[f"sample {node}"] = ("KSampler", {"steps": 1}, links)
    graph[f"save {node}"] = ("SaveLatent", {}, {"samples": (f"sample {node}", 0)})
    return graph


def everything() -> Graph:
    graph = {**GIVEN, **FURTHER}
    for node, (links, gives) in SAMPLED.items():
        graph |= {node: (node, {}, links), **sampled(node, gives)}
    return graph


def ran(page, graph: Graph) -> str | None:
    before = page.opened_path()
    page.tab.evaluate(EMPTY)
    page.wait_until_opened(before)
    page.tab.evaluate(BUILD, graph)
    return page.tab.evaluate(RUN, 2 * PATIENCE)


def test_every_node_is_tried():
    applied = {"ADN_LoadMotionModule", "ADN_ApplyMotionModule"}
    assert {*SAMPLED, *LACKING, *(key for key in FURTHER if key in OUR_NODES), *applied} == OUR_NODES


def test_new_nodes_run_as_they_are(page, mode):
    assert ran(page, everything()) is None
    page.picture(f"all new nodes {mode}")


@pytest.mark.parametrize("node", LACKING)
def test_a_new_node_says_what_it_lacks(page, node):
    links, said = LACKING[node]
    graph = {**GIVEN, **{name: FURTHER[name] for name in ALONG}, node: (node, {}, links)}
    graph["shown"] = ("PreviewAny", {}, {"source": (node, 0)})
    if node == "ADN_SaveMotionLora":  # it ends a graph by itself
        del graph["shown"]
    told = ran(page, graph)
    assert told and re.search(said, told, re.DOTALL), told
    assert "Traceback" not in told
    assert not re.match(r"ADN_\w+: (?!.*AnimateDiffError)", told), told
