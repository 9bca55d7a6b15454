"""Makes torchvision importable beside a CPU build of torch, where its compiled part cannot load."""

import importlib.util
from pathlib import Path

NMS_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def ensure() -> None:
    """Declares the operators that importing torchvision looks up, if nothing else does.

    Call it before anything imports torchvision. The operators have no implementation:
    ComfyUI's core never calls them.
    """
    import torch

    found = importlib.util.find_spec("torchvision")
    if (
        found is None
        or not found.submodule_search_locations
        or _compiled_part_loads(found.submodule_search_locations[0])
    ):
        return
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            torch.library.define(f"torchvision::{name}", NMS_SCHEMA)


def _compiled_part_loads(package: str) -> bool:
    import torch

    libraries = sorted(path for path in Path(package).glob("_C*") if path.suffix in (".so", ".pyd"))
    if not libraries:
        return False
    try:
        torch.ops.load_library(libraries[0])
    except OSError:
        return False
    return True
