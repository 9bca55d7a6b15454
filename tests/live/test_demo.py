"""What `make demo` runs: the miniature world in the text-to-video workflow, on a server."""

import numpy as np
import pytest
import torch

from demo import graphs, judge, world
from tools import media, workflow

pytestmark = pytest.mark.skipif(
    not graphs.is_there(), reason="no trained weights: make miniature"
)


def test_the_demo_shows_a_red_circle_that_moves(server):
    prompt = workflow.load("text_to_video")
    graphs.put_in(prompt)
    outputs = server.client.run(prompt)
    saved = outputs[workflow.node_id(prompt, "SaveAnimatedWEBP")]
    frames = np.stack(media.webp_frames(server.base.written_file(saved)))
    pictures = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    found = judge.find(torch.nn.functional.avg_pool2d(pictures, graphs.SHOWN_SIZE // world.SIZE))
    assert found.present.all()
    assert (found.colour == world.COLOURS.index("red")).all()
    steps = (found.place[1:] - found.place[:-1]).norm(dim=1)
    assert steps.mean() < 4 < (found.place[-1] - found.place[0]).norm()
