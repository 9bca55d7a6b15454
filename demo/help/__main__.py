"""Draws the pictures of the help pages: `python -m demo.help [NODE ...]`, into web/docs/images.

Frames in them are those of the templates and of demo.studio_clips.
"""

import argparse

from tools.paths import REPO

from ..miniature import enter_host

FOLDER = REPO / "web" / "docs" / "images"
QUALITY = 80


def main() -> None:
    enter_host()
    from .pictures import PICTURES

    parser = argparse.ArgumentParser(prog="python -m demo.help", description=__doc__)
    parser.add_argument("node", nargs="*", default=list(PICTURES), help="ids; all by default")
    FOLDER.mkdir(exist_ok=True)
    for node in parser.parse_args().node:
        file = FOLDER / f"{node}.webp"
        PICTURES[node]().save(file, quality=QUALITY, method=6)
        print(f"{file.name}  ({file.stat().st_size / 1000:.0f} kB)", flush=True)


if __name__ == "__main__":
    main()
