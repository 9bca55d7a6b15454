"""Numbers by block: what is read, which name counts, and what is said of other text."""

import pytest
from animatediff_native.motion.block_factors import factor_of, read_block_factors
from animatediff_native.motion.config import Site
from animatediff_native.motion.errors import AnimateDiffError


def test_the_most_exact_name_counts():
    factors = read_block_factors("up: 0.5, up.1: 0.25\nUP.1.2: 2; " .replace(";", ","))
    assert factor_of(factors, Site("up", 0, 0)) == 0.5
    assert factor_of(factors, Site("up", 1, 0)) == 0.25
    assert factor_of(factors, Site("up", 1, 2)) == 2
    assert factor_of(factors, Site("down", 1, 1)) == 1
    assert factor_of(read_block_factors("mid: 0"), Site("mid", 0, 0)) == 0
    assert read_block_factors("") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("top: 1", "names no block: 'top'"),
        ("up.4: 1", "names no block"),
        ("down.0.2: 1", "names no block"),
        ("mid.0: 1", "names no block"),
        ("up: strong", "has no number"),
        ("up: 1\nup: 2", "line 2 .* a second time"),
        ("up 1", "cannot be read"),
    ],
)
def test_other_text(text, said):
    with pytest.raises(AnimateDiffError, match=said) as caught:
        read_block_factors(text)
    assert "down.3.1" in str(caught.value)
