"""Workflows as the page saves them, built node by node, with subgraphs."""

from typing import Any

Out = tuple[Any, int]  # a node's id, and which output
INPUTS, OUTPUTS = -10, -20


class PageBuilder:
    """A workflow, or the inside of a subgraph. Inputs are (name, type), outputs of nodes their
    types; links are made by naming where they come from."""

    def __init__(self, first_id: int = 1) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.links: list[dict[str, Any]] = []
        self.subgraphs: list[dict[str, Any]] = []
        self.extra: dict[str, Any] = {}
        self.next = first_id

    def add(
        self,
        node_type: str,
        outputs: str = "",
        values: Any = None,
        mode: Any = 0,
        widgets: Any = (),
        properties: Any = None,
        **inputs: Any,
    ) -> int:
        """inputs: a type and what is linked, or None; widgets: which of them are widgets. Gives the
        new node's id."""
        key, self.next = self.next, self.next + 1
        node: dict[str, Any] = {
            "id": key, "type": node_type, "pos": [0, 0], "size": [200, 100], "flags": {}, "mode": mode,
            "order": key, "inputs": [], "properties": properties or {},
            "outputs": [{"name": kind, "type": kind, "links": []} for kind in outputs.split()],
        }  # fmt: skip
        if values is not None:
            node["widgets_values"] = values
        self.nodes.append(node)
        for name, (kind, origin) in inputs.items():
            socket = {"name": name, "type": kind, "link": None}
            if name in widgets:
                socket["widget"] = {"name": name}
            node["inputs"].append(socket)
            if origin is not None:
                slot = len(node["inputs"]) - 1
                socket["link"] = self.link(origin, (key, slot), kind)
        return key

    def link(self, origin: Out, target: Out, kind: str) -> int:
        number = len(self.links) + 1
        self.links.append({
            "id": number, "origin_id": origin[0], "origin_slot": origin[1],
            "target_id": target[0], "target_slot": target[1], "type": kind,
        })  # fmt: skip
        for node in self.nodes:
            if node["id"] == origin[0]:
                node["outputs"][origin[1]]["links"].append(number)
        return number

    def page(self) -> dict[str, Any]:
        links = [list(link.values()) for link in self.links]
        return {
            "last_node_id": self.next - 1, "last_link_id": len(links), "nodes": self.nodes,
            "links": links, "groups": [], "config": {}, "extra": self.extra, "version": 0.4,
            "definitions": {"subgraphs": self.subgraphs},
        }  # fmt: skip

    def subgraph(
        self, key: str, inputs: dict[str, str], outputs: dict[str, tuple[str, Out]]
    ) -> dict:
        """A definition: the links from its inputs are those from INPUTS."""
        slots = []
        for slot, (name, kind) in enumerate(inputs.items()):
            numbers = [
                link["id"] for link in self.links
                if (link["origin_id"], link["origin_slot"]) == (INPUTS, slot)
            ]  # fmt: skip
            slots.append({"id": f"in{slot}", "name": name, "type": kind, "linkIds": numbers})
        given = []
        for slot, (name, (kind, origin)) in enumerate(outputs.items()):
            number = self.link(origin, (OUTPUTS, slot), kind)
            given.append({"id": f"out{slot}", "name": name, "type": kind, "linkIds": [number]})
        return {
            "id": key, "version": 1, "name": key, "inputs": slots, "outputs": given,
            "inputNode": {"id": INPUTS, "bounding": [0, 0, 1, 1]},
            "outputNode": {"id": OUTPUTS, "bounding": [0, 0, 1, 1]},
            "nodes": self.nodes, "links": self.links, "widgets": [], "extra": {}, "groups": [],
            "state": {"lastNodeId": self.next - 1, "lastLinkId": len(self.links)},
        }  # fmt: skip


def sampled(build: PageBuilder, model: Out, latent: Out | None = None, seed: int = 7) -> int:
    """A KSampler of a model, on 32 empty latents where no latent is given."""
    latent = latent or (build.add("EmptyLatentImage", "LATENT", [512, 512, 32]), 0)
    return build.add(
        "KSampler", "LATENT", [seed, "fixed", 20, 7.0, "euler", "normal", 1.0],
        model=("MODEL", model), latent_image=("LATENT", latent),
    )  # fmt: skip


def checkpoint(build: PageBuilder) -> Out:
    return build.add("CheckpointLoaderSimple", "MODEL CLIP VAE", ["sd15.safetensors"]), 0


def static_windows(build: PageBuilder, length: Any = 16, **inputs: Any) -> Out:
    values = [length, 4, "pyramid", False, 0, 1]
    node = build.add("ADE_StandardStaticContextOptions", "CONTEXT_OPTIONS", values, **inputs)
    return node, 0


def loader(build: PageBuilder, model: Out | None, **options: Any) -> Out:
    values = ["mm_sd_v15_v2.ckpt", "autoselect"]
    inputs = {"model": ("MODEL", model), **options}
    return build.add("ADE_AnimateDiffLoaderGen1", "MODEL", values, **inputs), 0


def free_noise(build: PageBuilder) -> Out:
    values = [0, "FreeNoise", "comfy", 0, False]
    return build.add("ADE_AnimateDiffSamplingSettings", "SAMPLE_SETTINGS", values), 0
