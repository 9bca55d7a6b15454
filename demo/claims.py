"""The claims of the AnimateDiff paper, measured on sampled clips of the miniature world.

    python -m demo.claims [--folder FOLDER] [--seeds 32] [--again] [CLAIM ...]      (make claims)

What was measured is kept beside the weights, claim by claim, so that a stopped run goes on; the
table is written into docs/miniature.md.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tools.paths import REPO

from .miniature import FOLDER, enter_host
from .schedule import StageFailed, run_all, start_module

PAGE = REPO / "docs" / "miniature.md"
BEGIN, END = "<!-- claims: written by `make claims` -->", "<!-- end of claims -->"
SEEDS = 32


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.claims", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("claim", nargs="*", help="names of claims; all by default")
    parser.add_argument("--here", action="store_true", help="in this process, without the table")
    parser.add_argument("--again", action="store_true", help="measure them again")
    chosen = parser.parse_args()
    enter_host()
    from .measure import CLAIMS

    kept = {name: chosen.folder / "claims" / f"{name}.json" for name in CLAIMS}
    unknown = sorted(set(chosen.claim) - set(CLAIMS))
    if unknown:
        sys.exit(f"error: no claim named {', '.join(unknown)}; there are {', '.join(CLAIMS)}")
    asked = chosen.claim or list(CLAIMS)
    (chosen.folder / "claims").mkdir(exist_ok=True)
    if chosen.here:
        for name in asked:
            _measure(chosen.folder, chosen.seeds, name, kept[name])
        return
    open_ones = [name for name in asked if chosen.again or not kept[name].is_file()]
    _measure_all(chosen.folder.resolve(), chosen.seeds, open_ones)
    rows = {name: json.loads(file.read_text()) for name, file in kept.items() if file.is_file()}
    table = as_table({claim.title: rows.get(name) for name, claim in CLAIMS.items()}, _in_page())
    _put_in_page(table)
    print(table)
    missed = [row for found in rows.values() for row in found if not row[3]]
    sys.exit(f"{len(missed)} figures miss what they should reach" if missed else 0)


def _measure_all(folder: Path, seeds: int, names: list[str]) -> None:
    """A process per core: the models are too small to keep two cores busy."""
    options = "--here", "--folder", str(folder), "--seeds", str(seeds)

    def start(name: str, _threads: int):
        return start_module("demo.claims", *options, name, threads=1)

    try:
        run_all(dict.fromkeys(names, ()), (), os.cpu_count() or 1, start)
    except StageFailed as failure:
        sys.exit(f"error: {failure}")


def _measure(folder: Path, seeds: int, name: str, file: Path) -> None:
    from .measure import CLAIMS
    from .recipe import Workshop
    from .studio import Studio

    started = time.monotonic()
    rows = CLAIMS[name].measure(Studio(Workshop(folder)), seeds)
    file.write_text(json.dumps(rows, indent=1))
    print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)


def as_table(measured: Mapping[str, list | None], before: str = "") -> str:
    """Claims by title; what was not measured stays as it is in the table before."""
    kept = _rows_by_title(before)
    lines = ["| claim | figure | measured | to reach | |", "|---|---|---|---|---|"]
    for name, rows in measured.items():
        if rows is None:
            lines += kept.get(name, [])
            continue
        for index, (figure, value, target, reached) in enumerate(rows):
            mark = ("yes" if reached else "**no**") if target else ""
            lines.append(
                f"| {name if index == 0 else ''} | {figure} | {value} | {target} | {mark} |"
            )
    return "\n".join(lines) + "\n"


def _rows_by_title(table: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    title = ""
    for line in table.splitlines():
        title = line.split("|")[1].strip() or title
        found.setdefault(title, []).append(line)
    return found


def _in_page() -> str:
    return PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()


def _put_in_page(table: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{table}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
