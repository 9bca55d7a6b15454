"""What a conversion makes of sample settings of the incumbent."""

from animatediff_native.convert import convert

from .ade import as_graph
from .ade_graphs import Builder, both_formats

SETTINGS, SAMPLER = "ADE_AnimateDiffSamplingSettings", "KSampler"


def both(build: Builder, *, windows=None, **inputs):
    """Conversions of both formats of a graph with these sample settings, as (report, graph)."""
    settings = build.add(SETTINGS, **inputs)
    options = {"context_options": windows} if windows else {}
    graph = build.sampled(build.loader(build.model, sample_settings=settings, **options))
    found = [convert(given) for given in both_formats(graph)]
    for result in found:
        nodes = as_graph(result.workflow).values()
        assert not any(node["type"].startswith("ADE_") for node in nodes)
    return [(result, as_graph(result.workflow)) for result in found]
