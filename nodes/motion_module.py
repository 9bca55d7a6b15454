"""Loading a motion module and applying it to a model."""

import folder_paths
from comfy_api.latest import io

from ..lora.apply import with_motion_lora
from ..motion.apply import apply_motion_module
from ..motion.config import Norms
from ..motion.load import load_motion_module
from ..motion.motion_strength import constant_strength, strength_effects
from ..samplers.beta_schedule import BetaSchedule, set_beta_schedule, trained_with
from ..samplers.clip_run import set_automatic_windows
from .advanced import advanced
from .folders import CATEGORY, MOTION_MODULES, file_stamp, find_file
from .motion_strength import MotionStrengthIO
from .search_aliases import search_aliases

MotionModuleIO = io.Custom("ADN_MOTION_MODULE")
MotionLoraIO = io.Custom("ADN_MOTION_LORA")
MOST_CLIPS = 256


class LoadMotionModule(io.ComfyNode):
    @classmethod
    @advanced("norms")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_LoadMotionModule",
            display_name="Load Motion Module (AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_LoadMotionModule"),
            description="Loads an AnimateDiff motion module for SD1.5 (v1, v2, v3, AnimateLCM, "
            "Lightning, TemporalDiff and others of these structures) or SDXL (HotshotXL, "
            "AnimateDiff-SDXL beta).",
            inputs=[
                io.Combo.Input(
                    "motion_module",
                    options=folder_paths.get_filename_list(MOTION_MODULES),
                    tooltip="A file of models/animatediff_models, for example v3_sd15_mm.ckpt "
                    "or mm_sd_v15_v2.ckpt.",
                ),
                io.Combo.Input(
                    "norms",
                    options=[norms.value for norms in Norms],
                    default=Norms.AUTO.value,
                    optional=True,
                    tooltip="How the checkpoint's group norms see a clip, as the motion module was "
                    "trained. auto: over all frames for v1 and HotshotXL, per frame for the "
                    "others. Change it "
                    "only for a fine-tune that is not recognised, or to have v2 as early "
                    "AnimateDiff-Evolved ran it (over all frames for v1 and v2).",
                ),
            ],
            outputs=[
                MotionModuleIO.Output(
                    display_name="motion_module",
                    tooltip="The motion module, to be given to Apply Motion Module.",
                )
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, motion_module: str, **_settings) -> str:
        return file_stamp(MOTION_MODULES, motion_module)

    @classmethod
    def execute(cls, motion_module: str, norms: str = Norms.AUTO.value) -> io.NodeOutput:
        path = find_file(MOTION_MODULES, motion_module)
        return io.NodeOutput(load_motion_module(path, Norms(norms)))


class ApplyMotionModule(io.ComfyNode):
    @classmethod
    @advanced("start_percent", "end_percent", "clips")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_ApplyMotionModule",
            display_name="Apply Motion Module (Evolved AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_ApplyMotionModule"),
            description="Makes an SD1.5 or SDXL model move: the frames of the latent batch become "
            "one clip. Several motion modules can be applied one after the other.",
            inputs=[
                io.Model.Input(
                    "model",
                    tooltip="A model of the motion module's kind, SD1.5 or SDXL, also with LoRAs "
                    "or other patches.",
                ),
                MotionModuleIO.Input("motion_module", tooltip="From Load Motion Module."),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    tooltip="How much of the motion is added. 1 is what the module was trained "
                    "for, less is calmer, more is wilder, 0 is the model as if not animated.",
                ),
                io.Combo.Input(
                    "beta_schedule",
                    options=[schedule.value for schedule in BetaSchedule],
                    default=BetaSchedule.AUTO.value,
                    tooltip="The noise schedule. auto: the one that the motion module was trained "
                    "with, which is linear for SD1.5. keep: whatever the model has. average: the "
                    "mean of the sigmas of the two; lcm of 100 timesteps sets LCM sampling too.",
                ),
                io.Float.Input(
                    "start_percent",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.001,
                    tooltip="Where in the sampling the motion module begins to take part.",
                ),
                io.Float.Input(
                    "end_percent",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.001,
                    tooltip="Where in the sampling the motion module stops taking part.",
                ),
                MotionLoraIO.Input(
                    "motion_lora",
                    optional=True,
                    tooltip="From Load MotionLoRA: what is added to this motion module.",
                ),
                io.Int.Input(
                    "clips",
                    default=1,
                    min=1,
                    max=MOST_CLIPS,
                    optional=True,
                    tooltip="How many clips the latent's batch holds, one after the other. 1: all "
                    "of it is one clip. With 2, a batch_size of 32 makes two clips of 16 frames.",
                ),
                MotionStrengthIO.Input(
                    "motion_strength",
                    optional=True,
                    tooltip="From Motion Strength: where, when and in which blocks this motion "
                    "module takes part; strength is multiplied with it.",
                ),
            ],
            outputs=[
                io.Model.Output(
                    display_name="model",
                    tooltip="The animated model, for KSampler and other samplers.",
                )
            ],
        )

    @classmethod
    def execute(
        cls, model, motion_module, strength, beta_schedule, start_percent, end_percent,
        motion_lora=(), clips=1, motion_strength=(),
    ) -> io.NodeOutput:  # fmt: skip
        module = with_motion_lora(motion_module, motion_lora or ())
        for effect in strength_effects(motion_strength or ()):
            module = module.with_effect(effect)
        strength = strength * constant_strength(motion_strength or ())
        animated = apply_motion_module(model, module, strength, start_percent, end_percent, clips)
        if strength != 0:
            trained = trained_with(module.config.version)
            set_beta_schedule(animated, BetaSchedule(beta_schedule), trained)
            set_automatic_windows(animated, module.frames_at_once)
        return io.NodeOutput(animated)


NODES = [LoadMotionModule, ApplyMotionModule]
