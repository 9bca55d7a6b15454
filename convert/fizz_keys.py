"""The prompts of one of FizzNodes' schedules, with all that its node puts into them."""

from .fizz_nodes import WEIGHTS
from .fizz_options import value
from .fizz_text import NEGATIVE, PLACES, as_formula, fizz_schedule, has_formula, sides, with_weights
from .graph import Link, Node
from .options import Job, is_number
from .prompt_text import CHUNK, Key, Unreadable, chunks, foreign_mark, instruction
from .value_text import shown
from .values_of import FLOAT_OUTPUTS, numbers_from


def fizz_keys(job: Job, node: Node, text: str, frames: int | None) -> list[Key]:
    """Its keys; a negative prompt stands behind --neg. pre_text and app_text are in the prompts
    where they are in the file, else places for them."""
    found = ((name, value(job, node, name)) for name in ("pre_text", "app_text"))
    before, behind = (PLACES[name] if isinstance(at, Link) else str(at) for name, at in found)
    keys = _read(job, node, text, frames)
    weights = _weights(job, node, "".join([before, behind, *(key.text for key in keys)]))
    last = None if frames is None else frames - 1
    both = [
        [with_weights(side, weights, last) for side in sides(key.text, before, behind)]
        for key in keys
    ]
    _list_unlike(job, node, both)
    between = f" {NEGATIVE} "
    return [
        key._replace(text=between.join(texts) if texts[1] else texts[0])
        for key, texts in zip(keys, both, strict=True)
    ]


def _read(job: Job, node: Node, text: str, frames: int | None) -> list[Key]:
    """A text without any frame is one prompt: FizzNodes stops there."""
    if not set(text) & set('"{}:') or not text.strip(" ,\n"):
        what = "is empty" if not text.strip(" ,\n") else "names no frame"
        job.report.note(f"{node}: its text {what}, at which FizzNodes stops; it is one prompt now.")
        return [Key(0, text.strip())]
    try:
        keys = fizz_schedule(text, frames)
    except (OverflowError, RecursionError, ValueError):  # what JSON and Python have limits to
        raise Unreadable("its prompts cannot be read") from None
    if not keys:
        raise Unreadable("it has no prompts")
    return keys


def _list_unlike(job: Job, node: Node, both: list[list[str]]) -> None:
    """What Prompt Schedule makes of prompts in another way."""
    if mark := foreign_mark(side for texts in both for side in texts):
        job.report.leave(node, instruction(mark))
    if any(len(chunks(texts)) > 1 for texts in zip(*both, strict=True)):
        reason = f"it has prompts of more than {CHUNK} tokens beside shorter ones: FizzNodes puts"
        job.report.leave(node, f"{reason} zeros around these, Prompt Schedule repeats them")


def _weights(job: Job, node: Node, prompts: str) -> dict[str, str]:
    """What stands for pw_a to pw_d in formulas: a number, or a formula of the frame."""
    found = {}
    for name in WEIGHTS:
        if name not in prompts:
            continue
        weight = value(job, node, name)
        if isinstance(weight, Link):
            numbers = numbers_from(job, weight, FLOAT_OUTPUTS)
            if numbers is None:
                raise Unreadable(f"{name} is not in the file")
            found[name] = as_formula(numbers)
        else:
            found[name] = shown(weight) if is_number(weight) else "0"
    return found


def from_zero(keys: list[Key]) -> tuple[list[Key], int]:
    """The keys moved so that none is before frame 0, and by how far. Prompts before the clip act
    through the last of them."""
    before = [key for key in keys if key.frame < 0]
    if not before:
        return keys, 0
    last = before[-1]
    kept = [last, *(key for key in keys if key.frame >= 0)]
    if any(has_formula(key.text) for key in kept):
        raise Unreadable(f"it has a prompt for frame {last.frame}, and formulas")
    return [key._replace(frame=key.frame - last.frame) for key in kept], -last.frame
