"""Nodes of the page and of packs that are only wires, and which part of one they are."""

REROUTE = "Reroute"
SET, GET = "SetNode", "GetNode"  # KJNodes: wires by name, that only the page knows
WIRES = (REROUTE, SET, GET)
_NAMED = {"easy setNode": SET, "easy getNode": GET}
_REROUTES = {"ReroutePrimitive|pysssss", "Reroute (rgthree)", "ConstrainReroute", "JWReroute"}


def wire_type(node_type: str) -> str:
    """The type of KJNodes or of the page for what is a wire in another pack; others as they are."""
    if node_type in _REROUTES or node_type.lower().startswith("reroute"):
        return REROUTE
    return _NAMED.get(node_type, node_type)
