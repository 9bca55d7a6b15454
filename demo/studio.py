"""Sampled clips of the miniature world, made with the extension's own functions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import comfy.controlnet
import comfy.sample
import comfy.sd
import torch
from animatediff_native.conditions.clip_condition import ClipCondition
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse
from animatediff_native.lora.domain_adapter import with_domain_adapter
from animatediff_native.lora.load import load_motion_lora
from animatediff_native.motion.apply import apply_frame_sharing, apply_motion_module
from animatediff_native.motion.effects import Effect
from animatediff_native.motion.load import load_motion_module
from animatediff_native.samplers.beta_schedule import BetaSchedule, set_beta_schedule
from animatediff_native.samplers.clip_run import set_automatic_windows, set_windows
from animatediff_native.samplers.context_handler import ContextWindows
from animatediff_native.samplers.free_init import FreeInit
from animatediff_native.samplers.free_noise import NoiseOrder, noise_order
from animatediff_native.samplers.noise_run import use_free_init
from animatediff_native.samplers.windows import WindowPlan
from comfy.model_patcher import ModelPatcher
from comfy.sd import load_lora_for_models
from comfy_extras.nodes_model_merging import ModelMergeSimple
from safetensors.torch import load_file

from nodes import InpaintModelConditioning  # type: ignore[attr-defined]  # the host's nodes.py

from . import control, world
from .judge import ShapeRule, find
from .recipe import Workshop
from .text import MiniatureText

BASES = {"ink": "unet_ink", "inpaint": "unet_inpaint"}  # whose UNet is another
STEPS, CFG, SAMPLER, SCHEDULER = 16, 3.0, "dpmpp_2m", "sgm_uniform"


class Wish(NamedTuple):
    """What a clip is asked to show, and the seed of its noise."""

    shape: int
    colour: int
    background: int
    seed: int

    @property
    def prompt(self) -> str:
        return world.prompt(
            world.SHAPES[self.shape],
            world.COLOURS[self.colour],
            world.BACKGROUND_NAMES[self.background],
        )


def wishes(count: int, first_seed: int = 1000) -> list[Wish]:
    """Prompts that go through all shapes, colours and backgrounds, each with a seed."""
    return [
        Wish(i % len(world.SHAPES), i % len(world.COLOURS) if i < 12 else (i * 5 + 1) % 6, i % 3,
             first_seed + i)
        for i in range(count)
    ]  # fmt: skip


def wishes_of(scenes: world.Scenes, first_seed: int) -> list[Wish]:
    """What these pictures show, each with a seed."""
    return [
        Wish(int(scenes.shape[i]), int(scenes.colour[i]), int(scenes.background[i]), first_seed + i)
        for i in range(len(scenes))
    ]


@dataclass(frozen=True)
class Setup:
    """How a model is put together: the nodes that a user would connect."""

    base: str = "plain"  # plain, ink, dusk or inpaint
    blend: float = 1.0  # of a personalised model's weights, with the plain ones for the rest
    motion: bool = True
    adapter: float = 0.0
    motion_loras: tuple[tuple[str, float], ...] = ()
    effects: tuple[Effect, ...] = ()
    windows: ContextWindows | None = None  # automatic ones
    free_noise: bool = False
    free_init: FreeInit | None = None
    at_once: int = world.FRAMES  # that are not cut into windows, without effects
    cfg: float = CFG
    module: str = "motion"  # the stage that made it
    shared: int = 0  # levels of the UNet that share frames


class Studio:
    """Samples clips from the files of a workshop."""

    def __init__(self, shop: Workshop):
        self.shop = shop
        self.text = MiniatureText()

    @cached_property
    def vae(self):
        return self.shop.vae()

    @cached_property
    def shape_rule(self) -> ShapeRule:
        return ShapeRule(self.vae)

    @cached_property
    def host_vae(self) -> comfy.sd.VAE:
        """The same as a workflow has it."""
        return comfy.sd.VAE(sd=load_file(self.shop.file("vae")))

    @cached_property
    def module(self):
        return self.motion_module("motion")

    def motion_module(self, stage: str):
        return load_motion_module(self.shop.file(stage))

    def model(self, setup: Setup) -> ModelPatcher:
        model = self._base(setup.base, setup.blend)
        if setup.adapter:
            adapter = load_file(self.shop.file("domain_adapter"))
            model = with_domain_adapter(model, adapter, "adapter", setup.adapter)
        if setup.motion:
            chain = tuple(
                LoraUse(load_motion_lora(self.shop.file(name)), strength)
                for name, strength in setup.motion_loras
            )
            own = self.module if setup.module == "motion" else self.motion_module(setup.module)
            module = with_motion_lora(own, chain)
            module = replace(module, effects=(*module.effects, *setup.effects))
            model = apply_frame_sharing(apply_motion_module(model, module), setup.shared)
            limit = module.frames_at_once if setup.effects else setup.at_once
            set_automatic_windows(model, limit)
            if setup.windows is not None:
                set_windows(model, setup.windows)
        set_beta_schedule(model, BetaSchedule.LINEAR)
        return model if setup.free_init is None else use_free_init(model, setup.free_init)

    def _base(self, name: str, blend: float) -> ModelPatcher:
        model = self.shop.unet(BASES.get(name, "unet"))
        if name == "dusk":
            lora = load_file(self.shop.file("lora_dusk"))
            return load_lora_for_models(model, None, lora, blend, 0)[0]  # type: ignore[return-value]
        if blend == 1.0:
            return model
        return ModelMergeSimple().merge(model, self.shop.unet(), blend)[0]

    def film(self, setup: Setup, asked: Sequence[Wish], frames: int = world.FRAMES) -> torch.Tensor:
        """[clips, frames, 3, H, W] in 0 to 1."""
        model = self.model(setup)
        return torch.stack(
            [self._clip(model, setup, wish, frames, self._conditioning(wish)) for wish in asked]
        )

    def film_each(
        self,
        setup: Setup,
        asked: Sequence[Wish],
        changes: Sequence[Callable[[ModelPatcher], ModelPatcher]],
        frames: int = world.FRAMES,
    ) -> torch.Tensor:
        """The same with a change of the model for every clip."""
        model = self.model(setup)
        return torch.stack(
            [
                self._clip(change(model), setup, wish, frames, self._conditioning(wish))
                for wish, change in zip(asked, changes, strict=True)
            ]
        )

    def film_after(
        self, setup: Setup, asked: Sequence[Wish], hints: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """Clips that follow hints, one picture per frame: [F, 3, H, W] each."""
        net = control.load(self.shop.file("control"))
        return self.film_steered(setup, asked, hints, net)

    def film_steered(
        self,
        setup: Setup,
        asked: Sequence[Wish],
        hints: Sequence[torch.Tensor],
        net: comfy.controlnet.ControlNet,
        strength: float = 1.0,
    ) -> torch.Tensor:
        """The same with a ControlNet of any kind."""
        model, vae = self.model(setup), self.host_vae
        return torch.stack(
            [
                self._clip(
                    model,
                    setup,
                    wish,
                    len(hint),
                    [
                        control.steered(one, net, hint, strength, vae)
                        for one in self._conditioning(wish)
                    ],
                )
                for wish, hint in zip(asked, hints, strict=True)
            ]
        )

    def film_masked(
        self,
        setup: Setup,
        asked: Sequence[Wish],
        pixels: Sequence[torch.Tensor],
        mask: torch.Tensor,
    ) -> torch.Tensor:
        """Clips made where a noise mask [F, H, W] is 1, around pixels [F, 3, H, W] each."""
        model = self.model(setup)
        clips = []
        for wish, shown in zip(asked, pixels, strict=True):
            latent = self.host_vae.encode(shown.movedim(1, -1))
            conditioning = self._conditioning(wish)
            clips.append(
                self._clip(model, setup, wish, len(shown), conditioning, latent, mask[:, None])
            )
        return torch.stack(clips)

    def film_given(
        self,
        setup: Setup,
        asked: Sequence[Wish],
        given: Sequence[ClipCondition],
        noise_mask: bool = True,
    ) -> torch.Tensor:
        """Clips that are given a part of what they show, by the host's InpaintModelConditioning:
        as channels of a base model for inpainting, and as a noise mask of any."""
        model, host = self.model(setup), InpaintModelConditioning()
        clips = []
        for wish, shown in zip(asked, given, strict=True):
            *conditioning, latent = host.encode(
                *self._conditioning(wish), shown.pixels, self.host_vae, shown.mask, noise_mask
            )
            samples, mask = latent["samples"], latent.get("noise_mask")
            clips.append(self._clip(model, setup, wish, len(samples), conditioning, samples, mask))
        return torch.stack(clips)

    def film_over(
        self, setup: Setup, asked: Sequence[Wish], latents: Sequence[torch.Tensor], denoise: float
    ) -> torch.Tensor:
        """Clips made over others, whose latents [F, 4, h, w] get a part of the noise."""
        model = self.model(setup)
        return torch.stack(
            [
                self._clip(
                    model, setup, wish, len(latent), self._conditioning(wish), latent,
                    denoise=denoise,
                )
                for wish, latent in zip(asked, latents, strict=True)
            ]
        )  # fmt: skip

    def obeyed(self, clips: torch.Tensor, asked: Sequence[Wish]) -> tuple[float, float]:
        """Share of frames with the shape asked for, and with the colour."""
        frames = clips.shape[1]
        found = find(clips.flatten(0, 1))
        shape = torch.tensor([wish.shape for wish in asked]).repeat_interleave(frames)
        colour = torch.tensor([wish.colour for wish in asked]).repeat_interleave(frames)
        right = self.shape_rule(found) == shape, found.colour == colour
        of_shape, of_colour = ((hits & found.present).float().mean().item() for hits in right)
        return of_shape, of_colour

    def latents(self, setup: Setup, asked: Sequence[Wish], frames: int) -> list[torch.Tensor]:
        """What `film` shows, before the VAE: [F, 4, h, w] each, as a LATENT has it."""
        model = self.model(setup)
        return [
            self._sampled(model, setup, wish, frames, self._conditioning(wish)) for wish in asked
        ]

    def _clip(self, model: ModelPatcher, setup: Setup, *what, **more) -> torch.Tensor:
        samples = self._sampled(model, setup, *what, **more)
        scaled = model.model.process_latent_in(samples)
        with torch.no_grad():
            return self.vae.taesd_decoder(scaled).clamp(0, 1)

    def _sampled(
        self,
        model: ModelPatcher,
        setup: Setup,
        wish: Wish,
        frames: int,
        conditioning: list,
        latent: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
        denoise: float = 1.0,
    ) -> torch.Tensor:
        positive, negative = conditioning
        if latent is None:
            latent = torch.zeros(frames, 4, world.SIZE // 8, world.SIZE // 8)
        plan = WindowPlan(world.FRAMES, world.FRAMES // 4)
        order = noise_order(plan, frames, NoiseOrder.ANY, wish.seed) if setup.free_noise else None
        return comfy.sample.sample(
            model,
            comfy.sample.prepare_noise(latent, wish.seed, order),
            STEPS, setup.cfg, SAMPLER, SCHEDULER,
            positive, negative,
            latent,
            denoise=denoise,
            noise_mask=mask,
            disable_pbar=True,
            seed=wish.seed,
        )  # fmt: skip

    def _conditioning(self, wish: Wish) -> list:
        """Positive and negative."""
        return [
            self.text.encode_from_tokens_scheduled(self.text.tokenize(prompt))
            for prompt in (wish.prompt, "")
        ]
