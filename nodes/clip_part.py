"""Inputs that say how long a clip is, and of which longer one it is a part."""

from comfy_api.latest import io

LONGEST_CLIP = 100_000  # frames: more than an hour


def frames_input(tooltip: str) -> io.Input:
    """Optional, so that a prompt with a latent runs without it; the page always sends it."""
    return io.Int.Input(
        "frames",
        default=16,
        min=1,
        max=LONGEST_CLIP,
        optional=True,
        tooltip=tooltip,
    )


def first_frame_input(what_for: str = "") -> io.Input:
    told = "For a long clip that is made in parts: the number of this part's first frame in the "
    return _frames("first_frame", f"{told}whole.{what_for}")


def total_frames_input(otherwise: str = "or its end.") -> io.Input:
    told = "How many frames all parts have together. 0: this clip is the whole, "
    return _frames("total_frames", told + otherwise)


def _frames(name: str, tooltip: str) -> io.Input:
    return io.Int.Input(name, default=0, min=0, max=LONGEST_CLIP, optional=True, tooltip=tooltip)


def part_inputs() -> list[io.Input]:
    return [
        io.Latent.Input(
            "latent",
            optional=True,
            tooltip="The clip's latent: its batch_size is the number of frames, whatever frames "
            "says.",
        ),
        first_frame_input(),
        total_frames_input(),
    ]
