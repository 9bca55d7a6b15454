"""How the files are made that edit clips of the miniature world."""

from animatediff_native.training.settings import Decay, TrainingSettings
from animatediff_native.training.trainer import Trainer
from safetensors.torch import load_file

from . import inpainted, models
from .conditioned import OfPictures
from .recipe import Workshop

STILLS = 3072


def make_unet_inpaint(shop: Workshop, name: str) -> None:
    """The base model goes on as one for inpainting; the motion module never sees it."""
    data = inpainted.data(shop.vae(), STILLS, seed=91)
    settings = TrainingSettings(
        steps=1200, learning_rate=4e-4, seed=101, clips_per_step=32, warm_up=50,
        decay=Decay.COSINE, ema=0.99,
    )  # fmt: skip
    model = models.unet_patcher(inpainted.widened(load_file(shop.file("unet"))))
    unet = model.model.diffusion_model.requires_grad_(True)
    predict = OfPictures(inpainted.InpaintingUNet(unet))
    trainer = Trainer(dict(unet.named_parameters()), predict, data, settings)
    hooks = shop.supervised(name, settings.steps)
    hooks["prepare"](trainer)
    trainer.run(on_step=hooks["on_step"])
    models.save_weights(trainer.result(), shop.file(name))
