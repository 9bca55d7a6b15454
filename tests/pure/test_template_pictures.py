"""The pictures of the template browser: small, moving, each of something else."""

from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageSequence

from tools import workflow

SIDE = 384  # pixels; the page shows them at 254
GREATEST, TOGETHER = 100_000, 2_000_000  # bytes
SMALL = 48  # pixels of what is compared
APART = 4.0  # of 255: the mean over all pixels and frames by which two differ at least
MOVED = 1.0  # the same between the frames of one


def file(name):
    return workflow.page_file(name, "jpg")


def frames(name) -> np.ndarray:
    """Four at even distances, small: [4, SMALL, SMALL, 3]."""
    with Image.open(file(name)) as picture:
        every = [
            np.asarray(frame.convert("RGB").resize((SMALL, SMALL)), dtype=np.float32)
            for frame in ImageSequence.Iterator(picture)
        ]
    return np.stack([every[round(at)] for at in np.linspace(0, len(every) - 1, 4)])


@pytest.mark.parametrize("name", workflow.TITLES)
def test_every_template_has_a_picture_that_moves(name):
    """Made by `python -m demo.template_pictures`. The page asks for NAME.jpg and shows what it is."""
    with Image.open(file(name)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (SIDE, SIDE))
        assert picture.n_frames >= 8
        assert picture.info["loop"] == 0  # for ever
    seen = frames(name)
    assert max(np.abs(a - b).mean() for a, b in combinations(seen, 2)) > MOVED


def test_they_are_small():
    sizes = {name: file(name).stat().st_size for name in workflow.TITLES}
    assert max(sizes.values()) <= GREATEST
    assert sum(sizes.values()) <= TOGETHER


def test_no_two_are_alike():
    seen = {name: frames(name) for name in workflow.TITLES}
    alike = {
        (one, other): round(float(np.abs(seen[one] - seen[other]).mean()), 1)
        for one, other in combinations(seen, 2)
        if np.abs(seen[one] - seen[other]).mean() < APART
    }
    assert alike == {}
