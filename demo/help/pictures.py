"""Every node's picture. Needs the host, whose functions some of them draw."""

from collections.abc import Callable

from PIL import Image

from . import by_frame, images, long_clips, models, space_time, trajectories

PICTURES: dict[str, Callable[[], Image.Image]] = {
    **models.PICTURES,
    **images.PICTURES,
    **by_frame.PICTURES,
    **long_clips.PICTURES,
    **space_time.PICTURES,
    **trajectories.PICTURES,
}
