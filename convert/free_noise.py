"""Sample settings: FreeNoise goes before the samplers, the rest is the sampler's own business."""

from collections.abc import Iterator

from .beta_schedules import KNOWN
from .contexts import STRIDED, Windows
from .graph import ACTIVE, BYPASSED, REROUTE, SET, Link, Node
from .options import Job
from .our_nodes import FREE_NOISE
from .their_nodes import SETTINGS, SIGMAS

MODEL_INPUTS = ("model", "guider", REROUTE)
SEEDS = ("seed", "noise_seed")
PLAIN, WANTED = "default", "FreeNoise"


def beta_from_settings(job: Job, loader: Node) -> str | None:
    """The name of the schedule that sample settings set in place of the loader's."""
    settings = job.option(loader, "sample_settings")
    sigmas = job.option(settings, "sigma_schedule") if settings else None
    if settings is None or sigmas is None:
        return None
    name = sigmas.inputs.get("beta_schedule")
    if sigmas.type != SIGMAS or name not in KNOWN:
        job.refuse_options(settings, "sigma_schedule")
        return None
    return name


def apply_settings(job: Job, loader: Node, model: Link, windows: Windows | None) -> None:
    """What sample settings ask for, at every sampler that a converted model leads to."""
    node = job.graph.origin(loader.link("sample_settings"))
    if node is None:
        return
    if node.type != SETTINGS or node.problem:
        job.report.drop(node, node.problem or "sample settings of this kind are not known")
        return
    if node.mode == ACTIVE:
        _refuse(job, node)
    if job.constant(node, "noise_type") != WANTED:
        if not job.report.knows(node):
            job.report.replaced(node)
        return
    if windows is None:
        job.report.note(f"{node}: FreeNoise does nothing without context options.")
        return
    samplers = list(samplers_behind(job, model))
    if not samplers:
        job.report.leave(node, "FreeNoise: no sampler was found to put it before")
    active = node.mode == loader.mode == windows.mode == ACTIVE
    for sampler in samplers:
        _put_before(job, node, sampler, windows, active)


def _refuse(job: Job, node: Node) -> None:
    noise = job.value(node, "noise_type")
    if noise not in (PLAIN, WANTED):
        job.report.leave(node, f"noise_type {noise!r} has no equivalent")
    job.refuse_values(node, "batch_offset", "seed_gen", "seed_offset", "adapt_denoise_steps")
    job.refuse_options(
        node,
        "noise_layers",
        "iteration_opts",
        "custom_cfg",
        "image_inject",
        "ancestral_opts",
        "noise_calib",
    )
    override = job.value(node, "seed_override")
    if isinstance(override, Link):
        job.report.leave(node, "seed_override is connected, and that has no equivalent")
    elif override:
        job.report.note(f"{node}: seed_override {override} was saved, but acts only if connected.")


def samplers_behind(job: Job, link: Link) -> Iterator[Node]:
    """Nodes with a latent to sample that a model leads to, through patches and guiders."""
    seen: set[str] = set()
    links = [link]
    while links:
        for node, name in job.graph.consumers(links.pop(0)):
            if node.id in seen or (name not in MODEL_INPUTS and node.type != SET):
                continue
            seen.add(node.id)
            if node.type == SET:
                links += [Link(get.id, 0) for get in job.graph.users(node)]
            elif "latent_image" in node.inputs or "latent_image" in node.sockets:
                yield node
            else:
                links += sorted({v for n in job.graph.users(node) for v in _from(n, node)})


def _from(user: Node, node: Node) -> list[Link]:
    return [v for v in user.inputs.values() if isinstance(v, Link) and v.node == node.id]


def _put_before(job: Job, settings: Node, sampler: Node, windows: Windows, active: bool) -> None:
    latent = sampler.link("latent_image")
    if latent is None:
        job.report.leave(settings, f"FreeNoise: {sampler} has no latent to put it before")
        return
    if sampler.inputs.get("add_noise", "enable") in ("disable", False):
        job.report.note(f"{sampler} adds no noise, so it got no FreeNoise.")
        return
    seeded = job.graph.origin(sampler.link("noise")) or sampler
    name = next((name for name in SEEDS if name in seeded.inputs), "")
    if not name:
        job.report.note(f"{sampler}: its seed is not known; FreeNoise shuffles by seed 0.")
    control = seeded.controls.get(name, "fixed")
    inputs = {
        "samples": latent,
        "context_length": windows.length,
        "context_overlap": windows.overlap,
        "seed": seeded.inputs.get(name, 0),
        # theirs is the order of the paper, which repeats noise inside moving windows
        "schedule": "static" if windows.schedule == "static" else "any",
        "context_stride": windows.stride if windows.schedule in STRIDED else 1,
    }
    ours = job.graph.add(
        FREE_NOISE,
        inputs,
        settings,
        controls={"seed": control},
        mode=ACTIVE if active else BYPASSED,
    )
    sampler.inputs["latent_image"] = Link(ours.id, 0)
    job.report.replaced(settings, ours)
