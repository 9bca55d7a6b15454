"""FizzNodes' schedules that give out the prompt, or the text, of one frame."""

from typing import Any

from .fizz_keys import fizz_keys, from_zero
from .fizz_nodes import BATCH_STRING
from .fizz_options import value
from .fizz_place import LINKED, both_sides, encoded, in_place, made
from .fizz_text import at_frame, has_formula
from .graph import Link, Node
from .host_nodes import HOST_TEXT
from .options import Job, is_number
from .prompt_text import Key, Unreadable, one_prompt, our_schedule


def one_frame(job: Job, node: Node, inputs: dict, keys: list[Key], frames: Any) -> None:
    """The host's node where that frame has a prompt as it is written, else a Prompt Schedule of
    one frame."""
    frame = value(job, node, "current_frame")
    known = frames if isinstance(frames, int) else None
    if not is_number(frame):
        if from_zero(keys)[1]:
            raise Unreadable("its current_frame is not in the file")
        total = {} if known is None else {"total_frames": known}
        part = {"frames": 1, "first_frame": frame, **total}
        made(job, node, inputs | {"text": our_schedule(keys), **part})
        return
    frame = int(frame) % known if known else int(frame)
    before, after = neighbours(keys, frame)
    if before.text == after.text and not inputs.keys() & LINKED:
        encoded(job, node, inputs, at_frame(before.text, frame, known))
        return
    pair = [before, after] if before.frame < after.frame else [before]
    pair, shift = from_zero(pair)
    total = max(known or 0, frame + 1) + shift
    part = {"frames": 1, "first_frame": frame + shift, "total_frames": total}
    made(job, node, inputs | {"text": our_schedule(pair), **part})


def neighbours(keys: list[Key], frame: int) -> tuple[Key, Key]:
    """The keys that a frame is between; twice the same where it is at one, or behind all."""
    before = [key for key in keys if key.frame <= frame]
    after = [key for key in keys if key.frame >= frame]
    first, last = (before or after[:1])[-1], (after or before[-1:])[0]
    return (first, first) if first.frame == frame else (first, last)


def convert_string(job: Job, node: Node) -> None:
    """A schedule that gives out a prompt as a text."""
    text, frames = value(job, node, "text"), value(job, node, "max_frames")
    known = max(1, int(frames)) if is_number(frames) else None
    if not isinstance(text, str):
        raise Unreadable("its prompts are not in the file")
    keys = fizz_keys(job, node, text, known)
    frame = 0 if node.type == BATCH_STRING else value(job, node, "current_frame")
    constant = one_prompt(keys) and not has_formula(keys[0].text)
    if not constant and (node.type == BATCH_STRING or not is_number(frame)):
        raise Unreadable("a text by frame has no equivalent")
    if any(isinstance(value(job, node, name), Link) for name in ("pre_text", "app_text")):
        raise Unreadable("its pre_text or app_text is not in the file")
    frame = 0 if not is_number(frame) else int(frame) % known if known else int(frame)
    whole = at_frame(neighbours(keys, frame)[0].text, frame, known)
    in_place(job, node, HOST_TEXT, *({"value": side} for side in both_sides(whole)))
