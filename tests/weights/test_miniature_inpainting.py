"""The miniature's inpainting model: the host's format, begun as the model that it is made of."""

import pytest
import torch
from animatediff_native.training.settings import TrainingSettings
from animatediff_native.training.trainer import Trainer
from safetensors.torch import load_file

from demo import inpainted, models
from demo.conditioned import OfPictures
from demo.graphs import WEIGHTS, is_there
from demo.recipe import Workshop

pytestmark = pytest.mark.skipif(not is_there(), reason="no trained weights: make miniature")
CONTEXT = torch.zeros(2, 4, 32)


@pytest.fixture(scope="module")
def shop() -> Workshop:
    return Workshop(WEIGHTS)


@pytest.fixture(scope="module")
def begun(shop):
    return models.unet_patcher(inpainted.widened(load_file(shop.file("unet"))))


def test_the_host_knows_it_as_a_model_for_inpainting(begun, shop):
    assert begun.model.concat_keys == ("mask", "masked_image")
    assert shop.unet().model.concat_keys == ()


def test_it_begins_as_the_model_that_it_is_made_of(begun, shop):
    noisy, shown = torch.randn(2, 4, 8, 8), torch.randn(2, 5, 8, 8)
    t = torch.tensor([700, 20])
    wide = begun.model.diffusion_model(torch.cat([noisy, shown], dim=1), t, context=CONTEXT)
    plain = shop.unet().model.diffusion_model(noisy, t, context=CONTEXT)
    torch.testing.assert_close(wide, plain, atol=1e-5, rtol=1e-5)


def test_training_shows_it_masks_and_pictures_without_what_is_made(begun, shop):
    data = inpainted.data(shop.vae(), 8, seed=1)
    assert data.conditions.shape == (8, 1, 5, 8, 8)
    unet = models.unet_patcher(inpainted.widened(load_file(shop.file("unet"))))
    weights = dict(unet.model.diffusion_model.requires_grad_(True).named_parameters())
    predict = OfPictures(inpainted.InpaintingUNet(unet.model.diffusion_model))
    settings = TrainingSettings(steps=2, learning_rate=1e-3, clips_per_step=4)
    trainer = Trainer(weights, predict, data, settings)
    trainer.run()
    assert all(torch.isfinite(torch.tensor(trainer.losses)))
    assert (weights[models.FIRST_LAYER][:, 4:] != 0).any()
