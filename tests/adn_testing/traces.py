"""Photographs of what must not change: a model's modules, and the process around it."""

import sys

import torch


def model_trace(model) -> dict:
    """Everything about a model that a user of it could see: names, classes, hooks and bits."""
    base = model.model
    return {
        "modules": [(name, type(module), id(module)) for name, module in base.named_modules()],
        "hooks": [
            (name, len(module._forward_hooks), len(module._forward_pre_hooks))
            for name, module in base.named_modules()
        ],
        "instance": [(name, sorted(vars(module))) for name, module in base.named_modules()],
        "weights": {key: _fingerprint(tensor) for key, tensor in base.state_dict().items()},
        "patches": sorted(model.patches),
        "wrappers": {kind: sorted(map(str, keys)) for kind, keys in model.wrappers.items()},
        "options": sorted(model.model_options),
        "transformer_options": sorted(model.model_options["transformer_options"]),
    }


def _fingerprint(tensor: torch.Tensor) -> tuple:
    return tuple(tensor.shape), tensor.dtype, hash(tensor.cpu().contiguous().numpy().tobytes())


class ProcessTrace:
    """The attributes of every host and torch module and class that is loaded."""

    PREFIXES = ("comfy", "torch.nn", "torch.functional", "nodes", "execution", "einops")

    def __init__(self):
        self.before = self._attributes()

    def assert_unchanged(self) -> None:
        after = self._attributes()
        changed = [name for name, value in self.before.items() if after.get(name) != value]
        assert not changed, f"replaced: {changed[:10]}"

    def _attributes(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for name, module in list(sys.modules.items()):
            if module is None or not name.startswith(self.PREFIXES):
                continue
            for attribute, value in list(vars(module).items()):
                if isinstance(value, type):
                    for member, item in list(vars(value).items()):
                        if callable(item):
                            found[f"{name}.{attribute}.{member}"] = id(item)
                if callable(value):
                    found[f"{name}.{attribute}"] = id(value)
        return found
