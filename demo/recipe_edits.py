"""How the files are made that edit clips of the miniature world."""

from animatediff_native.training.settings import Decay, TrainingSettings
from safetensors.torch import load_file

from . import inpainted, models
from .conditioned import OfPictures
from .recipe import Workshop, train_net

STILLS = 3072


def make_unet_inpaint(shop: Workshop, name: str) -> None:
    """The base model goes on as one for inpainting; the motion module never sees it."""
    data = inpainted.data(shop.vae(), STILLS, seed=91)
    settings = TrainingSettings(
        steps=1200, learning_rate=4e-4, seed=101, clips_per_step=32, warm_up=50,
        decay=Decay.COSINE, ema=0.99,
    )  # fmt: skip
    model = models.unet_patcher(inpainted.widened(load_file(shop.file("unet"))))
    unet = model.model.diffusion_model
    predict = OfPictures(inpainted.InpaintingUNet(unet))
    train_net(shop, name, unet, predict, data, settings)
