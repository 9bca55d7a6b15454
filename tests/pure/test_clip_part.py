"""How long a clip is, of a number or of its latent."""

import pytest
import torch
from animatediff_native.motion.clip_part import ClipPart, clip_part
from animatediff_native.motion.errors import AnimateDiffError

LATENT = {"samples": torch.zeros(24, 4, 8, 8)}


def test_a_latent_is_enough():
    assert clip_part(None, LATENT) == clip_part(16, LATENT) == ClipPart(24, 0, 24)
    assert clip_part(None, LATENT, 8, 48) == ClipPart(24, 8, 48)


def test_without_both_the_error_names_both_ways():
    with pytest.raises(AnimateDiffError, match=r"(?s)connect the clip's latent.*set frames"):
        clip_part(None)
