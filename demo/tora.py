"""A miniature of Tora (Zhang et al., "Tora: Trajectory-oriented Diffusion Transformer for Video
Generation", 2024): a motion module that is told where things go, by flow."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.config import Site
from animatediff_native.motion.effects import Effect
from animatediff_native.motion.load import MotionModule
from animatediff_native.training.settings import TrainingSettings, cosine
from animatediff_native.trajectories.flow import SCALE, path_flow
from animatediff_native.trajectories.flow_autoencoder import FlowAutoencoder, FlowEncoder
from animatediff_native.trajectories.tora_files import structure_of
from animatediff_native.trajectories.tora_network import (
    Design,
    Structure,
    ToraNetwork,
    first_weights,
)
from animatediff_native.trajectories.trajectory import Trajectory
from comfy.model_patcher import ModelPatcher
from comfy.taesd.taesd import TAESD
from torch import nn

from . import clips, conditioned, world
from .camera import OfOpposites, Opposites
from .stage import Progress
from .stills import encode

FEATURES, LATENTS, HIDDEN = 32, 8, 32
AT_ONCE = 64  # maps in a step of the autoencoder's
ENCODER = "encoder."  # begins its keys
Frames = list[world.Scenes]  # one batch per frame


def straight_clips(pairs: int, seed: int) -> Frames:
    """2 N clips: N of shapes that go straight from one place to another, at even speed, and the
    same turned about the picture's middle. The places are drawn one by one, so that some hardly
    move; of every other clip the farther of two is the end."""
    generator = torch.Generator().manual_seed(seed)
    scenes = world.random_scenes(pairs, generator)
    margin = (scenes.radius + 2)[:, None]
    begin, end, other = margin + torch.rand(3, pairs, 2, generator=generator) * (
        world.SIZE - 2 * margin
    )
    farther = (other - begin).norm(dim=1) > (end - begin).norm(dim=1)
    farther &= torch.arange(pairs) % 2 == 0
    end = torch.where(farther[:, None], other, end)
    return [
        _with_opposites(scenes, begin + (end - begin) * time)
        for time in torch.linspace(0, 1, world.FRAMES).tolist()
    ]


def _with_opposites(scenes: world.Scenes, place: torch.Tensor) -> world.Scenes:
    fields = ("shape", "colour", "background", "radius")
    twice = {name: getattr(scenes, name).repeat(2) for name in fields}
    both = torch.cat([place, world.SIZE - place])
    return replace(scenes, **twice, x=both[:, 0], y=both[:, 1])


def dense_flow(frames: Frames) -> torch.Tensor:
    """[N, F, 2, H, W]: the way since the frame before, wherever the shape was."""
    place = torch.stack([torch.stack([at.x, at.y], dim=1) for at in frames], dim=1)
    way = (place[:, 1:] - place[:, :-1]) * (SCALE / world.SIZE)
    covered = torch.stack([world.silhouettes(at) for at in frames[:-1]], dim=1)
    flow = way[..., None, None] * covered[:, :, None]
    return torch.cat([torch.zeros_like(flow[:, :1]), flow], dim=1)


def sparse_flow(frames: Frames) -> torch.Tensor:
    """[N, F, 2, H, W]: of the shape's centre of mass alone, as path_flow has it."""
    first = frames[0]
    covered = world.silhouettes(first)
    weight = covered / covered.sum((1, 2), keepdim=True)
    axis = torch.arange(world.SIZE) + 0.5
    off_x = (weight.sum(1) * axis).sum(1) - first.x
    off_y = (weight.sum(2) * axis).sum(1) - first.y
    place = torch.stack([torch.stack([s.x + off_x, s.y + off_y], dim=1) for s in frames], dim=1)
    seen = np.ones((len(frames), 1), dtype=bool)
    flows = [
        path_flow(
            Trajectory(path[:, None].double().numpy() / world.SIZE, seen, np.ones((1, 2)), *size),
            *size,
        )
        for path, size in ((each, (world.SIZE, world.SIZE)) for each in place)
    ]
    return torch.from_numpy(np.stack(flows)).movedim(-1, 2)


FLOWS: dict[str, Callable[[Frames], torch.Tensor]] = {"dense": dense_flow, "sparse": sparse_flow}


def train_autoencoder(steps: int, rate: float, seed: int) -> dict[str, torch.Tensor]:
    """The weights of the encoder and its decoder, from flows of both kinds."""
    frames = straight_clips(64, seed)
    maps = torch.cat([flow(frames)[:, 1:].flatten(0, 1) for flow in FLOWS.values()])
    with torch.random.fork_rng():
        torch.manual_seed(seed + 1)
        network = FlowAutoencoder(LATENTS, HIDDEN)
    generator = torch.Generator().manual_seed(seed + 2)
    optimizer = torch.optim.Adam(network.parameters(), rate)
    progress, whole = Progress("flow autoencoder", steps), maps.pow(2).mean().item()
    for step in range(steps):
        picked = maps[torch.randint(len(maps), (AT_ONCE,), generator=generator)]
        loss = (network(picked) - picked).pow(2).mean()
        for group in optimizer.param_groups:
            group["lr"] = rate * cosine(step, steps, warm_up=50)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        progress.step(loss.item() / whole)
    _scale(network, maps)
    return {key: value.detach() for key, value in network.state_dict().items()}


@torch.no_grad()
def _scale(network: FlowAutoencoder, maps: torch.Tensor) -> None:
    """So that latents have a mean square of 1; flow is 0 almost everywhere."""
    size = network.encoder(maps).pow(2).mean().sqrt()
    for parameter in network.encoder.conv_out.parameters():
        parameter /= size
    network.conv_in.weight *= size


def encoder_of(autoencoder: dict[str, torch.Tensor]) -> FlowEncoder:
    encoder = FlowEncoder(LATENTS, HIDDEN, nn)
    encoder.load_state_dict(
        {k.removeprefix(ENCODER): t.float() for k, t in autoencoder.items() if ENCODER in k}
    )
    return encoder.requires_grad_(False)


def data(vae: TAESD, encoder: nn.Module, kind: str, pairs: int, seed: int) -> Opposites:
    """Clips of the stills' quality, and what they are without their shape; condition
    [F, latents, h, w]: the flow's. kind: of FLOWS."""
    frames = straight_clips(pairs, seed)
    plain = clips.drawn(vae, frames)
    empty = encode(vae, world.backdrop(frames[0]))
    plain.still = empty[:, None].expand_as(plain.latents)
    with torch.no_grad():
        flow = FLOWS[kind](frames)
        coded = torch.stack([encoder(clip) for clip in flow])
    return Opposites(plain, coded)


class ToraInTraining(Effect):
    """What the fusers in training add to what goes into each block."""

    def __init__(self, network: ToraNetwork):
        self.network = network
        self.maps: list[torch.Tensor] = []

    def take(self, condition: torch.Tensor) -> None:
        """condition: [clips, F, latents, h, w]."""
        self.frames = condition.shape[1]
        self.maps = self.network.extractor(condition.flatten(0, 1))

    def before(self, site, x: torch.Tensor) -> torch.Tensor:
        fuser = self.network.fuser(site.site)
        if fuser is None:
            return x
        features = self.maps[self.network.level(site.site)]
        parts = zip(x.split(self.frames), features.split(self.frames), strict=True)
        return x + torch.cat([fuser(clip, flow) for clip, flow in parts])


def train(
    model: ModelPatcher,
    module: MotionModule,
    clips: Opposites,
    settings: TrainingSettings,
    begun: dict[str, torch.Tensor],
    hooks: dict,
) -> dict[str, torch.Tensor]:
    """The file's tensors; the UNet, the motion module and the flow's encoder stay what they are.
    begun: a file's tensors to go on with."""
    network = ToraNetwork(structure_of(begun), nn)
    network.take({key: value.float() for key, value in begun.items()})
    network.requires_grad_(False)
    effect = ToraInTraining(network)
    moving = apply_motion_module(model, module.with_effect(effect))
    trained = {
        name: each
        for name, each in network.named_parameters()
        if not name.startswith("flow_encoder.")
    }
    found = conditioned.train(
        moving, effect, lambda _: trained, clips, settings, around=OfOpposites, **hooks
    )
    network.load_state_dict({**network.state_dict(), **found})
    return network.as_in_files()


def begin(
    module: MotionModule, design: Design, autoencoder: dict[str, torch.Tensor], seed: int
) -> dict[str, torch.Tensor]:
    """Tensors of a file whose fusers add nothing, with the encoder of an autoencoder."""
    channels = module.config.channels
    widths = tuple(channels[Site("down", level, 0)] for level in range(4))
    made = first_weights(Structure(design, widths, FEATURES, LATENTS, HIDDEN), seed)
    own = {f"flow_{key}": t for key, t in autoencoder.items() if key.startswith(ENCODER)}
    return {**made, **own}
