"""MotionLoRAs that a training goes on from, as one."""

from comfy.model_patcher import ModelPatcher

from ..lora.chain import MotionLora, MotionLoraChain
from ..lora.compose import compose
from ..lora.fit import fitting_pairs
from ..motion.application import applications
from ..motion.errors import AnimateDiffError
from .motion_lora import attention_layers, the_motion_network


def start_from(chain: MotionLoraChain | None, model: ModelPatcher, rank: int) -> MotionLora | None:
    """The composition of the chain, if there is one; AnimateDiffError where a training of this
    rank on this model cannot go on from it."""
    if not chain:
        return None
    lora = MotionLora(" + ".join(use.lora.file for use in chain), compose(chain))
    (application,) = applications(model)
    pairs = fitting_pairs(lora, application.config, application.file)
    trained = {key for key, _ in attention_layers(the_motion_network(model))}
    beside = [key for key in pairs if key not in trained]
    if beside:
        raise AnimateDiffError(
            f"'{lora.file}' changes {len(beside)} weights beside the temporal attention, such as "
            f"{beside[0]}.",
            "a MotionLoRA of the temporal attention alone, as the official files are",
            "give it to Apply Motion Module instead: it then takes part while another one is "
            "trained.",
        )
    largest = max(pair.rank for pair in pairs.values())
    if largest > rank:
        raise AnimateDiffError(
            f"rank is {rank}, and '{lora.file}' has rank {largest}.",
            f"a rank of at least {largest} to go on from it",
            f"set rank to {largest}, or make it smaller first: Save MotionLoRA with rank {rank}, "
            "then Load MotionLoRA.",
        )
    return MotionLora(lora.file, pairs)
