"""FreeNoise goes before the samplers."""

from .contexts import Windows
from .graph import ACTIVE, BYPASSED, Link, Node
from .noise import moved
from .options import Job
from .our_nodes import FREE_NOISE
from .samplers import Seed, adds_noise, latent_place, seed_of


def put_before(job: Job, settings: Node, sampler: Node, windows: Windows, active: bool) -> None:
    """Give a sampler's latent FreeNoise, by these windows."""
    place = latent_place(job.graph, sampler)
    latent = place and place[0].link(place[1])
    if place is None or latent is None:
        job.report.leave(settings, f"FreeNoise: {sampler} has no latent to put it before")
        return
    before = job.graph.origin(latent)
    if (
        place[0] is not sampler
        and before is not None
        and before.id in job.report.made.get(settings.id, ())
    ):
        return  # samplers that share a pipe share its latent
    if not adds_noise(job, sampler):
        job.report.note(f"{sampler} adds no noise, so it got no FreeNoise.")
        return
    seed = seed_of(job, sampler)
    if seed is None:
        job.report.note(f"{sampler}: its seed is not known; FreeNoise shuffles by seed 0.")
    seed = seed or Seed(0)
    if settings.mode == ACTIVE:
        seed = moved(job, settings, seed)
    inputs = {
        "samples": latent,
        "context_length": windows.length,
        "context_overlap": windows.overlap,
        "seed": seed.value,
        "schedule": "static",  # the paper's order, which is theirs whatever windows there are
    }
    ours = job.add(
        FREE_NOISE,
        inputs,
        settings,
        controls={"seed": seed.control},
        mode=ACTIVE if active else BYPASSED,
    )
    job.graph.set_input(*place, Link(ours.id, 0))
    job.report.replaced(settings, ours)
