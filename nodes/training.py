"""Training a MotionLoRA on the motion module that is applied to a model."""

from comfy_api.latest import io

from ..lora.chain import LoraUse
from ..training.augment import Augmentation
from ..training.motion_lora_job import (
    AUTO,
    LAST_TIMESTEP,
    LATENT_PIXELS,
    PRECISIONS,
    SMALLEST_SIDE,
    MotionLoraJob,
)
from ..training.run_motion_lora import run_motion_lora
from .advanced import advanced
from .folders import CATEGORY, MOTION_LORAS, new_file, video_folder_stamp
from .folders import video_folder as folder_of_videos
from .motion_module import MotionLoraIO
from .search_aliases import search_aliases

MANY = 100_000


class TrainMotionLora(io.ComfyNode):
    @classmethod
    @advanced(
        "clips_per_step",
        "appearance_debias",
        "text_dropout",
        "precision",
        "gradient_checkpointing",
        "least_timestep",
        "hidden_motion",
    )
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_TrainMotionLora",
            display_name="Train MotionLoRA (MotionDirector, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_TrainMotionLora"),
            description="Trains a MotionLoRA from 20 to 50 short clips that share one movement. "
            "Only the MotionLoRA is trained; the model stays as it is. Cancelling keeps what was "
            "trained so far.",
            inputs=[
                *_model_and_prompt(),
                *_training(),
                *_clips(),
                *_size(),
                *_text(),
                *_cost(),
                *_along_the_way(),
            ],
            outputs=[
                MotionLoraIO.Output(
                    display_name="motion_lora",
                    tooltip="The MotionLoRA, for Apply Motion Module, and for Save MotionLoRA: "
                    "this node does not save a finished one.",
                ),
                io.Image.Output(
                    display_name="loss_curve",
                    tooltip="The losses as a picture: single steps faint, their mean strong.",
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, video_folder: str | None = None, **_others) -> str:
        return video_folder_stamp(video_folder or "")

    @classmethod
    def execute(cls, augmentation, video_folder="", **inputs) -> io.NodeOutput:
        job = MotionLoraJob(
            augmentation=Augmentation(augmentation),
            video_folder=folder_of_videos(video_folder),
            **inputs,
        )
        trained = run_motion_lora(job, lambda name: new_file(MOTION_LORAS, name, ".safetensors"))
        return io.NodeOutput((LoraUse(trained.lora),), trained.curve)


def _model_and_prompt() -> list[io.Input]:
    return [
        io.Model.Input(
            "model",
            tooltip="From Apply Motion Module: the MotionLoRA is for the motion module that is "
            "applied. mm_sd_v15_v2.ckpt is what published MotionLoRAs are for.",
        ),
        io.Vae.Input("vae", tooltip="The checkpoint's VAE. It encodes the clips before training."),
        io.Conditioning.Input(
            "positive",
            tooltip="What is in the clips, leaving out the movement: that is what shall be learnt "
            "without words. One prompt for all clips, or one per clip, combined in their order.",
        ),
    ]


def _training() -> list[io.Input]:
    return [
        io.Int.Input(
            "rank",
            default=32,
            min=1,
            max=1280,
            tooltip="How much the MotionLoRA can hold. A camera movement needs little: 4 to 32. "
            "A larger rank makes a larger file and learns more of the clips' look.",
        ),
        io.Float.Input(
            "learning_rate",
            default=3e-4,
            min=1e-7,
            max=1.0,
            step=1e-7,
            round=1e-7,
            tooltip="How far each step goes. Lower it where the loss leaps or is no number.",
        ),
        io.Int.Input(
            "steps",
            default=500,
            min=1,
            max=MANY,
            tooltip="300 to 2000. More steps learn the movement more strongly, and the look of the "
            "clips too.",
        ),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=0xFFFFFFFFFFFFFFFF,
            control_after_generate=True,
            tooltip="Which clips, noise and noise levels are drawn. Keep it fixed: another seed "
            "trains again.",
        ),
        io.Combo.Input(
            "augmentation",
            options=[choice.value for choice in Augmentation],
            default=Augmentation.NONE.value,
            tooltip="Makes a camera movement out of clips that have none, by crops along time. "
            "none: the clips' own movement is learnt. Zooms, pan up and pan down also train on "
            "the mirrored clips.",
        ),
    ]


def _clips() -> list[io.Input]:
    return [
        io.Image.Input(
            "images",
            optional=True,
            tooltip="The frames of all clips, one clip after the other. Or use video_folder.",
        ),
        io.Int.Input(
            "frames_per_clip",
            default=16,
            min=2,
            max=MANY,
            optional=True,
            tooltip="How many frames each clip has. 16 is what motion modules were trained on; "
            "fewer take less memory.",
        ),
        io.String.Input(
            "video_folder",
            default="",
            optional=True,
            tooltip="A folder with videos, one clip from the beginning of each: its name inside "
            "ComfyUI's input folder, or inside one that extra_model_paths.yaml names under "
            "animatediff_videos. Used where images is not connected.",
        ),
        io.Int.Input(
            "frame_stride",
            default=4,
            min=1,
            max=1000,
            optional=True,
            tooltip="Of videos, every so many frames one is taken. 4 makes about 8 frames per "
            "second out of 30, which is what motion modules were trained on.",
        ),
    ]


def _size() -> list[io.Input]:
    return [
        io.Int.Input(
            name,
            default=256,
            min=SMALLEST_SIDE,
            max=4096,
            step=LATENT_PIXELS,
            optional=True,
            tooltip=f"The {name} to which clips are cropped and resized. 256 is what motion "
            "modules were trained on; a movement learnt there works at 512 too.",
        )
        for name in ("width", "height")
    ]


def _text() -> list[io.Input]:
    return [
        io.Conditioning.Input(
            "negative",
            optional=True,
            tooltip="What stands for no prompt, best an empty CLIP Text Encode. Without it, "
            "text_dropout does nothing.",
        ),
        io.Int.Input(
            "clips_per_step",
            default=1,
            min=1,
            max=64,
            optional=True,
            tooltip="Clips in each step. More make steadier steps, and take as much more memory "
            "and time.",
        ),
        io.Boolean.Input(
            "appearance_debias",
            default=False,
            optional=True,
            tooltip="Adds the loss of MotionDirector, which looks at the differences between "
            "frames: less of the clips' look is learnt. For few clips, or a single one.",
        ),
        io.Float.Input(
            "text_dropout",
            default=0.1,
            min=0.0,
            max=1.0,
            step=0.01,
            optional=True,
            tooltip="The share of clips that are trained on with negative in place of their "
            "prompt, so that cfg works.",
        ),
    ]


def _cost() -> list[io.Input]:
    return [
        io.Combo.Input(
            "precision",
            options=list(PRECISIONS),
            default=AUTO,
            optional=True,
            tooltip="What the model computes in; the MotionLoRA itself is always fp32. auto: bf16 "
            "where ComfyUI would use it on this device. fp32 takes about twice the memory.",
        ),
        io.Boolean.Input(
            "gradient_checkpointing",
            default=True,
            optional=True,
            tooltip="Computes parts of the model twice instead of keeping them: far less memory, "
            "more time, the same result.",
        ),
    ]


def _along_the_way() -> list[io.Input]:
    return [
        MotionLoraIO.Input(
            "continue_from",
            optional=True,
            tooltip="A MotionLoRA to go on from, for example one that a cancelled training kept. "
            "Do not give the same one to Apply Motion Module.",
        ),
        io.Int.Input(
            "sample_every",
            default=0,
            min=0,
            max=MANY,
            optional=True,
            tooltip="After every so many steps, samples a clip with the MotionLoRA so far and "
            "shows some of its frames on this node. 0: never.",
        ),
        io.Int.Input(
            "least_timestep",
            default=0,
            min=0,
            max=LAST_TIMESTEP,
            optional=True,
            tooltip="Trains only on noise of this timestep and more. Which way a clip moves is "
            "decided in the strongest noise: where only the look of the clips is learnt and no "
            "direction, try 400 for zooms and 850 for pans. 0: all noise.",
        ),
        io.Float.Input(
            "hidden_motion",
            default=0.0,
            min=0.0,
            max=1.0,
            step=0.01,
            optional=True,
            tooltip="The share of clips that are trained in noise that shows them without the "
            "camera's motion, so that the MotionLoRA has to know it by heart: a surer and "
            "stronger movement. Try 0.5, with least_timestep 850 for pans and 400 for zooms. It "
            "needs an augmentation.",
        ),
    ]


NODES = [TrainMotionLora]
