"""What newer pages fold away: never what a node cannot do without, and marked on every host."""

import pytest
from animatediff_native.nodes.advanced import FIELD, mark
from comfy_api.latest import io

from tools import locales

# What every user of a node has to see, or looks for.
BASIC = {
    "motion_module", "strength", "beta_schedule", "motion_lora", "keyframes", "context_length",
    "context_overlap", "text", "frames", "latent", "seed", "steps", "rank", "learning_rate",
    "augmentation", "images", "video_folder", "width", "height", "iterations", "kind", "cfg",
}  # fmt: skip
# Of nodes that know a size without them, where 0 leaves it.
KNOWN_BY_ITSELF = {
    "ADN_ClipCondition": {"width", "height"},
    "ADN_CameraControl": {"width", "height"},
}


def sent(schema):
    """By name, whether the page is told to fold the input away."""
    return {one.id: one.as_dict().get(FIELD, False) for one in schema.inputs}


@pytest.mark.parametrize("schema", locales.schemas(), ids=lambda schema: schema.node_id)
def test_what_is_folded_away(schema):
    marked = {name for name, told in sent(schema).items() if told}
    assert marked.isdisjoint(BASIC - KNOWN_BY_ITSELF.get(schema.node_id, set()))
    assert len(marked) < len(schema.inputs)


def test_a_host_without_the_mark_sends_it_all_the_same():
    class Older:
        def __init__(self):
            self.extra_dict = {}

    older = Older()
    mark(older)  # pyright: ignore[reportArgumentType]
    assert older.extra_dict == {FIELD: True}
    one = io.Float.Input("x")
    mark(one)
    assert one.as_dict()[FIELD] is True
