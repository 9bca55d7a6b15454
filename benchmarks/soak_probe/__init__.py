"""A custom node pack for the soak's server alone: trouble inside the sampling, and GET /soak, which
says what the extension has left behind in this process."""

import ctypes
import gc
import threading
from collections import Counter
from contextlib import suppress

import psutil
import torch
from aiohttp import web
from comfy.model_patcher import ModelPatcher
from server import PromptServer

OURS = "animatediff"
SEEN_INSIDE: Counter[str] = Counter()  # what there was in a call: proof that it would be found
BEYOND_ALL_MEMORY = 2**48  # bytes: refused at once, whatever the system promises in advance


class SoakTrouble:
    """The model, with something that happens inside its UNet's second call."""

    CATEGORY, FUNCTION, RETURN_TYPES = "soak", "apply", ("MODEL",)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",), "kind": (["error", "memory"],)}}

    def apply(self, model, kind):
        model = model.clone()
        seen: set[float] = set()

        def happen(q, k, v, extra_options):
            seen.add(float(extra_options["sigmas"][0]))
            if not SEEN_INSIDE:
                SEEN_INSIDE.update(
                    slots=len(_slots(gc.get_objects())), keys=len(_keys(extra_options))
                )
            if len(seen) > 1 and kind == "memory":
                q.new_empty(BEYOND_ALL_MEMORY)
            elif len(seen) > 1:
                raise RuntimeError("trouble inside the UNet, as the soak wants it")
            return q, k, v

        model.set_model_attn1_patch(happen)
        return (model,)


@PromptServer.instance.routes.get("/soak")
async def soak(_request: web.Request) -> web.Response:
    return web.json_response(at_rest())


def at_rest() -> dict:
    """What there is after a collection: memory, and what bears the extension's name.

    resident: when the allocator has given back the pages that nothing is on; untrimmed: before.
    """
    for _ in range(2):
        gc.collect()
    untrimmed = psutil.Process().memory_info().rss
    with suppress(OSError, AttributeError):  # glibc alone has it
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    alive = gc.get_objects()
    ours = Counter(type(x).__qualname__ for x in alive if OURS in str(type(x).__module__))
    patchers = [x for x in alive if issubclass(type(x), ModelPatcher)]
    options = [x.model_options.get("transformer_options", {}) for x in patchers]
    return {
        "resident": psutil.Process().memory_info().rss,
        "untrimmed": untrimmed,
        "tensor bytes": sum(
            x.numel() * x.element_size() for x in alive if issubclass(type(x), torch.Tensor)
        ),
        "objects": len(alive),
        "kinds": dict(Counter(type(x).__qualname__ for x in alive)),
        "ours": dict(ours),
        "slots": _slots(alive),
        "keys": [key for each in options for key in _keys(each)],
        "seen inside": dict(SEEN_INSIDE),
        "wrappers": sum(_wrappers(x.wrappers) + _wrappers(o.get("wrappers", {}))
                        for x, o in zip(patchers, options, strict=True)),
        "threads": sorted(x.name for x in threading.enumerate()),
    }  # fmt: skip


def _slots(alive: list) -> list[str]:
    """Children of modules. By type(): isinstance() asks proxies, which wakes lazy modules."""
    modules = (x for x in alive if issubclass(type(x), torch.nn.Module))
    return [name for x in modules for name in x._modules if name.startswith(OURS)]


def _keys(options: dict) -> list[str]:
    return [key for key in map(str, options) if key.startswith(OURS)]


def _wrappers(by_kind: dict) -> int:
    return sum(len(_keys(keys)) for keys in by_kind.values())


NODE_CLASS_MAPPINGS = {"SoakTrouble": SoakTrouble}
