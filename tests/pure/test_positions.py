"""The position table against the formula, evaluated one number at a time."""

import math

import pytest
from animatediff_native.motion.positions import sinusoidal_positions


@pytest.mark.parametrize(("length", "channels"), [(24, 32), (32, 320), (64, 1280)])
def test_closed_form(length, channels):
    table = sinusoidal_positions(length, channels)
    assert table.shape == (1, length, channels)
    for p in (0, 1, length - 1):
        for i in (0, 1, channels // 2 - 1):
            angle = p * 10000 ** (-2 * i / channels)
            # fp32 rounding of values up to 1
            assert table[0, p, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-7)
            assert table[0, p, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-7)
