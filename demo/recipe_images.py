"""How the files are made that condition the miniature world on pictures and on a camera."""

from dataclasses import replace

from animatediff_native.conditions.sparse_files import SparseKind
from animatediff_native.motion.load import load_motion_module
from animatediff_native.samplers.beta_schedule import BetaSchedule, set_beta_schedule
from animatediff_native.training.settings import Decay, TrainingSettings
from safetensors.torch import load_file

from . import camera, image_module, keyframed, models
from .recipe import Workshop

CLIPS = 192
MANY_PAIRS = 768  # of clips, the camera on opposite ways


def make_pia(shop: Workshop, name: str) -> None:
    """A motion module that begins with a picture; on the base model, without the adapter."""
    model = shop.unet()
    set_beta_schedule(model, BetaSchedule.LINEAR)
    data = image_module.data(shop.vae(), CLIPS, seed=61)
    settings = TrainingSettings(
        steps=450, learning_rate=8e-4, seed=71, clips_per_step=2, warm_up=30,
        decay=Decay.COSINE, ema=0.99,
    )  # fmt: skip
    module = load_motion_module(shop.file("motion"))
    hooks = shop.supervised(name, settings.steps)
    models.save_weights(image_module.train(model, module, data, settings, hooks), shop.file(name))


def make_camera_begun(shop: Workshop, name: str) -> None:
    _make_camera(shop, name, 700, seed=62)


def make_camera_longer(shop: Workshop, name: str) -> None:
    _make_camera(shop, name, 1400, seed=66, after="camera_begun")


def make_camera_longest(shop: Workshop, name: str) -> None:
    """With other clips again: each training left the camera surer of its way."""
    _make_camera(shop, name, 1400, seed=68, after="camera_longer")


def make_camera_surer(shop: Workshop, name: str) -> None:
    """On many clips, in the strongest noise alone, where the way is decided."""
    _make_camera(
        shop, name, 1500, seed=80, after="camera_longest", pairs=MANY_PAIRS, least_timestep=850
    )


def make_camera(shop: Workshop, name: str) -> None:
    """How far it goes is decided later, too."""
    _make_camera(
        shop, name, 1400, seed=82, after="camera_surer", pairs=MANY_PAIRS, least_timestep=500
    )


def _make_camera(
    shop: Workshop,
    name: str,
    steps: int,
    seed: int,
    after: str | None = None,
    pairs: int = CLIPS // 2,
    least_timestep: int = 600,
) -> None:
    """A CameraCtrl for the motion module; where the camera goes is decided in strong noise."""
    model = shop.unet()
    set_beta_schedule(model, BetaSchedule.LINEAR)
    data = camera.data(shop.vae(), pairs, seed=seed)
    settings = TrainingSettings(
        steps=steps, learning_rate=3e-3, seed=seed + 10, clips_per_step=2, warm_up=30,
        decay=Decay.COSINE, ema=0.98, least_timestep=least_timestep,
    )  # fmt: skip
    module = load_motion_module(shop.file("motion"))
    begun = seed + 20 if after is None else load_file(shop.file(after))
    hooks = shop.supervised(name, settings.steps)
    found = camera.train(model, module, data, settings, begun, hooks)
    models.save_weights(found, shop.file(name))


def make_sparse_rgb_begun(shop: Workshop, name: str) -> None:
    _make_sparse(shop, name, SparseKind.RGB, seed=63)


def make_sparse_rgb(shop: Workshop, name: str) -> None:
    """Goes on with other clips, more slowly: where a shape is has to be right to a pixel or two."""
    _make_sparse(shop, name, SparseKind.RGB, seed=65, after="sparsectrl_rgb_begun")


def make_sparse_scribble(shop: Workshop, name: str) -> None:
    """Goes on from the one that is shown pictures: what is new are its first layers."""
    _make_sparse(shop, name, SparseKind.SCRIBBLE, seed=64, after="sparsectrl_rgb")


def _make_sparse(
    shop: Workshop, name: str, kind: SparseKind, seed: int, after: str | None = None
) -> None:
    """A SparseCtrl for the motion module; on the base model, without the adapter."""
    model = shop.unet()
    set_beta_schedule(model, BetaSchedule.LINEAR)
    data = keyframed.data(shop.vae(), CLIPS, seed, kind is SparseKind.SCRIBBLE)
    settings = TrainingSettings(
        steps=400, learning_rate=1.2e-3, seed=seed + 10, clips_per_step=2, warm_up=30,
        decay=Decay.COSINE, ema=0.99,
    )  # fmt: skip
    module = load_motion_module(shop.file("motion"))
    if after is None:
        networks = keyframed.first_networks(model, module, kind, seed + 20)
    else:
        networks = keyframed.networks_of(model, shop.file(after), kind, seed + 20)
    if kind is SparseKind.RGB and after is not None:
        settings = replace(settings, steps=250, learning_rate=5e-4, clips_per_step=3)
    hooks = shop.supervised(name, settings.steps)
    found = keyframed.train(model, module, networks, data, settings, hooks)
    models.save_weights(found, shop.file(name))
