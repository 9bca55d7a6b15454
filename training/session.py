"""A loaded model as what the trainer needs: something that predicts noise, with gradients."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import comfy.model_management
import comfy.patcher_extension
import torch
from comfy.model_patcher import ModelPatcher

from ..motion.application import applications
from ..motion.checkpointing import checkpointed
from ..motion.errors import AnimateDiffError
from ..motion.network import MotionNetwork
from ..motion.unet_placement import SD15_UNET, require_sd15
from .clip_set import Batch
from .normal_tensors import normal_tensors
from .settings import Precision


class ModelNoise:
    """Predicts the noise through the host's own path: its wrappers, its schedule, its casts."""

    def __init__(self, model: ModelPatcher):
        self.base = model.model
        self.device = model.load_device
        schedule: Any = model.get_model_object("model_sampling")
        self.sigmas: torch.Tensor = schedule.sigmas.to("cpu")
        self.options = {
            **model.model_options["transformer_options"],
            "wrappers": comfy.patcher_extension.copy_nested_dicts(model.wrappers),
        }

    def __call__(self, batch: Batch, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """See NoisePredictor. The host takes x0 + sigma * noise, and gives back x0."""
        clips, frames = noise.shape[:2]
        sigma = self.sigmas[t].to(self.device)
        per_frame = sigma.repeat_interleave(frames)
        spread = per_frame[:, None, None, None]
        clean = batch.latents.to(self.device).flatten(0, 1)
        noisy = clean + spread * noise.to(self.device).flatten(0, 1)
        denoised = self.base.apply_model(
            noisy,
            per_frame,
            c_crossattn=batch.context.to(self.device).repeat_interleave(frames, dim=0),
            transformer_options={
                **self.options,
                "cond_or_uncond": [0] * clips,  # one entry per clip of the batch
                "sigmas": per_frame,
            },
        )
        return ((noisy - denoised.float()) / spread).unflatten(0, (clips, frames))


def in_place(model: ModelPatcher) -> ModelPatcher:
    """The model for a training: its weights stay where they are between the two passes.

    A model with dynamic VRAM, whose weights can be moved away meanwhile, has a plain copy for
    that; any other is the one given.
    """
    if not _is_dynamic(model):
        return model
    plain: Any = model.get_non_dynamic_delegate()  # type: ignore[attr-defined]
    for application in applications(plain):
        patcher: Any = application.patcher(plain)
        if _is_dynamic(patcher):
            plain.set_additional_models(application.model_key, [patcher.get_non_dynamic_delegate()])
    return plain


def _is_dynamic(patcher: Any) -> bool:
    return hasattr(patcher, "is_dynamic") and patcher.is_dynamic()


@contextmanager
def training_session(
    model: ModelPatcher, precision: Precision, gradient_checkpointing: bool, frames: int = 1
) -> Iterator[ModelNoise]:
    """The model loaded and differentiable, frozen, for as long as the block lasts.

    model: see `in_place`; frames: of each clip; it matters with gradient checkpointing. The model
    given is not changed, nor are its weights; nothing is copied.
    """
    require_trainable(model)
    model = model.clone()
    _compute_in(model, precision.dtype)
    comfy.model_management.load_models_gpu(
        [model, *model.get_nested_additional_models()], force_full_load=True
    )
    modules = [model.model.diffusion_model, *motion_networks(model)]
    with ExitStack() as scope:
        model.pre_run()
        scope.callback(model.cleanup)
        scope.enter_context(torch.inference_mode(False))
        scope.enter_context(torch.enable_grad())
        scope.enter_context(normal_tensors(modules))
        if gradient_checkpointing:
            scope.enter_context(checkpointed(modules))
            scope.enter_context(_norms_of_the_backward_pass(model, frames))
        yield ModelNoise(model)


@contextmanager
def _norms_of_the_backward_pass(model: ModelPatcher, frames: int) -> Iterator[None]:
    """v1's pooled norms, which are there for a forward otherwise, and which layers that are
    computed again after it need as well."""
    with ExitStack() as scope:
        if any(application.config.cross_frame_norm for application in applications(model)):
            unet = SD15_UNET.host(model.model)
            scope.enter_context(SD15_UNET.pooled_over_frames(unet, frames))
        yield


def motion_networks(model: ModelPatcher) -> list[MotionNetwork]:
    """Those of the motion modules that are applied to the model, in order."""
    return [application.patcher(model).model for application in applications(model)]


def require_trainable(model: ModelPatcher) -> None:
    """Raise AnimateDiffError for models that training cannot feed."""
    require_sd15(model)
    extra = getattr(model.model, "concat_keys", ())
    if extra:
        raise AnimateDiffError(
            f"this model wants {', '.join(extra)} beside the latent (an inpainting model).",
            "an ordinary SD1.5 checkpoint",
            "train on the checkpoint that the inpainting model was made from; the MotionLoRA "
            "works with both.",
        )


def _compute_in(model: ModelPatcher, dtype: torch.dtype) -> None:
    """Only where the host would compute in another dtype: a change makes it load anew."""
    cast = model.get_model_object("manual_cast_dtype")  # a clone's may be loaded
    if (cast or model.model.get_dtype()) != dtype:
        model.set_model_compute_dtype(dtype)
