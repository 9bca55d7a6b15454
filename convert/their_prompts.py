"""The incumbent's schedules of prompts, in place of which Prompt Schedule stands."""

from typing import Any

from .fizz_text import as_formula
from .graph import Link, Node
from .options import Job, is_number
from .our_nodes import PROMPTS
from .prompt_clips import Part, frame_inputs, text_encoder
from .prompt_text import (
    Key,
    Unreadable,
    foreign_mark,
    instruction,
    one_prompt,
    our_schedule,
    seen,
    their_schedule,
)
from .texts import held_text, is_unsent
from .their_nodes import PROMPTS as THEIR_PROMPTS
from .their_nodes import PROMPTS_LATENTS
from .their_options import VALUES_REPLACE
from .values_of import FLOAT_OUTPUTS, numbers_from

INTERPOLATIONS = {"lerp": "compound", "slerp": "compound slerp"}
AROUND = (("prepend_text", "prefix"), ("append_text", "suffix"))
ANY_LENGTH = 1000  # to read a schedule for a clip whose length only its latent knows


def convert_theirs(job: Job, node: Node) -> None:
    """A schedule by frame. Where its text is another node's, ours reads it when it runs."""
    text = _value(job, node, "prompts")
    latents = node.link("latent") if node.type == PROMPTS_LATENTS else None
    frames = job.frames(latents) if latents else job.number(node, "max_length")
    frames = frames if isinstance(frames, int) and frames > 0 else None
    inputs: dict[str, Any] = {"clip": text_encoder(job, node)}
    numbers = _numbers(job, node)
    if isinstance(text, Link):
        if numbers:
            raise Unreadable("its prompts are not in the file, and numbers go into them")
        part = Part(frames, frames or 16, latents=latents)
        inputs |= _around(job, node) | frame_inputs(job, node, part, False) | {"text": text}
    else:
        text = _with_numbers(job, node, text or "", numbers)
        keys, added = _with_texts(
            _keys(text, frames or (ANY_LENGTH if latents else None)), _around(job, node)
        )
        least = max(key.frame for key in keys) + 1
        part = Part(None if latents else frames or least, least, latents=latents)
        constant = one_prompt(keys) and not numbers
        inputs |= added | frame_inputs(job, node, part, constant)
        if latents and frames is None and _is_relative(text):  # our node reads it as it is
            inputs |= {"text": text, "frames": 16} | _around(job, node)
        else:
            end = inputs["frames"] if "latent" not in inputs else frames
            inputs["text"] = our_schedule(seen(keys, end if isinstance(end, int) else None))
    _made(job, node, inputs, latents)


def _made(job: Job, node: Node, inputs: dict[str, Any], latents: Link | None) -> None:
    interpolation = INTERPOLATIONS.get(job.constant(node, "tensor_interp"), "compound")
    inputs |= {"interpolation": interpolation}
    made = job.graph.add(PROMPTS, inputs, node, title=job.title(node), mode=node.mode)
    outputs = {0: Link(made.id, 0)}
    if latents:
        outputs[1] = latents
        job.lengths = None  # a clip's latent may go on from here
    job.replace(node, outputs, made)


def _value(job: Job, node: Node, name: str) -> Any:
    """A text of a node: its own, or one that is connected."""
    value = job.value(node, name)
    if isinstance(value, Link):
        text = held_text(job.graph, value)
        return value if text is None else text
    return "" if name != "prompts" and is_unsent(node, name, "prompts") else value


def _around(job: Job, node: Node) -> dict[str, Any]:
    """The texts around all prompts, without the commas at their inner ends."""
    found: dict[str, Any] = {ours: _value(job, node, theirs) for theirs, ours in AROUND}
    for name, text in found.items():
        if isinstance(text, str):
            text = text.strip()
            while text.endswith(",") if name == "prefix" else text.startswith(","):
                text = (text[:-1] if name == "prefix" else text[1:]).strip()
            found[name] = text
    return {name: text for name, text in found.items() if text}


def _with_texts(keys: list[Key], around: dict[str, Any]) -> tuple[list[Key], dict[str, Any]]:
    """The texts around as inputs of our node, which puts a comma between; in the prompts themselves
    where the incumbent has it otherwise."""
    plain = all(key.text.strip(",") and key.text[0] != "," != key.text[-1] for key in keys)
    if plain or any(isinstance(text, Link) for text in around.values()):
        return keys, around
    before, behind = (around.get(name, "") for name in ("prefix", "suffix"))
    return [key._replace(text=_joined(before, key.text, behind)) for key in keys], {}


def _joined(before: str, text: str, behind: str) -> str:
    if before:
        text = f"{before}{text}" if text.startswith(",") else f"{before}, {text}"
    if behind:
        text = f"{text} {behind}" if text.endswith(",") else f"{text}, {behind}"
    return text


def _numbers(job: Job, node: Node) -> dict[str, str]:
    """What stands for each key in backticks: a number, or a formula of the frame."""
    found: dict[str, str] = {}
    origin = job.option(node, "values_replace")
    while origin is not None:
        key, floats = _value(job, origin, "value_key"), origin.link("floats")
        numbers = numbers_from(job, floats, FLOAT_OUTPUTS) if floats else None
        if origin.problem or origin.type != VALUES_REPLACE or not numbers or not key:
            raise Unreadable("numbers that values_replace puts into it are not in the file")
        formula = as_formula(numbers)
        constant = len(set(numbers)) == 1
        found.setdefault(f"`{key}`", str(float(numbers[0])) if constant else f"`{formula}`")
        origin = job.option(origin, "prev_replace")
    return found


def _with_numbers(job: Job, node: Node, text: str, numbers: dict[str, str]) -> str:
    """The prompts with these; what would mean something to our node alone is listed."""
    plain = text
    for key, number in numbers.items():
        plain, text = plain.replace(key, ""), text.replace(key, number)
    texts = [plain, *(each for each in _around(job, node).values() if isinstance(each, str))]
    mark = "`" if any("`" in each for each in texts) else foreign_mark(texts)
    if mark:
        job.report.leave(node, instruction(mark))
    return text


def _is_relative(text: str) -> bool:
    """Whether its frames count from the clip's length."""
    return [key.frame for key in _keys(text, ANY_LENGTH)] != [
        key.frame for key in _keys(text, 100 * ANY_LENGTH)
    ]


def _keys(text: str, frames: int | None) -> list[Key]:
    """What a schedule says. Python has limits to digits."""
    try:
        keys = their_schedule(text, frames)
    except (OverflowError, RecursionError, ValueError):
        raise Unreadable("its prompts cannot be read") from None
    if not keys:
        raise Unreadable("it has no prompts")
    return keys


def convert_extraction(job: Job, node: Node) -> None:
    """The prompt of one frame of a schedule: the same schedule, for that frame alone."""
    origin, index = job.graph.origin(node.link("conditioning")), job.number(node, "index")
    if origin is None or origin.type != PROMPTS or origin.raw is not None:
        which = " that was converted" if origin and origin.type == THEIR_PROMPTS else ""
        raise Unreadable(f"it takes its prompt from no schedule{which}")
    frames = origin.inputs.get("frames")
    if not is_number(index) or not isinstance(frames, int) or index >= frames:
        raise Unreadable("its index is not in the file, or beyond the schedule")
    inputs = {name: each for name, each in origin.inputs.items() if name != "latent"}
    first = int(index) + inputs.get("first_frame", 0)
    total = max(inputs.get("total_frames", 0), frames)
    inputs |= {"frames": 1, "first_frame": first, "total_frames": total}
    made = job.graph.add(PROMPTS, inputs, node, title=job.title(node), mode=node.mode)
    job.replace(node, {0: Link(made.id, 0)}, made)
