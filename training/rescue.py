"""A training that ends early: what was trained so far is kept in a file.

Whatever ends it has left the session by then, so the model is as it was.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from comfy.model_management import InterruptProcessingException

from ..lora.chain import LoraUse
from ..lora.save import save_motion_lora
from ..motion.errors import AnimateDiffError
from ..motion.load import out_of_memory
from .encode import clear_device
from .motion_lora import MotionLoraTraining
from .trainer import LossNotFinite

log = logging.getLogger("animatediff_native")

NewFile = Callable[[str], Path]  # by prefix; a number is added
PREFIX = "training/stopped_after_step_"


def run_and_keep(training: MotionLoraTraining, work: Callable[[], None], new_file: NewFile) -> None:
    """Do the work. Should it end early, keep the weights, and then end as it would have, or with
    an AnimateDiffError that says what helps."""
    try:
        work()
        return
    except LossNotFinite as error:
        failure = _not_finite(error.step, _keep(training, error.good_step, new_file))
    except (Exception, InterruptProcessingException) as error:  # newer hosts': a BaseException
        kept = _keep(training, training.step, new_file)
        if not out_of_memory(error):
            raise
        failure = _no_memory(kept)
    # outside of the handlers: with the exception go the tensors that its traceback holds
    clear_device()
    raise failure


def _keep(training: MotionLoraTraining, step: int, new_file: NewFile) -> str:
    """A sentence that says where the weights of this step, which the training has, are now.

    After no step they do nothing, and no file is made.
    """
    if step == 0:
        return ""
    try:
        file = new_file(f"{PREFIX}{step}")
        save_motion_lora((LoraUse(training.result(file.stem)),), file)
    except Exception as error:  # whatever the disk raises must not hide what ended the training
        log.warning("AnimateDiff: what was trained so far could not be saved: %s", error)
        return ""
    log.info("AnimateDiff: the training ended early; saved its step %d as %s", step, file)
    return f" What was trained up to step {step} is in {file}, and continue_from can go on from it."


def _not_finite(step: int, kept: str) -> AnimateDiffError:
    if step == 1:
        return AnimateDiffError(
            "the loss was infinite or not a number in step 1, before anything was trained.",
            "a model whose predictions are finite numbers",
            "set precision to fp32, and look whether the model samples pictures that are not "
            "black.",
        )
    return AnimateDiffError(
        f"the loss was infinite or not a number in step {step}.{kept}",
        "losses that are finite numbers",
        "lower learning_rate, to a third of it for example, or set precision to fp32.",
    )


def _no_memory(kept: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"the device ran out of memory.{kept}",
        "a training that fits into the memory of the device",
        "turn gradient_checkpointing on, set clips_per_step to 1, and lower width and height, "
        "frames_per_clip or rank.",
    )
