"""FreeNoise: windows that share their noise, so that a long clip keeps one look.

Qiu et al., "FreeNoise", ICLR 2024, section 3.2, local noise shuffling: past the first window
every block of noise frames is a shuffled copy of the block one window earlier. A noise frame
that stands twice in one window makes two of its frames look alike, which shuffled blocks do
wherever windows do not begin on a multiple of the block.
"""

from enum import Enum

import torch

from ..motion.clip_part import clip_part
from .windows import WindowPlan

FRESH_BEYOND_A_WINDOW = 4  # one for this many frames of a window: see `safe_order`


class NoiseOrder(str, Enum):
    """For which windows an order of noise frames is made."""

    ANY = "any"
    STATIC = "static"


def noise_order(
    plan: WindowPlan, frames: int, order: NoiseOrder, seed: int, closed: bool = True
) -> list[int]:
    """For each frame the number of the noise frame that it starts from; 0, 1, 2 ... in a clip
    that is not longer than a window.

    closed: the end of the clip is laid out as its end. Without it the clip may go on, and its
    first frames get what they get in a longer one.
    """
    if frames <= plan.length:
        return list(range(frames))
    generator = torch.Generator().manual_seed(seed)
    if order is NoiseOrder.STATIC:
        block = plan.length - plan.overlap
        whole = frames if closed else frames + block  # the last block is cut off
        return shuffled_order(whole, plan.length, block, generator)[:frames]
    return safe_order(frames, plan, generator, closed)


def part_order(
    plan: WindowPlan, part: range, order: NoiseOrder, seed: int, total: int = 0
) -> list[int]:
    """The same for a part of a clip of `total` frames, as the whole clip has it. total 0: of a
    clip that ends with this part where that is the first, and that may go on where it is not."""
    whole = clip_part(len(part), None, part.start, total).whole
    closed = bool(total) or part.start == 0
    return noise_order(plan, whole, order, seed, closed)[part.start : part.stop]


def shuffled_order(frames: int, length: int, block: int, generator: torch.Generator) -> list[int]:
    """The paper's: n[i : i+s] = shuffle(n[i-L : i-L+s]) for i = L, L+s ...; at the end of the
    clip both sides are cut to what is left, which keeps the last window free of repeats."""
    order = list(range(length))
    while len(order) < frames:
        size = min(block, frames - len(order))
        source = order[len(order) - length :][:size]
        order += [source[i] for i in torch.randperm(size, generator=generator).tolist()]
    return order


def safe_order(
    frames: int, plan: WindowPlan, generator: torch.Generator, closed: bool = True
) -> list[int]:
    """Every frame takes a random noise frame that no window can show twice, where the clip is
    closed around the loop too.

    With the L noise frames of one window alone, the only such order repeats them unshuffled;
    L / 4 more give every frame a few to choose from. Where none is left, as where a loop
    closes, a fresh one is taken.
    """
    known = min(frames, plan.length + max(1, plan.length // FRESH_BEYOND_A_WINDOW))
    order = list(range(known))
    distances = {i * spacing for i in range(1, plan.length) for spacing in plan.spacings}
    for frame in range(known, frames):
        around = {frame - d for d in distances if d <= frame}
        if closed:
            around |= {(frame + sign * d) % frames for d in distances for sign in (-1, 1)}
        taken = {order[other] for other in around if other < len(order)}
        free = [noise for noise in range(known) if noise not in taken]
        if free:
            order.append(free[int(torch.randint(len(free), (), generator=generator))])
        else:
            order.append(known)
            known += 1
    return order
