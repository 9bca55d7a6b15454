"""The one exception that a user of the nodes can cause."""

from typing import Any


class AnimateDiffError(ValueError):
    """What the user gave cannot work: what was given, what was expected, what to do."""

    # The page shows a class with its module's path before the message, if it is of another module.
    __module__ = "builtins"

    def __init__(self, given: str, expected: str, remedy: str):
        super().__init__(f"{given}\nExpected: {expected}\nWhat to do: {remedy}")
        self.given = given
        self.expected = expected
        self.remedy = remedy

    def __reduce__(self) -> Any:
        return _again, (self.given, self.expected, self.remedy)


def counted(number: int, what: str) -> str:
    """`1 frame`, `16 frames`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _again(given: str, expected: str, remedy: str) -> AnimateDiffError:
    """For pickles, which do not find the class where it says that it is."""
    return AnimateDiffError(given, expected, remedy)
