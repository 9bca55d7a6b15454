"""A seed that stays from run to run unless a user says otherwise."""

from typing import Any

from comfy_api.latest import io


def control_fixed(host: Any = io) -> Any:
    """For control_after_generate. Where a host cannot say which control a new node begins with, the
    page's web/our_nodes.js sets it."""
    control = getattr(host, "ControlAfterGenerate", None)
    return True if control is None else control.fixed
