"""Apple's devices have no float64: nothing of ours asks for it there.

A tensor on such a device is played by one that refuses what they refuse.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportIncompatibleMethodOverride=false

import ast
from pathlib import Path

import pytest
import torch
from animatediff_native.lora.compose import compress
from animatediff_native.lora.pairs import LowRank
from animatediff_native.samplers.beta_schedule import BetaSchedule, sigmas_of, timesteps_of
from animatediff_native.samplers.control_strength import FrameControlStrength
from animatediff_native.samplers.fuse import Fuse, shares
from animatediff_native.samplers.windows import WindowPlan

ROOT = Path(__file__).parents[2]
PACKAGES = ("motion", "conditions", "lora", "samplers", "training", "trajectories", "nodes")
OF_NUMBERS = {"betas"}  # made on the CPU out of numbers


class OnApple(torch.Tensor):
    """Whatever is computed of it is one of these too, until it comes to the CPU."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        with torch._C.DisableTorchFunctionSubclass():
            result = func(*args, **(kwargs or {}))
            if func is torch.Tensor.cpu:
                return result.as_subclass(torch.Tensor)
            if isinstance(result, tuple):
                return tuple(map(cls._on_device, result))
            return cls._on_device(result)

    @classmethod
    def _on_device(cls, result):
        if not isinstance(result, torch.Tensor):
            return result
        if result.dtype is torch.float64:
            raise TypeError("the MPS framework doesn't support float64")
        return result.as_subclass(cls)


def on_apple(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float().as_subclass(OnApple)


def test_the_stand_in_refuses_what_the_device_refuses():
    there = on_apple(torch.ones(3))
    for ask in (
        lambda: there.double(),
        lambda: there.to(torch.float64),
        lambda: there.detach().double(),
    ):
        with pytest.raises(TypeError, match="float64"):
            ask()
    assert there.detach().cpu().double().dtype is torch.float64


def test_timesteps_of_sigmas_on_the_device():
    for schedule in (BetaSchedule.LINEAR, BetaSchedule.SCALED_LINEAR):
        steps = timesteps_of(on_apple(sigmas_of(schedule)))
        assert steps is not None and steps.tolist() == list(range(1000))


def test_shares_of_windows_go_to_the_device():
    plan, latent = WindowPlan(4, 2), on_apple(torch.zeros(8, 4, 2, 2))
    for fuse in Fuse:
        for share in shares(fuse, plan.windows(8), 8, plan):
            assert share.to(latent).dtype is torch.float32


def test_a_pair_on_the_device_becomes_a_smaller_one():
    pair = LowRank(on_apple(torch.randn(4, 8)), on_apple(torch.randn(8, 4)))
    small = compress({"key": pair}, 2)
    assert small.pairs["key"].rank == 2 and 0 < small.relative_error < 1


def test_control_strengths_beside_a_tensor_on_the_device():
    hint = on_apple(torch.ones(4, 1, 2, 2))
    assert FrameControlStrength([0.5, 1.0]).beside(hint).dtype is torch.float32


def test_float64_is_asked_for_on_the_cpu_only():
    """`.double()` and `.to(float64)` stand behind `.cpu()`."""
    wrong = []
    for path in (path for package in PACKAGES for path in (ROOT / package).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            call = ast.unparse(node)
            doubles = node.func.attr == "double" or (node.func.attr == "to" and "float64" in call)
            of = ast.unparse(node.func.value)
            if doubles and ".cpu()" not in of and of not in OF_NUMBERS:
                wrong.append(f"{path.name}:{node.lineno} {call}")
    assert wrong == []
