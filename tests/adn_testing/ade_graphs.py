"""Workflows of AnimateDiff-Evolved of any size, in API format and as the page has them."""

from typing import Any

Graph = dict[str, dict[str, Any]]


class Builder:
    """Adds nodes, and gives the link to each one's first output."""

    def __init__(self) -> None:
        self.graph: Graph = {}
        self.model = self.add("CheckpointLoaderSimple", ckpt_name="sd15.safetensors")
        self.latent = self.add("EmptyLatentImage", width=512, height=512, batch_size=64)

    def add(self, node_type: str, **inputs: Any) -> list[Any]:
        key = str(len(self.graph) + 1)
        self.graph[key] = {"class_type": node_type, "inputs": inputs}
        return [key, 0]

    def loader(self, model: list[Any], **options: Any) -> list[Any]:
        options = {"model_name": "mm_sd_v15_v2.ckpt", "beta_schedule": "autoselect", **options}
        return self.add("ADE_AnimateDiffLoaderGen1", model=model, **options)

    def wire(self, link: list[Any], name: str) -> list[Any]:
        """Through a reroute, and from there by name."""
        link = self.add("Reroute", **{"": link})
        self.add("SetNode", MODEL=link, Constant=name)
        return self.add("GetNode", Constant=name)

    def sampled(self, model: list[Any], **inputs: Any) -> Graph:
        self.add("KSampler", **{"model": model, "latent_image": self.latent, "seed": 1, **inputs})
        return self.graph


def loras_in_a_chain(nodes: int) -> Graph:
    build, last = Builder(), {}
    for number in range(nodes):
        link = build.add("ADE_AnimateDiffLoRALoader", name=f"{number}.ckpt", strength=0.5, **last)
        last = {"prev_motion_lora": link}
    loras = {"motion_lora": last["prev_motion_lora"]} if last else {}
    return build.sampled(build.loader(build.model, **loras))


def loaders_in_a_row(nodes: int) -> Graph:
    """Each behind the one before it, whose place it takes."""
    build = Builder()
    model = build.model
    for _ in range(nodes):
        model = build.loader(model)
    return build.sampled(model)


def loaders_side_by_side(nodes: int) -> Graph:
    """Each with a sampler, which goes on from the latent of the one before it."""
    build = Builder()
    for _ in range(nodes):
        build.sampled(build.loader(build.model))
    return build.graph


def loaders_with_options_side_by_side(nodes: int) -> Graph:
    """Each with windows whose stride asks for the clip's length, and with FreeNoise."""
    build = Builder()
    windows = build.add("ADE_StandardUniformContextOptions", context_length=16, context_stride=2,
                        context_overlap=4, fuse_method="flat")  # fmt: skip
    settings = build.add("ADE_AnimateDiffSamplingSettings", noise_type="FreeNoise")
    for _ in range(nodes):
        build.sampled(build.loader(build.model, context_options=windows, sample_settings=settings))
    return build.graph


def mixed(nodes: int) -> Graph:
    """All that stands in files, one part behind the other, with reroutes and wires by name."""
    build = Builder()
    model = build.model
    while len(build.graph) < nodes:
        name = f"wire {len(build.graph)}"
        lora = build.add("ADE_AnimateDiffLoRALoader", name="pan.ckpt", strength=1.0)
        lora = build.add("Reroute", **{"": lora})
        lora = build.add(
            "ADE_AnimateDiffLoRALoader", name="zoom.ckpt", strength=1.0, prev_motion_lora=lora
        )
        windows = build.add("ADE_LoopedUniformContextOptions", context_length=16, context_stride=2,
                            context_overlap=4, closed_loop=True, fuse_method="flat")  # fmt: skip
        settings = build.add("ADE_AnimateDiffSamplingSettings", noise_type="FreeNoise")
        model = build.loader(
            build.wire(model, name),
            motion_lora=lora,
            context_options=windows,
            sample_settings=settings,
        )
        build.add("ADE_AnimateDiffUnload", model=model)
        clip = {"clip": [build.model[0], 1]}
        build.add("BatchPromptSchedule", text='"0": "a", "8": "b"', max_frames=0, **clip)
    return build.sampled(model)


def as_page(graph: Graph) -> dict[str, Any]:
    """Links by number, and values by name, as some packs save them."""
    nodes, links, leaving = [], [], {}
    for key, node in graph.items():
        sockets = []
        for name, value in node["inputs"].items():
            if isinstance(value, list):
                links.append([len(links) + 1, int(value[0]), value[1], int(key), len(sockets), "*"])
                sockets.append({"name": name, "type": "*", "link": len(links)})
                leaving.setdefault((value[0], value[1]), []).append(len(links))
        values = {name: v for name, v in node["inputs"].items() if not isinstance(v, list)}
        outputs = [
            {"name": "", "type": "*", "links": leaving.setdefault((key, slot), [])}
            for slot in range(2)
        ]
        nodes.append({"id": int(key), "type": node["class_type"], "pos": [0, 0], "mode": 0,
                      "inputs": sockets, "outputs": outputs, "widgets_values": values})  # fmt: skip
    return {"nodes": nodes, "links": links, "version": 0.4}


def both_formats(graph: Graph) -> list[dict[str, Any]]:
    """The same workflow for a server and from the page."""
    return [graph, as_page(graph)]


def with_all_options() -> Graph:
    """A loader with everything that can be plugged into it, and most of what can into that."""
    build = Builder()
    add = build.add
    mask = add("LoadImageMask", image="mask.png", channel="red")
    values = add("ADE_ValueScheduling", values="0 = 0.5, 8: = 1.0, -1 = 1.5", max_length=64)
    number = add("ADE_MultivalDynamic", float_val=1.2, mask_optional=mask)
    listed = add("ADE_MultivalDynamicFloats", floats=[values[0], 1])
    scaled = add("ADE_MultivalScaledMask", min_float_val=0.5, max_float_val=2.0, mask=mask)
    plain = add("ADE_MultivalDynamic", float_val=0.7)
    key = add("ADE_AnimateDiffKeyframe", start_percent=0.0, effect_multival=plain)
    block = add("ADE_ADBlockCombo", effect=plain, scale=plain)
    views = add("ADE_StandardStaticViewOptions", view_length=8, view_overlap=2)
    stretch = add("ADE_AdjustPEManual", cap_initial_pe_length=16, interpolate_pe_to_length=24)
    weights = add("ADE_AdjustWeightIndivAttnMult", attn_MULT=1.1, attn_k_MULT=0.9)
    layer = add("ADE_NoiseLayerAdd", noise_weight=0.5, seed_offset=1, mask_optional=mask)
    cfg = add("ADE_CustomCFGKeyframeInterpolation", cfg_start=8.0, cfg_end=4.0, intervals=5)
    settings = add(
        "ADE_AnimateDiffSamplingSettings", noise_type="constant", seed_gen="auto1111",
        seed_override=[values[0], 2], custom_cfg=cfg,
        noise_layers=add("ADE_NoiseLayerAddWeighted", prev_noise_layers=layer),
        iteration_opts=add("ADE_IterationOptsFreeInit", iterations=3, filter="ideal"),
    )  # fmt: skip
    return build.sampled(
        build.loader(
            build.model, scale_multival=scaled, effect_multival=listed, sample_settings=settings,
            ad_keyframes=add("ADE_AnimateDiffKeyframe", start_percent=0.4, prev_ad_keyframes=key,
                             effect_multival=number, scale_multival=listed),
            per_block=add("ADE_PerBlock_SD15_MidLevel", down_1=block, up_2=block),
            ad_settings=add("ADE_AnimateDiffSettings", pe_adjust=stretch, weight_adjust=weights),
            context_options=add("ADE_StandardStaticContextOptions", context_length=32,
                                context_overlap=8, view_opts=views),
        )
    )  # fmt: skip


def options_in_chains(nodes: int) -> Graph:
    """One loader with as long a chain of everything that can be chained."""
    build = Builder()
    add = build.add
    values = add("ADE_ValueScheduling", values="0 = 0.5, 63 = 1.5", max_length=64)
    keys: dict[str, Any] = {}
    positions: dict[str, Any] = {}
    weights: dict[str, Any] = {}
    layers: dict[str, Any] = {}
    cfgs: dict[str, Any] = {}
    for number in range(nodes // 6):
        at = (number + 1) / nodes
        effect = add("ADE_MultivalDynamicFloats", floats=[values[0], 1])
        keys = {"prev_ad_keyframes": add("ADE_AnimateDiffKeyframe", start_percent=at,
                                         effect_multival=effect, **keys)}  # fmt: skip
        positions = {"prev_pe_adjust": add("ADE_AdjustPEManual", interpolate_pe_to_length=number,
                                           **positions)}  # fmt: skip
        weights = {"prev_weight_adjust": add("ADE_AdjustWeightAllMult", all_MULT=at, **weights)}
        layers = {"prev_noise_layers": add("ADE_NoiseLayerAdd", noise_weight=at, **layers)}
        cfgs = {"prev_custom_cfg": add("ADE_CustomCFGKeyframeSimple", cfg=8.0 * at,
                                       start_percent=at, **cfgs)}  # fmt: skip
    ends = [next(iter(chain.values())) for chain in (keys, positions, weights, layers, cfgs)]
    settings = add("ADE_AnimateDiffSamplingSettings", noise_layers=ends[3], custom_cfg=ends[4])
    adjusted = add("ADE_AnimateDiffSettings", pe_adjust=ends[1], weight_adjust=ends[2])
    return build.sampled(
        build.loader(
            build.model, ad_keyframes=ends[0], ad_settings=adjusted, sample_settings=settings
        )
    )


def loaders_with_settings_side_by_side(nodes: int) -> Graph:
    """Each with noise and a CFG of its own."""
    build = Builder()
    cfg = build.add("ADE_CustomCFGSimple", cfg=4.0)
    settings = build.add("ADE_AnimateDiffSamplingSettings", noise_type="constant", custom_cfg=cfg)
    for _ in range(nodes):
        build.sampled(build.loader(build.model, sample_settings=settings))
    return build.graph


def pipes_in_a_row(nodes: int) -> Graph:
    """A model and a latent through as long a chain of pipes, unpacked between loaders."""
    build = Builder()
    model = build.model
    for _ in range(nodes // 3):
        pipe = build.add("Context (rgthree)", model=model, latent=build.latent)
        pipe = build.add("Context (rgthree)", base_ctx=pipe)
        model = build.loader([pipe[0], 1], context_options=_strided(build))
        build.latent = [pipe[0], 6]
    return build.sampled(model)


def one_long_pipe(nodes: int) -> Graph:
    """Every loader takes its model from the far end of one chain of pipes."""
    build = Builder()
    pipe = build.add("ToBasicPipe", model=build.model)
    for _ in range(nodes // 2):
        pipe = build.add("EditBasicPipe", basic_pipe=pipe)
    model = build.add("FromBasicPipe", basic_pipe=pipe)
    for _ in range(nodes // 4):
        build.sampled(build.loader(model, context_options=_strided(build)))
    return build.graph


def _strided(build: Builder) -> list[Any]:
    return build.add("ADE_StandardUniformContextOptions", context_length=16, context_stride=2)


def subgraphs_in_a_row(nodes: int) -> dict[str, Any]:
    """Instances of one subgraph with a loader in it, one behind the other, on the page."""
    inside = as_page({
        "1": {"class_type": "ADE_AnimateDiffLoaderGen1",
              "inputs": {"model": ["-10", 0], "model_name": "a", "beta_schedule": "autoselect"}},
    })  # fmt: skip
    inside["links"] = [
        {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 1, "target_slot": 0, "type": "MODEL"},
        {"id": 2, "origin_id": 1, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "MODEL"},
    ]  # fmt: skip
    inside["nodes"][0]["outputs"][0]["links"] = [2]
    slot = {"name": "model", "type": "MODEL"}
    build = Builder()
    model = build.model
    for _ in range(nodes // 2):
        model = build.add("motion", model=model)
    page = as_page(build.sampled(model))
    definition = {**inside, "id": "motion", "inputs": [{**slot, "linkIds": [1]}],
                  "outputs": [{**slot, "linkIds": [2]}]}  # fmt: skip
    return {**page, "definitions": {"subgraphs": [definition]}, "extra": {}}


def camera_poses_in_a_chain(nodes: int) -> Graph:
    """Each behind the one before it, every other with another lens."""
    build = Builder()
    poses: dict[str, Any] = {}
    for number in range(nodes // 2):
        made = build.add("ADE_CameraPoseBasic", motion_type="Tilt Up", speed=1.0, frame_length=16,
                         **poses)  # fmt: skip
        lens = {"fx": 0.5 + number / nodes, "fy": 0.9, "cx": 0.5, "cy": 0.5}
        poses = {"prev_poses": build.add("ADE_ReplaceCameraParameters", poses=made, **lens)}
    load = build.add("ADE_LoadAnimateDiffModelWithCameraCtrl", model_name="a.ckpt", camera_ctrl="b")
    apply = build.add("ADE_ApplyAnimateDiffModelWithCameraCtrl", motion_model=load,
                      cameractrl_poses=poses["prev_poses"])  # fmt: skip
    return build.sampled(build.add("ADE_UseEvolvedSampling", model=build.model, m_models=apply))
