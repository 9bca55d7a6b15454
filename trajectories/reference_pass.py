"""Calls of the model that are looked at, through the host's own path: windows, areas, ControlNets
and patches take part as they do in the run's other calls.

What the host takes for the model's prediction in such a pass is what was asked for in its place:
of the reference nothing, of the clip the gradient with respect to the latents that each call was
given. So windows are fused, and areas added up, as predictions are.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

import comfy.samplers
import torch
from comfy.ldm.modules.attention import attention_pytorch
from torch.autograd.graph import saved_tensors_hooks

from ..lora.uncompiled import uncompiled
from ..motion.application import applications
from ..motion.checkpointing import checkpointed
from ..samplers.context_handler import RUN_KEY, ContextWindows
from ..samplers.reference import Reference
from .ordinary_tensors import OrdinaryTensors, ordinary
from .reference_maps import Comparing, Enough, Noting, Observation, looking

WRAPPER = "model_function_wrapper"  # the host's name for it in a model's options
OVERRIDE = "optimized_attention_override"
OTHER_DEVICES = "multigpu_clones"  # whose weights are not those that are looked at
AFTER_SKIP = "input_block_patch_after_skip"
Call = Callable[..., torch.Tensor]


def passed(
    model: Any, conds: list, x: torch.Tensor, sigmas: torch.Tensor, model_options: dict, call: Call
) -> torch.Tensor:
    """One pass of conditionings over x [(clips F), C, h, w]. call(apply_model, x, sigmas, **c)
    stands in the place of every call of the model."""
    options = _options(model_options, call)
    return comfy.samplers.calc_cond_batch(model, [conds], x, sigmas, options)[0]


def _options(model_options: dict, call: Call) -> dict:
    """The run's, with this call; progress of windows is not told, nor are they given colours."""
    before = model_options.get(WRAPPER)

    def wrapper(apply_model: Call, args: dict[str, Any]) -> torch.Tensor:
        def called(x: torch.Tensor, t: torch.Tensor, **c: Any) -> torch.Tensor:
            return call(apply_model, x, t, **c)

        if before is not None:
            return before(called, args)
        return called(args["input"], args["timestep"], **args["c"])

    told = dict(model_options.get("transformer_options", {}))
    if RUN_KEY in told:
        told[RUN_KEY] = replace(told[RUN_KEY], progress=None)
    options = {**model_options, WRAPPER: wrapper, "transformer_options": told}
    options.pop(OTHER_DEVICES, None)
    handler = options.get("context_handler")
    if isinstance(handler, ContextWindows):
        options["context_handler"] = replace(handler, reference=Reference())
    return options


def note(
    apply_model: Call, x: torch.Tensor, sigmas: torch.Tensor, resolution: int, **c: Any
) -> Noting:
    """What the attention of a call does, at so many halvings of the latents' size."""
    noted = Noting(resolution)
    with torch.no_grad():
        _look(noted, apply_model, x, sigmas, c)
    return noted


def compare(
    model: Any,
    apply_model: Call,
    x: torch.Tensor,
    sigmas: torch.Tensor,
    maps: dict,
    resolution: int,
    **c: Any,
) -> Comparing:
    """How far a call is from the reference's maps, with the gradient for x.

    Autograd runs in the middle of the host's inference mode, on weights where they lie, and keeps
    the inputs of layers only.
    """
    c["transformer_options"] = _differentiable(c["transformer_options"], c.get("control"))
    patcher = model.current_patcher
    networks = [each.patcher(patcher) for each in applications(patcher)]
    modules = [model.diffusion_model, *(each.model for each in networks)]
    moving = any(map(_is_dynamic, (patcher, *networks)))
    with ExitStack() as scope:
        scope.enter_context(torch.inference_mode(False))
        scope.enter_context(torch.enable_grad())
        compared = Comparing(resolution, x=x.clone().requires_grad_(), maps=maps)
        scope.callback(compared.forget)
        sigmas, c = ordinary(sigmas), {name: ordinary(value) for name, value in c.items()}
        scope.enter_context(OrdinaryTensors())
        scope.enter_context(uncompiled())
        if moving:
            scope.enter_context(saved_tensors_hooks(torch.clone, lambda kept: kept))
        scope.enter_context(checkpointed(modules, again=OrdinaryTensors, copied=moving))
        _look(compared, apply_model, compared.x, sigmas, c)
        if compared.gradient is None:  # the call went on to its end
            compared.complete()
    return compared


def _is_dynamic(patcher: Any) -> bool:
    """Whether the host may move its weights while a call is under way."""
    return hasattr(patcher, "is_dynamic") and patcher.is_dynamic()


def _look(looked: Observation, apply_model: Call, x, sigmas, c: dict[str, Any]) -> None:
    with looking(looked), suppress(Enough):
        apply_model(x, sigmas, **c)


def _differentiable(transformer_options: dict, control: Any) -> dict:
    """Options of a call whose attention has a gradient, whichever kernel the host runs with, and
    whose kept tensors no ControlNet writes into: the host adds to what it holds for the way up."""
    options = {**transformer_options, OVERRIDE: _attention}
    if control is not None:
        patches = dict(options.get("patches", {}))
        patches[AFTER_SKIP] = [*patches.get(AFTER_SKIP, []), _copied]
        options["patches"] = patches
    return options


def _attention(_own: Callable, *args: Any, **kwargs: Any) -> torch.Tensor:
    return attention_pytorch(*args, **kwargs)


def _copied(h: torch.Tensor, _options: dict) -> torch.Tensor:
    return h.clone()
