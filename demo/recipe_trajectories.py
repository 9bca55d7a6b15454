"""How the files are made by which the miniature world follows paths (Tora): the flow's
autoencoder, and of every design of the fusers a network that learns first by dense flow, then by
that of paths. One learns by that of paths alone, in as many steps."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from animatediff_native.motion.load import load_motion_module
from animatediff_native.samplers.beta_schedule import BetaSchedule, set_beta_schedule
from animatediff_native.training.settings import Decay, TrainingSettings
from animatediff_native.trajectories.tora_network import Design
from safetensors.torch import load_file

from . import models, tora
from .recipe import Workshop

PAIRS = 192  # of clips, the shape on opposite ways
STEPS = 700  # of each of the two stages
FLOW, BEST = "trajectory_flow", Design.CHANNELS
PAPERS = Design.NORM  # the design that Tora chose
EARLIER, LATER = 700, 500  # the least timesteps: where something is, is decided in strong noise


def make_flow(shop: Workshop, name: str) -> None:
    """The autoencoder of flow maps."""
    models.save_weights(tora.train_autoencoder(1500, 2e-3, seed=140), shop.file(name))


@dataclass(frozen=True)
class ToraStage:
    """One of the two stages of a training; after: the first one's name, for the second."""

    name: str
    design: Design
    flow: str
    after: str | None = None

    def make(self, shop: Workshop, name: str) -> None:
        model = shop.unet()
        set_beta_schedule(model, BetaSchedule.LINEAR)
        autoencoder = load_file(shop.file(FLOW))
        begins = self.after is None
        seed = 141 if begins else 142
        encoder = tora.encoder_of(autoencoder)
        data = tora.data(shop.vae(), encoder, self.flow, PAIRS, seed)
        settings = TrainingSettings(
            steps=STEPS, learning_rate=2e-3, seed=seed + 100, clips_per_step=2, warm_up=30,
            decay=Decay.COSINE, ema=0.98, least_timestep=EARLIER if begins else LATER,
        )  # fmt: skip
        module = load_motion_module(shop.file("motion"))
        if self.after is None:
            begun = tora.begin(module, self.design, autoencoder, seed + 200)
        else:
            begun = load_file(shop.file(self.after))
        hooks = shop.supervised(name, settings.steps)
        found = tora.train(model, module, data, settings, begun, hooks)
        models.save_weights(found, shop.file(name))


def stages() -> Iterator[ToraStage]:
    for design in Design:
        yield from _both(f"trajectory_{design.value}", design, "dense")
    yield from _both(f"trajectory_{PAPERS.value}_sparse", PAPERS, "sparse")


def _both(name: str, design: Design, first: str) -> Iterator[ToraStage]:
    before = f"{name}_begun"
    yield ToraStage(before, design, first)
    yield ToraStage(name, design, "sparse", before)


def make_best(shop: Workshop, name: str) -> None:
    """The file that is shown: that of the design which follows paths best."""
    shutil.copyfile(shop.file(f"trajectory_{BEST.value}"), shop.file(name))
