"""Gradient checkpointing: activations are computed again in the backward pass, not kept
(Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost").

By hooks alone, so that no layer's `forward` is replaced: around a layer's call autograd is given a
number for each tensor that it would keep, and asks with that number in the backward pass.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from comfy.ldm.modules.attention import SpatialTransformer
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from .block import TemporalTransformer

LAYERS = (ResBlock, SpatialTransformer, TemporalTransformer)


@contextmanager
def checkpointed(
    modules: Iterable[nn.Module],
    layers: tuple[type[nn.Module], ...] = LAYERS,
    again: Callable[[], AbstractContextManager] = nullcontext,
    copied: bool = False,
) -> Iterator[None]:
    """The layers inside that keep the most, checkpointed; afterwards without our hooks.

    again: in which layers are computed again: no torch function mode that is on reaches a backward
    pass. copied: what autograd keeps of a layer is copied, for weights that may move meanwhile.
    """
    hooks = _Hooks(again, copied)
    with ExitStack() as undo:
        undo.callback(hooks.leave)  # newer hosts cancel with a BaseException, past always_call
        for module in modules:
            for layer in module.modules():
                if isinstance(layer, layers):
                    # first and last, so that the hooks of others run again with the layer
                    before = layer.register_forward_pre_hook(
                        hooks.enter, prepend=True, with_kwargs=True
                    )
                    undo.callback(before.remove)
                    after = layer.register_forward_hook(
                        lambda layer, _args, _result: hooks.leave(layer), always_call=True
                    )
                    undo.callback(after.remove)
        yield


class _Hooks:
    """Those of all layers; a layer inside another one, or computed again, is left alone."""

    def __init__(self, again: Callable[[], AbstractContextManager], copied: bool):
        self.again = again
        self.copied = copied
        self.inside: object = None
        self.scope = ExitStack()

    def enter(self, layer: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
        if self.inside is None and torch.is_grad_enabled():
            self.inside = layer
            call = _Call(self, layer, args, kwargs)
            self.scope.enter_context(saved_tensors_hooks(call.pack, call.unpack))

    def leave(self, layer: nn.Module | None = None) -> None:
        """After this layer; None: after whichever it was."""
        if layer is None or layer is self.inside:
            self.inside = None
            self.scope.close()

    @contextmanager
    def off(self) -> Iterator[None]:
        """They do nothing, while a layer is computed again."""
        outer, self.inside = self.inside, self
        try:
            yield
        finally:
            self.inside = outer


class _Call:
    """One call of a layer, and what autograd would have kept of it, by number.

    Called again with the options that it was called with: the host writes into them, from layer to
    layer, in which block it is, and that decides which patches of attention apply.
    """

    def __init__(self, hooks: _Hooks, layer: nn.Module, args: tuple, kwargs: Mapping[str, Any]):
        self.hooks = hooks
        self.layer = layer
        self.args = _Arguments([*args, *kwargs.values()])
        self.names = list(kwargs)
        self.count = 0
        self.tensors: dict[int, torch.Tensor] = {}

    def pack(self, _tensor: torch.Tensor) -> int:
        self.count += 1
        return self.count - 1

    def unpack(self, number: int) -> torch.Tensor:
        """Each is asked for once and then no longer held."""
        if number not in self.tensors:
            self._compute_again()
        return self.tensors.pop(number)

    def _compute_again(self) -> None:
        found: list[torch.Tensor] = []
        values = self.args.as_they_were()
        first_named = len(values) - len(self.names)
        named = dict(zip(self.names, values[first_named:], strict=True))

        def collect(tensor: torch.Tensor) -> None:
            found.append(tensor.detach().clone() if self.hooks.copied else tensor.detach())

        with (
            self.hooks.off(),
            self.hooks.again(),
            torch.enable_grad(),
            saved_tensors_hooks(collect, lambda _: _never()),
        ):
            self.layer(*values[:first_named], **named)
        if len(found) != self.count:
            raise RuntimeError(
                f"{type(self.layer).__name__} computes something else in the backward pass: "
                f"{len(found)} tensors where there were {self.count}"
            )
        self.tensors = dict(enumerate(found))


class _Arguments:
    """What a layer was called with. Autograd holds the tensors: it notices when one is written
    into before it is needed again."""

    def __init__(self, values: list[Any]):
        self.rest = [_as_it_is(value) for value in values]
        self.places = [i for i, value in enumerate(values) if _can_be_saved(value)]
        tensors = [self.rest[i] for i in self.places]
        for i in self.places:
            self.rest[i] = None
        self.kept = _Kept.apply(torch.empty(0, requires_grad=True), *tensors)

    def as_they_were(self) -> list[Any]:
        values = [_as_it_is(value) for value in self.rest]
        for i, tensor in zip(self.places, self.kept.grad_fn.saved_tensors, strict=True):
            values[i] = tensor
        return values


class _Kept(torch.autograd.Function):
    """Saves tensors with their place in the graph; nothing comes back through it."""

    @staticmethod
    def forward(ctx, _anchor: torch.Tensor, *tensors: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(*tensors)
        return torch.empty(0)

    @staticmethod
    def backward(ctx, *gradients):
        raise AssertionError("nothing is computed from what was saved here")


def _can_be_saved(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and not value.is_inference()


def _never() -> torch.Tensor:
    raise AssertionError("there is no backward pass through what was computed again")


def _as_it_is(argument: Any) -> Any:
    return dict(argument) if isinstance(argument, dict) else argument
