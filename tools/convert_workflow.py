"""Rewrites a workflow made for ComfyUI-AnimateDiff-Evolved to our nodes.

    python -m tools.convert_workflow IN OUT.json
    python -m tools.convert_workflow --report FILE ...

IN is a workflow as JSON, of the page or in API format, or a picture or video that ComfyUI wrote:
PNG, WEBP, GIF, MP4, WEBM, MKV. With --report nothing is written: for each file it says what would
be converted and what would not; a .jsonl or .jsonl.gz has a workflow in every line.

Needs nothing but Python. Exit status: 0 all was converted, 2 something is left (OUT is written all
the same, and every such thing listed), 1 a file cannot be converted.
"""

import argparse
import gzip
import importlib
import io
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from tools import package

if TYPE_CHECKING:
    from convert.report import Conversion

CONVERTED, UNUSABLE, SOMETHING_LEFT = 0, 1, 2


class Unusable(Exception):
    """IN or OUT is not what it has to be."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Usually 2, which here says something else."""
        self.exit(UNUSABLE, f"{self.format_usage()}error: {message}\n")


def part(name: str) -> ModuleType:
    """A part of the package, which is imported under its own name, without a host."""
    if package.NAME not in sys.modules:
        package.register()
    return importlib.import_module(f"{package.NAME}.{name}")


def read(path: Path) -> Any:
    """What a file holds."""
    try:
        with path.open("rb") as file:
            return part("convert").read_file(file)
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}.") from error
    except part("motion.errors").AnimateDiffError as error:
        raise Unusable(f"{path}: {error}") from error


def write(path: Path, workflow: dict[str, Any]) -> None:
    try:
        text = json.dumps(workflow, indent=2, ensure_ascii=False) + "\n"
        path.write_text(text, encoding="utf-8", errors="backslashreplace")  # as JSON has it
    except OSError as error:
        raise Unusable(f"{path} cannot be written: {error.strerror}.") from error


def converted(workflow: Any) -> "Conversion":
    """What the package makes of it."""
    try:
        return part("convert").convert(workflow)
    except part("motion.errors").AnimateDiffError as error:
        raise Unusable(str(error)) from error


def each(path: Path) -> Iterator[tuple[str, Any]]:
    """The workflows in a file, by what they are called."""
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        try:
            with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as lines:
                for number, line in enumerate(lines, 1):
                    held = part("convert.containers").parsed(line)
                    graph = held.get("graph", held) if isinstance(held, dict) else held
                    name = held.get("id", number) if isinstance(held, dict) else number
                    yield f"{path}:{name}", graph
        except (OSError, EOFError) as error:
            raise Unusable(f"{path} cannot be read: {error}.") from error
        except part("motion.errors").AnimateDiffError as error:
            raise Unusable(f"{path}: {error}") from error
    else:
        yield str(path), read(path)


def show(result: "Conversion") -> None:
    for title, lines in result.sections():
        print(f"{title}:")
        for line in lines:
            print(f"  {line}")


def report(paths: list[Path]) -> int:
    """What would become of each workflow, and how many of all are whole."""
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for path in paths:
        try:
            for name, held in each(path):
                verdict, kinds = _reported(name, held)
                counts[verdict] += 1
                reasons.update(kinds)
        except Unusable as error:
            print(f"unusable   {path}")
            print(f"  {error}")
            counts["unusable"] += 1
    print(
        f"\n{sum(counts.values())} workflows: {counts['whole']} whole, {counts['left']} with ",
        end="",
    )
    print(f"something left, {counts['unusable']} that cannot be converted.")
    for kind, number in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])):
        print(f"  {number} with something left of {kind}")
    return UNUSABLE if counts["unusable"] else SOMETHING_LEFT if counts["left"] else CONVERTED


def _reported(name: str, held: Any) -> tuple[str, set[str]]:
    """One workflow's line, and those about what is left or good to know; the types left."""
    try:
        result = converted(held)
    except Unusable as error:
        print(f"unusable   {name}")
        print(f"  {error}")
        return "unusable", set()
    verdict = "whole" if result.whole else "left"
    print(f"{verdict:10} {name}: {len(result.converted)} converted, {len(result.left)} left")
    for title, lines in result.sections():
        for line in lines if lines is not result.converted else ():
            print(f"  {title.split(',')[0]}: {line}")
    return verdict, {entry.type for entry in result.left}


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(
        prog="python -m tools.convert_workflow",
        description="Rewrite a workflow of ComfyUI-AnimateDiff-Evolved for AnimateDiff Native.",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="write nothing: say of each FILE what will be converted and what will not",
    )
    parser.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="IN, a workflow as JSON, or a picture or video with one; and OUT, where the converted "
        "one is written. With --report any number of them, and of .jsonl or .jsonl.gz",
    )
    given = parser.parse_args(arguments)
    if given.report:
        return report(given.files)
    if len(given.files) != 2:
        parser.error("IN and OUT are needed, or --report")
    return rewrite(*given.files)


def rewrite(source: Path, target: Path) -> int:
    try:
        result = converted(read(source))
        write(target, result.workflow)
    except Unusable as error:
        print(f"error: {error}", file=sys.stderr)
        return UNUSABLE
    show(result)
    print(f"Written: {target}")
    return CONVERTED if result.whole else SOMETHING_LEFT


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # titles have signs that not every console has
    sys.exit(main())
