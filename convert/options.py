"""Options of the incumbent's nodes: reading one, and saying which cannot be taken over."""

from dataclasses import dataclass, field
from typing import Any

from .graph import ACTIVE, Graph, Link, Node
from .report import Report
from .their_nodes import DEFAULTS, EMPTY_LATENT, MULTIVAL, is_theirs

STRONGEST = 2.0  # of Apply Motion Module, and of Load MotionLoRA
PASS_FRAMES = {  # the host's nodes that give out as many latents as they take, and by which input
    "LatentUpscale": "samples",
    "LatentUpscaleBy": "samples",
    "SetLatentNoiseMask": "samples",
    "ADN_FreeNoise": "samples",
    "KSampler": "latent_image",
    "KSamplerAdvanced": "latent_image",
}


@dataclass
class Job:
    """A conversion while it runs. made: nodes of ours by the id of the one that they stand for.
    samplers, latents, models: where walks to these ended, see Graph.follow. lengths: of all clips,
    once they were asked for."""

    graph: Graph
    report: Report
    made: dict[str, Node] = field(default_factory=dict)
    samplers: dict[Link, Link] = field(default_factory=dict)
    latents: dict[Link, Link] = field(default_factory=dict)
    models: dict[Link, Link] = field(default_factory=dict)
    lengths: set[int] | None = None

    def replace(self, node: Node, outputs: dict[int, Link], *made: Node) -> None:
        """Take a node out. outputs: what its users take instead, by its outputs; made: the nodes of
        ours that stand for it."""
        for output, link in outputs.items():
            self.graph.relink(Link(node.id, output), link)
        self.report.replaced(node, *made)
        self.graph.remove(node)

    def value(self, node: Node, name: str) -> Any:
        """An option as the file has it, or its default."""
        return node.inputs.get(name, DEFAULTS.get(node.type, {}).get(name))

    def constant(self, node: Node, name: str) -> Any:
        """An option that must be known here; a connected one is reported, and its default taken."""
        value = self.value(node, name)
        if isinstance(value, Link):
            default = DEFAULTS.get(node.type, {}).get(name)
            self.report.leave(node, f"{name} is connected; {default!r} is used instead")
            return default
        return value

    def option(self, node: Node, name: str) -> Node | None:
        """The active node that an option comes from; of the bypassed, nothing arrives."""
        origin = self.graph.origin(node.link(name))
        return origin if origin is not None and origin.mode == ACTIVE else None

    def refuse_options(self, node: Node, *names: str) -> None:
        """List connected options that nothing of ours stands for."""
        for name in names:
            origin = self.option(node, name)
            if origin is not None:
                what = f"it was connected as {name} to {node}, and that has no equivalent"
                if is_theirs(origin.type):
                    self.report.drop(origin, what)
                else:
                    self.report.leave(node, f"{name} from {origin} has no equivalent")

    def refuse_values(self, node: Node, *names: str, why: str = "has no equivalent") -> None:
        """List values that are not the default and that nothing of ours stands for."""
        for name in names:
            value = self.value(node, name)
            if isinstance(value, Link) or value != DEFAULTS[node.type][name]:
                shown = "is connected, and that" if isinstance(value, Link) else f"{value!r}"
                self.report.leave(node, f"{name} {shown} {why}")

    def multival(self, node: Node, name: str) -> float | None:
        """The number that a multival is; 1 where there is none, None where it is not a number."""
        origin = self.option(node, name)
        if origin is None:
            return 1.0
        value = self.value(origin, "float_val")
        plain = origin.type == MULTIVAL and self.option(origin, "mask_optional") is None
        known = plain and not origin.problem and isinstance(value, (int, float))
        return float(value) if known else None

    def strength(self, node: Node) -> float:
        """Their effect is our strength, x + strength * (T(x) - x); their scale is another thing:
        it multiplies inside the temporal attention."""
        if self.multival(node, "scale_multival") != 1.0:
            self.refuse_options(node, "scale_multival")
        effect = self.multival(node, "effect_multival")
        if effect is None:
            self.refuse_options(node, "effect_multival")
        if effect == 0:
            self.report.note(
                f"{node}: with an effect of 0, Apply Motion Module leaves the model as it is, its "
                "noise schedule too."
            )
        return self.at_most(node, "effect_multival", 1.0 if effect is None else effect)

    def at_most(self, node: Node, name: str, value: float) -> float:
        """A strength that our nodes can have."""
        if value > STRONGEST:
            self.report.leave(node, f"{name} {value:g} is more than the {STRONGEST:g} possible")
        return min(value, STRONGEST)

    def frames(self, link: Link | None) -> int | None:
        """How many frames a latent has, where the file says so."""
        if link is None:
            return None
        node = self.graph.origin(self.graph.follow(link, self._through_frames, self.latents))
        if node is None or node.problem or node.type not in ("EmptyLatentImage", EMPTY_LATENT):
            return None
        size = node.inputs.get("batch_size", 1)
        return size if isinstance(size, int) else None

    def _through_frames(self, link: Link) -> Link | None:
        node = self.graph.origin(link)
        return node.link(PASS_FRAMES[node.type]) if node and node.type in PASS_FRAMES else None

    def clip_lengths(self) -> set[int]:
        """The lengths of all clips that are sampled, where the file says so."""
        if self.lengths is None:
            found = {self.frames(node.link("latent_image")) for node in self.graph.nodes.values()}
            self.lengths = {length for length in found if length is not None}
        return self.lengths

    def title(self, node: Node) -> str:
        """A title that the user gave; those of the incumbent end in its sign."""
        return "" if "🅐🅓" in node.title else node.title
