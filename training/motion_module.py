"""Stage 2: the motion module itself, all of it, from a zero-initialised last layer
(Guo et al., "AnimateDiff", section 4.2)."""

from dataclasses import replace

import torch
from comfy.model_patcher import ModelPatcher

from ..motion.apply import apply_motion_module
from ..motion.config import Layout, MotionConfig, Version, sd15_sites
from ..motion.load import MotionModule, build_patcher
from ..motion.network import TABLE, MotionNetwork, as_in_files
from ..motion.positions import sinusoidal_positions
from ..motion.unet_placement import SD15_UNET, require_sd15
from ..samplers.beta_schedule import BetaSchedule, set_beta_schedule
from .clip_set import ClipSet
from .session import in_place, motion_networks, training_session
from .settings import TrainingSettings
from .trainer import Trainer


class MotionModuleTraining:
    """A motion module in the making, on a model without one; the module given stays as it is."""

    def __init__(
        self, model: ModelPatcher, module: MotionModule, clips: ClipSet, settings: TrainingSettings
    ):
        weights = as_in_files(module.patcher.model.state_dict())
        own = build_patcher(module.config, weights, torch.float32, disable_dynamic=True)
        self.model = apply_motion_module(in_place(model), replace(module, patcher=own))
        set_beta_schedule(self.model, BetaSchedule.AUTO)
        self.clips = clips
        self.settings = settings

    def run(self, prepare=None, on_step=None) -> dict[str, torch.Tensor]:
        """Train to the end; the file's tensors under the original names.

        prepare is called with the trainer before the first step, to resume it.
        """
        settings = self.settings
        with training_session(
            self.model, settings.precision, settings.checkpointing, self.clips.frames
        ) as predict:
            (network,) = motion_networks(self.model)
            parameters = {
                name: parameter
                for name, parameter in network.named_parameters()
                if not name.endswith(TABLE)  # the tables stay what they are
            }
            for parameter in parameters.values():
                parameter.requires_grad_(True)
            try:
                trainer = Trainer(parameters, predict, self.clips, settings)
                if prepare is not None:
                    prepare(trainer)
                trainer.run(on_step=on_step)
                return as_in_files({**network.state_dict(), **trainer.result()})
            finally:
                network.requires_grad_(False)


def new_motion_module(
    model: ModelPatcher, file: str, seed: int, mid_block: bool = False, positions: int = 32
) -> MotionModule:
    """A motion module to begin with, which fits the model and changes nothing yet; in fp32."""
    version = Version.V2 if mid_block else Version.V3
    return new_module(model, file, seed, version, mid_block, positions)


def new_module(
    model: ModelPatcher,
    file: str,
    seed: int,
    version: Version,
    mid_block: bool,
    positions: int,
    space_time: bool = False,
) -> MotionModule:
    """Of this structure (see MotionConfig)."""
    require_sd15(model)
    found = SD15_UNET.channels(SD15_UNET.host(model.model))
    channels = {site: found[site] for site in sd15_sites(mid_block)}
    config = MotionConfig(
        version, Layout.ORIGINAL, channels, positions, False, space_time=space_time
    )
    weights = _first_weights(config, seed)
    return MotionModule(file, config, build_patcher(config, weights, torch.float32))


def _first_weights(config: MotionConfig, seed: int) -> dict[str, torch.Tensor]:
    """torch's own initialisation, but for the blocks' last layers, which are zero, and resamplers,
    which are nearest neighbours."""
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MotionNetwork(config, torch.nn)
        for site in config.sites:
            for parameter in network.at(site).proj_out.parameters():
                torch.nn.init.zeros_(parameter)
        network.begin_as_nearest()
    weights = as_in_files(network.state_dict())
    for key, value in weights.items():
        if key.endswith(".pe"):
            value.copy_(sinusoidal_positions(*value.shape[1:]))
    return weights
