"""The incumbent's names of noise schedules, in ours.

Trap: ComfyUI calls the truly linear schedule `sqrt_linear`, and `linear` the one that everybody
else calls scaled linear. The incumbent's names follow ComfyUI, ours do not.
"""

from typing import Any, NamedTuple

from .graph import Link, Node
from .our_nodes import AUTO, AVERAGE, KEEP, LCM_100, LINEAR, SCALED_LINEAR, SDXL_LINEAR
from .report import Report

AUTOSELECT, EXISTING = "autoselect", "use existing"


class Beta(NamedTuple):
    """Our choice, and whether ComfyUI's own node has to set LCM sampling first."""

    schedule: str
    lcm: bool = False


KNOWN = {
    AUTOSELECT: Beta(AUTO),
    EXISTING: Beta(KEEP),
    "sqrt_linear (AnimateDiff)": Beta(LINEAR),
    "linear (HotshotXL/default)": Beta(SCALED_LINEAR),
    "linear (default)": Beta(SCALED_LINEAR),  # its first name
    "lcm": Beta(KEEP, lcm=True),
    "lcm >> sqrt_linear": Beta(LINEAR, lcm=True),
    "avg(sqrt_linear,linear)": Beta(AVERAGE),
    "lcm avg(sqrt_linear,linear)": Beta(AVERAGE, lcm=True),
    "lcm[100_ots]": Beta(LCM_100),
    "linear (AnimateDiff-SDXL)": Beta(SDXL_LINEAR),
    "sqrt": Beta("sqrt"),
    "cosine": Beta("cosine"),
    "squaredcos_cap_v2": Beta("squaredcos_cap_v2"),
}


def is_lcm(module: Any) -> bool:
    """Whether a motion module's file is one of AnimateLCM, by its name."""
    return "lcm" in str(module).lower()


def beta_of(node: Node, name: Any, module: Any, report: Report) -> Beta:
    """The schedule of a loader that chose this name, for a motion module's file."""
    if name == AUTOSELECT and is_lcm(module):
        report.note(
            f"{node}: '{AUTOSELECT}' meant LCM sampling for '{module}', going by its name; "
            "ComfyUI's ModelSamplingDiscrete sets it now."
        )
        return KNOWN["lcm"]
    known = None if isinstance(name, Link) else KNOWN.get(name)
    if known is None:
        what = "a connected beta_schedule" if isinstance(name, Link) else f"beta_schedule '{name}'"
        report.leave(node, f"{what} has no equivalent; {AUTO} is used instead")
    return known or KNOWN[AUTOSELECT]
