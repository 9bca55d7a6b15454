"""A workflow that the page has open, brought to a size that a CPU samples in seconds."""

from tools.standins import StandIns

from .comfy_page import ComfyPage

FRAMES, SIZE, STEPS = 8, 64, 2


def make_small(page: ComfyPage, standins: StandIns, latent: bool = True) -> None:
    """Sets the widgets as a user would who has these files; latent: whether the clip's is empty."""
    empty = {"EmptyLatentImage": {"width": SIZE, "height": SIZE, "batch_size": FRAMES}}
    page.set_widgets(
        {
            "CheckpointLoaderSimple": {"ckpt_name": standins.checkpoint.name},
            "ADN_LoadMotionModule": {"motion_module": standins.motion_module.name},
            "KSampler": {"steps": STEPS},
            **(empty if latent else {}),
        }
    )
