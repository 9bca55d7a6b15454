"""A number for some of the temporal blocks, as text: `up.1: 0.5, mid: 0`."""

from collections.abc import Iterator, Mapping

from .config import DOWN_LEVELS, DOWN_SITES, UP_LEVELS, UP_SITES, MotionConfig, Site, sd15_sites
from .errors import AnimateDiffError
from .keyed_text import Entry, NoEntry, by_commas, quote
from .keyframes import is_number

EXPECTED = (
    f"block: value. Blocks are down, mid and up; down.0 to down.{DOWN_LEVELS - 1} and up.0 to "
    f"up.{UP_LEVELS - 1}; down.0.0 to down.{DOWN_LEVELS - 1}.{DOWN_SITES - 1} and up.0.0 to "
    f"up.{UP_LEVELS - 1}.{UP_SITES - 1}"
)


def read_block_factors(text: str) -> dict[str, float]:
    """Factor by block; AnimateDiffError for other text and for blocks that there are not."""
    known = {name for site in sd15_sites(mid_block=True) for name in _names(site)}
    found: dict[str, float] = {}
    try:
        for entry in by_commas(text):
            name = entry.at.lower()
            if name not in known:
                raise _wrong(entry, f"names no block: {quote(entry.at)}")
            if not is_number(entry.value):
                raise _wrong(entry, "has no number")
            if name in found:
                raise _wrong(entry, "names a block a second time")
            found[name] = float(entry.value)
    except NoEntry as problem:
        raise _wrong(problem, f"cannot be read: {problem.why}") from problem
    return found


def require_blocks(factors: Mapping[str, float], config: MotionConfig, file: str) -> None:
    """AnimateDiffError for a block that a motion module is too small for. The mid block, which only
    some versions have, is let pass."""
    there = {"mid", *(name for site in config.sites for name in _names(site))}
    missing = [name for name in factors if name not in there]
    if missing:
        raise AnimateDiffError(
            f"blocks of Motion Strength names {missing[0]}, and '{file}' has no such block.",
            f"blocks of its {config.levels} levels: 0 to {config.levels - 1}",
            f"take {', '.join(missing)} out of blocks in Motion Strength.",
        )


def factor_of(factors: Mapping[str, float], site: Site) -> float:
    """Of one block: what its most exact name says, 1 where none is there."""
    return next((factors[name] for name in _names(site) if name in factors), 1.0)


def _names(site: Site) -> Iterator[str]:
    """The most exact first."""
    if site.block != "mid":
        yield f"{site.block}.{site.level}.{site.index}"
        yield f"{site.block}.{site.level}"
    yield site.block


def _wrong(where: Entry | NoEntry, problem: str) -> AnimateDiffError:
    given = f"line {where.line} of blocks, {quote(where.raw)}, {problem}."
    return AnimateDiffError(given, EXPECTED, "correct that line.")
