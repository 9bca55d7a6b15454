"""A LoRA in training: pairs of small matrices that hook into frozen Linear layers."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from ..lora.pairs import LowRank


class TrainableLowRank(nn.Module):
    """down [rank, in] and up [out, rank] per name: W + up @ down.

    down ~ N(0, 1 / rank^2), up = 0, so that it begins as nothing (the reference's initialisation).
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], rank: int, seed: int):
        """shapes: [out, in] of the weights, by name."""
        super().__init__()
        self.names = list(shapes)
        self.rank = rank
        self.down = nn.ParameterList()
        self.up = nn.ParameterList()
        generator = torch.Generator().manual_seed(seed)
        with torch.inference_mode(False):  # in which the host runs nodes
            for out_features, in_features in shapes.values():
                down = torch.randn(rank, in_features, generator=generator) / rank
                self.down.append(nn.Parameter(down))
                self.up.append(nn.Parameter(torch.zeros(out_features, rank)))

    def take(self, pairs: Mapping[str, LowRank]) -> None:
        """Begin with these pairs, of this rank or a smaller one, instead of with nothing."""
        with torch.no_grad():
            for index, name in enumerate(self.names):
                pair = pairs.get(name)
                if pair is not None:
                    self.down[index][: pair.rank] = pair.down * pair.scale
                    self.up[index][:, : pair.rank] = pair.up

    def pairs(self, weights: Mapping[str, torch.Tensor] | None = None) -> dict[str, LowRank]:
        """The pairs by name; of these weights, in place of the module's own, if given."""
        state = self.state_dict() if weights is None else weights
        return {
            name: LowRank(
                state[f"down.{index}"].detach().float().cpu().clone(),
                state[f"up.{index}"].detach().float().cpu().clone(),
            )
            for index, name in enumerate(self.names)
        }

    @contextmanager
    def attached(self, layers: Mapping[str, nn.Module]) -> Iterator[None]:
        """The layers of these names with what their pairs add; afterwards as they were."""
        with ExitStack() as undo:
            for index, name in enumerate(self.names):
                hook = partial(_add, self.down[index], self.up[index])
                undo.callback(layers[name].register_forward_hook(hook).remove)
            yield


def _add(down: nn.Parameter, up: nn.Parameter, layer: nn.Module, args, output: torch.Tensor):
    (x, *_) = args
    return output + F.linear(F.linear(x, down.to(x.dtype)), up.to(x.dtype))
