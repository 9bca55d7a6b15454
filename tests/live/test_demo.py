"""What `make demo` runs: the miniature world in the text-to-video workflow, on a server."""

import numpy as np
import pytest
import torch

from demo import graphs, judge, world
from tools import media, workflow
from tools.base_directory import BaseDirectory
from tools.server import ComfyServer

pytestmark = pytest.mark.skipif(
    not graphs.is_there(), reason="no trained weights: make miniature"
)


@pytest.fixture(scope="module")
def demo_server(host_tree, tmp_path_factory):
    base = BaseDirectory(tmp_path_factory.mktemp("demo"))
    base.make(extension=True)
    graphs.install(base)
    with ComfyServer(host_tree, base, cpu=True) as running:
        yield running


def test_the_demo_shows_a_red_circle_that_moves(demo_server):
    prompt = workflow.load("text_to_video")
    graphs.put_in(prompt)
    outputs = demo_server.client.run(prompt)
    saved = outputs[workflow.node_id(prompt, "SaveAnimatedWEBP")]
    frames = np.stack(media.webp_frames(demo_server.base.written_file(saved)))
    pictures = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    found = judge.find(torch.nn.functional.avg_pool2d(pictures, graphs.SHOWN_SIZE // world.SIZE))
    assert found.present.all()
    assert (found.colour == world.COLOURS.index("red")).all()
    steps = (found.place[1:] - found.place[:-1]).norm(dim=1)
    assert steps.mean() < 4 < (found.place[-1] - found.place[0]).norm()
