"""Whether a file has every tensor that it should have, and no other."""

from collections.abc import Mapping

from .errors import counted
from .formats import StateDict, some

Shapes = Mapping[str, tuple[int, ...]]


def fault_of(tensors: StateDict, expected: Shapes) -> str | None:
    """What is wrong, as the end of a sentence about the file; None where nothing is."""
    missing = sorted(set(expected) - set(tensors))
    if missing:
        return f"it lacks {counted(len(missing), 'tensor')}: {some(missing)}"
    unknown = sorted(set(tensors) - set(expected))
    if unknown:
        return f"it has {counted(len(unknown), 'tensor')} of no known kind: {some(unknown)}"
    wrong = [
        f"{key} is {list(tensors[key].shape)}, not {list(shape)}"
        for key, shape in expected.items()
        if tuple(tensors[key].shape) != shape
    ]
    if wrong:
        return f"it has {counted(len(wrong), 'tensor')} of the wrong shape: {some(wrong)}"
    return None
