"""The pictures that the README and the registry's page show."""

from pathlib import Path

import numpy as np
from PIL import Image

DOCS = Path(__file__).parents[2] / "docs"
GREATEST = 1_500_000  # bytes


def test_the_readmes_picture_moves_and_ends_as_it_begins():
    """Made by `python -m demo.readme_picture`."""
    file = DOCS / "demo.webp"
    assert file.stat().st_size <= GREATEST
    with Image.open(file) as picture:
        assert picture.format == "WEBP" and picture.width == 720
        assert picture.info["loop"] == 0  # for ever
        below = []
        for at in (0, picture.n_frames // 2, picture.n_frames - 1):
            picture.seek(at)
            shown = np.asarray(picture.convert("RGB"), dtype=np.float32)
            below.append(shown[picture.height * 3 // 5 :])  # above, the last camera move ends
    first, middle, last = below
    assert np.abs(first - last).mean() < np.abs(first - middle).mean() / 2


def test_the_icon_and_the_banner_are_as_the_registry_wants_them():
    """Made by `python -m demo.icon`."""
    with Image.open(DOCS / "icon.png") as icon:
        assert icon.width == icon.height <= 400
    with Image.open(DOCS / "banner.png") as banner:
        assert banner.width * 9 == banner.height * 21
