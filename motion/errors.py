"""The one exception that a user of the nodes can cause."""


class AnimateDiffError(ValueError):
    """What the user gave cannot work: what was given, what was expected, what to do."""

    def __init__(self, given: str, expected: str, remedy: str):
        super().__init__(f"{given}\nExpected: {expected}\nWhat to do: {remedy}")
        self.given = given
        self.expected = expected
        self.remedy = remedy
