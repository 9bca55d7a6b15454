"""How the miniature world is made, stage by stage, from seeds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from animatediff_native.lora.chain import LoraUse
from animatediff_native.lora.domain_adapter import with_domain_adapter
from animatediff_native.lora.load import load_motion_lora
from animatediff_native.lora.save import save_motion_lora
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.load import load_motion_module
from animatediff_native.samplers.beta_schedule import BetaSchedule, set_beta_schedule
from animatediff_native.training.augment import Augmentation
from animatediff_native.training.domain_adapter import DomainAdapterTraining
from animatediff_native.training.motion_lora import MotionLoraTraining
from animatediff_native.training.motion_module import MotionModuleTraining, new_motion_module
from animatediff_native.training.settings import Decay, TrainingSettings
from animatediff_native.training.trainer import Trainer
from comfy.taesd.taesd import TAESD
from safetensors.torch import load_file

from . import autoencoder, clips, control, hinted, models, stills, world
from .graphs import CAMERA_MOVES
from .stage import Progress

STILLS, STYLE_STILLS, HINTED_STILLS, VIDEOS = 8192, 2048, 4096, 384
SAVE_EVERY = 250  # steps between checkpoints
MOTION = TrainingSettings(
    steps=2400, learning_rate=8e-4, seed=45, clips_per_step=4, warm_up=100,
    decay=Decay.COSINE, ema=0.998,
)  # fmt: skip
CAMERA = {move: Augmentation(move.replace("_", " ")) for move in CAMERA_MOVES}


@dataclass(frozen=True)
class Workshop:
    """The folder that the files go to, and what the stages take from earlier ones."""

    folder: Path

    def file(self, name: str) -> Path:
        return self.folder / f"miniature_{name}.safetensors"

    def checkpoint(self, name: str) -> Path:
        return self.folder / f"{name}.checkpoint"

    def forget(self, name: str) -> None:
        """Remove a finished stage's checkpoint."""
        self.checkpoint(name).unlink(missing_ok=True)

    def vae(self) -> TAESD:
        vae = TAESD(latent_channels=4)
        vae.load_state_dict({k: v.float() for k, v in load_file(self.file("vae")).items()})
        return vae.requires_grad_(False)

    def unet(self, name: str = "unet"):
        return models.load_unet(self.file(name))

    def adapted(self):
        """The base model with the domain adapter, on AnimateDiff's schedule."""
        tensors = load_file(self.file("domain_adapter"))
        model = with_domain_adapter(self.unet(), tensors, "miniature_domain_adapter", 1.0)
        set_beta_schedule(model, BetaSchedule.LINEAR)
        return model

    def supervised(self, name: str, steps: int) -> dict[str, Callable]:
        """What a stage hands to its training: resume where a stopped run was, say how it goes,
        and save a checkpoint now and then."""
        checkpoint = self.checkpoint(name)
        progress = Progress(name, steps)

        def prepare(trainer: Trainer) -> None:
            if checkpoint.is_file():
                trainer.resume(checkpoint)
                progress.resume(trainer.step)

        def on_step(trainer: Trainer) -> None:
            progress.step(trainer.losses[-1])
            if trainer.step % SAVE_EVERY == 0:
                trainer.save(checkpoint)

        return {"prepare": prepare, "on_step": on_step}


def make_vae(shop: Workshop, name: str) -> None:
    autoencoder.train(shop.file(name), seed=1)


def make_unet(shop: Workshop, name: str) -> None:
    data = stills.stills(shop.vae(), STILLS, seed=21)
    settings = TrainingSettings(
        steps=4500, learning_rate=6e-4, seed=41, clips_per_step=32, warm_up=100,
        decay=Decay.COSINE, ema=0.998,
    )  # fmt: skip
    _train_unet(shop, name, models.unet_patcher(seed=31), data, settings)


def make_ink(shop: Workshop, name: str) -> None:
    """A personalised model by fine-tuning: dark colours on paper."""
    data = stills.stills(shop.vae(), STYLE_STILLS, seed=22, style=world.Style.INK)
    settings = TrainingSettings(
        steps=1200, learning_rate=2e-4, seed=42, clips_per_step=32, warm_up=50,
        decay=Decay.COSINE, ema=0.99,
    )  # fmt: skip
    _train_unet(shop, name, shop.unet(), data, settings)


def make_control(shop: Workshop, name: str) -> None:
    """A ControlNet for silhouettes, on the base model."""
    unet = shop.unet().model.diffusion_model
    data = hinted.data(shop.vae(), HINTED_STILLS, seed=27)
    settings = TrainingSettings(
        steps=1200, learning_rate=6e-4, seed=47, clips_per_step=16, warm_up=50,
        decay=Decay.COSINE, ema=0.99,
    )  # fmt: skip
    net = control.new(unet, seed=36)
    train_net(shop, name, net, hinted.ControlledUNet(unet, net), data, settings)


def _train_unet(shop: Workshop, name: str, model, data, settings: TrainingSettings) -> None:
    unet = model.model.diffusion_model
    train_net(shop, name, unet, stills.PlainUNet(unet), data, settings)


def train_net(shop: Workshop, name: str, net, predict, data, settings: TrainingSettings) -> None:
    net.requires_grad_(True)
    trainer = Trainer(dict(net.named_parameters()), predict, data, settings)
    hooks = shop.supervised(name, settings.steps)
    hooks["prepare"](trainer)
    trainer.run(on_step=hooks["on_step"])
    models.save_weights(trainer.result(), shop.file(name))


def make_dusk(shop: Workshop, name: str) -> None:
    """A personalised model by a LoRA: another palette."""
    data = stills.stills(shop.vae(), STYLE_STILLS, seed=23, style=world.Style.DUSK)
    settings = TrainingSettings(
        steps=900, learning_rate=2e-3, seed=43, clips_per_step=32, warm_up=50,
        decay=Decay.COSINE, ema=0.99,
    )  # fmt: skip
    training = DomainAdapterTraining(shop.unet(), data, 16, settings)
    models.save_weights(training.run(**shop.supervised(name, settings.steps)), shop.file(name))


def make_domain_adapter(shop: Workshop, name: str) -> None:
    model = shop.unet()
    set_beta_schedule(model, BetaSchedule.LINEAR)
    data = clips.videos(shop.vae(), VIDEOS // 4, seed=24)
    settings = TrainingSettings(
        steps=400, learning_rate=2e-3, seed=44, clips_per_step=32, warm_up=50,
        decay=Decay.COSINE, ema=0.99,
    )  # fmt: skip
    training = DomainAdapterTraining(model, data, 16, settings)
    models.save_weights(training.run(**shop.supervised(name, settings.steps)), shop.file(name))


def make_motion(shop: Workshop, name: str) -> None:
    train_motion(shop, name, MOTION, new_motion_module)


def train_motion(shop: Workshop, name: str, settings: TrainingSettings, new: Callable) -> None:
    """new: makes the module to begin with, as new_motion_module does."""
    model = shop.adapted()
    data = clips.videos(shop.vae(), VIDEOS, seed=25)
    module = new(model, shop.file(name).name, seed=35)
    training = MotionModuleTraining(model, module, data, settings)
    models.save_weights(training.run(**shop.supervised(name, settings.steps)), shop.file(name))


@dataclass(frozen=True)
class MotionLoraStage:
    """A MotionLoRA of the miniature world: what the camera does, how it is learnt, and from which
    earlier one it goes on."""

    name: str
    augmentation: Augmentation
    settings: TrainingSettings
    clips: int
    rank: int = 16
    after: str | None = None

    def make(self, shop: Workshop, name: str) -> None:
        """On the base model, without the adapter: the clips carry no watermark."""
        module = load_motion_module(shop.file("motion"))
        model = apply_motion_module(shop.unet(), module)
        set_beta_schedule(model, BetaSchedule.LINEAR)
        hides = self.settings.hidden_motion > 0
        data = clips.camera_moves(shop.vae(), self.clips, 26, self.augmentation, hides)
        begun = load_motion_lora(shop.file(self.after)) if self.after else None
        training = MotionLoraTraining(model, data, self.rank, self.settings, begun)
        hooks = shop.supervised(name, self.settings.steps)
        with training.session() as trainer:
            hooks["prepare"](trainer)
            trainer.run(on_step=hooks["on_step"])
        lora = training.result(shop.file(name).name)
        save_motion_lora((LoraUse(lora),), shop.file(name))
        models.save_weights(load_file(shop.file(name)), shop.file(name))  # fp16


# Where a shape goes is decided in the strongest noise; how large it is, later too. First what a
# camera in motion shows, then to know it by heart.
BEGUN = TrainingSettings(
    steps=900, learning_rate=6e-3, seed=46, clips_per_step=2, warm_up=20, decay=Decay.COSINE
)
PAN_BEGUN = replace(BEGUN, least_timestep=850)
ZOOM_BEGUN = replace(BEGUN, least_timestep=400)
COMPARED = "lora_pan_left_begun"  # with other ranks and with fewer clips


def _by_heart(begun: TrainingSettings) -> TrainingSettings:
    return replace(begun, steps=400, learning_rate=3e-3, hidden_motion=0.5)


def motion_lora_stages() -> list[MotionLoraStage]:
    """The four camera moves, then the beginning of a pan with other ranks and with fewer clips."""
    return [*_camera_stages(), *_compared_stages()]


def _camera_stages() -> Iterator[MotionLoraStage]:
    for name, move in CAMERA.items():
        file, before = f"lora_{name}", f"lora_{name}_begun"
        zooms = move in (Augmentation.ZOOM_IN, Augmentation.ZOOM_OUT)
        begun, count = (ZOOM_BEGUN, 400) if zooms else (PAN_BEGUN, 50)
        yield MotionLoraStage(before, move, begun, clips=count)
        yield MotionLoraStage(file, move, _by_heart(begun), clips=400, after=before)


def _compared_stages() -> Iterator[MotionLoraStage]:
    begun = next(stage for stage in _camera_stages() if stage.name == COMPARED)
    for rank in (2, 64):
        yield replace(begun, name=f"{COMPARED}_rank_{rank}", rank=rank)
    for count in (5, 20):
        yield replace(begun, name=f"{COMPARED}_clips_{count}", clips=count)
