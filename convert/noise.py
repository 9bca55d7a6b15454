"""Noise that sample settings ask for, drawn by nodes of ours before every sampler."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from .contexts import Windows
from .graph import Link, Node
from .options import Job
from .our_nodes import FRAME_NOISE, NOISE_LAYER, USE_NOISE
from .samplers import Seed, adds_noise, fixed_seed, seed_of
from .their_options import LAYER_ADD, LAYER_REPLACE, LAYER_SUM, LAYER_WEIGHTED
from .values_of import INT_OUTPUTS, Frames, numbers_from

MIXES = {
    LAYER_REPLACE: "replace",
    LAYER_ADD: "add",
    LAYER_WEIGHTED: "weighted",
    LAYER_SUM: "normalized",
}
PLAIN, CONSTANT, EMPTY, REPEATED = "default", "constant", "empty", "repeated_context"
SHUFFLED = "FreeNoise"  # what our FreeNoise does with whatever noise a sampler has
COMFY, PER_FRAME, EXISTING = "comfy", "auto1111", "use existing"
GPU = " [gpu]"
INDEPENDENT, BY_SEED = "independent", "seed per frame"  # kinds of Noise by Frame


class Draw(NamedTuple):
    """How one of their noises is drawn. frames: of the clip; windows: those that it repeats in."""

    node: Node
    kind: str
    generator: str
    frames: int | None
    windows: Windows | None


@dataclass(frozen=True)
class Plan:
    """Noise of sample settings, for any sampler."""

    job: Job
    settings: Node
    layers: list[Node]
    frames: int | None
    windows: Windows | None

    def draw(self, node: Node, generator: str) -> Draw:
        kind = self.job.constant(node, "noise_type")
        if node is self.settings and kind == SHUFFLED:
            kind = PLAIN
        return Draw(node, kind, generator, self.frames, self.windows)


def noise_plan(job: Job, settings: Node, frames: Frames, windows: Windows | None) -> Plan | None:
    """What sample settings ask for; None where a sampler's own noise is what they have."""
    layers = job.chain(settings, "noise_layers", "prev_noise_layers", MIXES)
    kind = job.value(settings, "noise_type")
    if kind == SHUFFLED and not seeds_given(job, settings):
        for layer in layers:
            job.report.drop(layer, "a layer over FreeNoise has no equivalent")
        layers = []
    if not layers and kind in (PLAIN, SHUFFLED) and drawn_as_ever(job, settings):
        return None
    return Plan(job, settings, layers, frames(), windows)


def drawn_as_ever(job: Job, settings: Node) -> bool:
    """Whether noise is drawn by the sampler's seed, as the host draws it."""
    offsets = [job.number(settings, name) for name in ("batch_offset", "seed_offset")]
    plain = job.value(settings, "seed_gen") == COMFY and not any(offsets)
    return plain and job.arrives(settings, "seed_override") is None


def seeds_given(job: Job, settings: Node) -> bool:
    """Whether every frame is given a seed, with which the incumbent forgets about kinds."""
    override = job.arrives(settings, "seed_override")
    return override is not None and numbers_from(job, override, INT_OUTPUTS) is not None


def use_noise(plan: Plan, sampler: Node) -> None:
    """Have a sampler start from this noise."""
    job = plan.job
    if not adds_noise(job, sampler):
        return
    custom = sampler.link("noise")
    model = sampler.link("model")
    seed = seed_of(job, sampler)
    if seed is None or (custom is None and model is None):
        missing = "its seed" if seed is None else "its model"
        job.report.leave(plan.settings, f"the noise of {sampler}, as {missing} is not known")
        return
    noise = _noise(plan, seed, custom)
    if custom is not None:
        job.graph.set_input(sampler, "noise", noise)
        return
    ours = job.add(USE_NOISE, {"model": model, "noise": noise}, plan.settings)
    job.graph.set_input(sampler, "model", Link(ours.id, 0))
    job.report.replaced(plan.settings, ours)


def _noise(plan: Plan, seed: Seed, own: Link | None) -> Link:
    """Their noise with its layers, of which the one nearest to the settings comes first."""
    job, settings = plan.job, plan.settings
    generator = str(job.constant(settings, "seed_gen"))
    plain = job.value(settings, "noise_type") == PLAIN
    if own is not None and plain and drawn_as_ever(job, settings):
        noise = own
    else:
        seed = moved(job, settings, seed)
        noise = _drawn(job, plan.draw(settings, generator), seed)
    for layer in plan.layers:
        override = str(job.constant(layer, "seed_gen_override"))
        draw = plan.draw(layer, generator if override == EXISTING else override)
        inputs: dict[str, Any] = {
            "noise": noise,
            "layer": _drawn(job, draw, moved(job, layer, seed.first())),
            "mix": MIXES[layer.type],
            "weight": job.number(layer, "noise_weight"),
            "balance": _balance(job, layer),
        }
        if (area := job.arrives(layer, "mask_optional")) is not None:
            inputs["area"] = area
        ours = job.add(NOISE_LAYER, inputs, layer, title=job.title(layer))
        job.report.replaced(layer, ours)
        noise = Link(ours.id, 0)
    return noise


def _balance(job: Job, layer: Node) -> Any:
    balance = job.number(layer, "balance_multiplier")
    if layer.type != LAYER_WEIGHTED or isinstance(balance, Link):
        return balance if layer.type == LAYER_WEIGHTED else 1.0
    if balance > 1:
        job.report.leave(layer, f"balance_multiplier {balance:g} is more than the 1 possible")
    return max(0.0, min(1.0, balance))


def moved(job: Job, node: Node, seed: Seed) -> Seed:
    """The seed of a sampler as these settings change it."""
    override = job.arrives(node, "seed_override")
    if override is not None:
        numbers = numbers_from(job, override, INT_OUTPUTS)
        held = job.number(node, "seed_override")
        seed = Seed(held) if numbers is None else Seed(0, frames=tuple(map(round, numbers)))
    offset = job.known_number(node, "seed_offset")
    higher = (fixed_seed(job, seed) if offset else seed).plus(int(offset))
    if higher is None:
        job.report.leave(node, f"seed_offset {offset} to a seed that is connected, or beyond all")
    return higher or seed


def _drawn(job: Job, draw: Draw, seed: Seed) -> Link:
    """Noise by Frame as near to theirs as there is; what it is not is reported."""
    inputs = _inputs(job, draw, seed)
    controls = {"seed": seed.control}
    ours = job.add(FRAME_NOISE, inputs, draw.node, controls=controls)
    job.report.replaced(draw.node, ours)
    return Link(ours.id, 0)


def _inputs(job: Job, draw: Draw, seed: Seed) -> dict[str, Any]:
    node = draw.node
    if seed.frames:
        return _by_seeds(job, draw, seed.frames)
    if draw.generator.endswith(GPU):
        job.report.leave(node, f"'{draw.generator}' drew on the GPU; noise is of the CPU here")
    offset = int(job.known_number(node, "batch_offset"))
    if draw.kind == EMPTY:
        return {"seed": seed.value, "kind": "none"}
    if draw.generator.removesuffix(GPU) == PER_FRAME:
        return _per_frame(job, draw, _offset(job, node, seed, offset))
    if offset:
        job.report.leave(node, f"batch_offset {offset} has no equivalent")
    length = draw.windows.length if draw.windows else None
    if draw.kind == REPEATED and length is not None:
        return {"seed": seed.value, "kind": "repeated", "context_length": length}
    return {"seed": seed.value, "kind": _kind(job, draw, INDEPENDENT)}


def _kind(job: Job, draw: Draw, plain: str) -> str:
    """Of a noise that does not need to know the windows."""
    if draw.kind not in (PLAIN, CONSTANT, REPEATED):
        job.report.leave(draw.node, f"noise_type {draw.kind!r} has no equivalent in a layer")
    return CONSTANT if draw.kind == CONSTANT else plain


def _offset(job: Job, node: Node, seed: Seed, offset: int) -> Seed:
    higher = (fixed_seed(job, seed) if offset else seed).plus(offset)
    if higher is None:
        job.report.leave(node, f"batch_offset {offset} to a seed that is connected, or beyond all")
    return higher or seed


def _per_frame(job: Job, draw: Draw, seed: Seed) -> dict[str, Any]:
    """Of a seed that grows by one from frame to frame."""
    length = draw.windows.length if draw.windows else None
    if draw.kind != REPEATED or length is None:
        return {"seed": seed.value, "kind": _kind(job, draw, BY_SEED)}
    if isinstance(seed.value, int) and isinstance(length, int) and draw.frames:
        each = [seed.value + frame % length for frame in range(draw.frames)]
        return _by_seeds(job, draw, each)
    job.report.leave(draw.node, "noise that repeats with a seed per frame: they are not known")
    return {"seed": seed.value, "kind": "repeated", "context_length": length}


def _by_seeds(job: Job, draw: Draw, seeds: Any) -> dict[str, Any]:
    """A seed for each frame of the clip."""
    if draw.frames and len(seeds) < draw.frames:
        job.report.leave(draw.node, f"{len(seeds)} seeds are too few for {draw.frames} frames")
    chosen = seeds[: draw.frames or len(seeds)]
    if draw.frames is None:
        job.report.note(f"{draw.node}: it has {len(seeds)} seeds; a clip needs one per frame.")
    if min(chosen) < 0:
        job.report.leave(draw.node, "seeds below 0 have no equivalent")
        chosen = [max(0, seed) for seed in chosen]
    return {"seed": chosen[0], "kind": BY_SEED, "seeds": ", ".join(map(str, chosen))}
