"""Rewrites a workflow made for ComfyUI-AnimateDiff-Evolved to our nodes.

    python -m tools.convert_workflow IN.json OUT.json

Needs nothing but Python. Exit status: 0 all was converted, 2 something is left (OUT is written all
the same, and every such thing listed), 1 IN cannot be converted.
"""

import argparse
import importlib
import io
import json
import sys
from pathlib import Path
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


def read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Unusable(
            f"{path} is not text. From a picture or video made by ComfyUI, load it in the page and "
            "save the workflow."
        ) from error
    except json.JSONDecodeError as error:
        raise Unusable(
            f"{path} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from error
    except (RecursionError, ValueError) as error:  # deeper, or of more digits, than Python reads
        raise Unusable(f"{path} is not a workflow: {error}.") from error


def write(path: Path, workflow: dict[str, Any]) -> None:
    try:
        text = json.dumps(workflow, indent=2, ensure_ascii=False) + "\n"
        path.write_text(text, encoding="utf-8", errors="backslashreplace")  # as JSON has it
    except OSError as error:
        raise Unusable(f"{path} cannot be written: {error.strerror}.") from error


def converted(workflow: Any) -> "Conversion":
    """What the package makes of it, which is imported under its own name, without a host."""
    if package.NAME not in sys.modules:
        package.register()
    errors = importlib.import_module(f"{package.NAME}.motion.errors")
    convert = importlib.import_module(f"{package.NAME}.convert").convert
    try:
        return convert(workflow)
    except errors.AnimateDiffError as error:
        raise Unusable(str(error)) from error


def show(title: str, lines: list[Any]) -> None:
    if lines:
        print(f"{title}:")
    for line in lines:
        print(f"  {line}")


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(
        prog="python -m tools.convert_workflow",
        description="Rewrite a workflow of ComfyUI-AnimateDiff-Evolved for AnimateDiff Native.",
    )
    parser.add_argument("IN", type=Path, help="a workflow, of the page or in API format")
    parser.add_argument("OUT", type=Path, help="where the converted one is written")
    paths = parser.parse_args(arguments)
    try:
        result = converted(read(paths.IN))
        write(paths.OUT, result.workflow)
    except Unusable as error:
        print(f"error: {error}", file=sys.stderr)
        return UNUSABLE
    show("Converted", result.converted)
    show("Good to know", result.notes)
    show("Left, since it has no equivalent", result.left)
    print(f"Written: {paths.OUT}")
    return SOMETHING_LEFT if result.left else CONVERTED


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # titles have signs that not every console has
    sys.exit(main())
