"""The clips that Tora is trained with in the miniature world, and their flow."""

# The host is typed loosely.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from types import SimpleNamespace

import torch
from animatediff_native.motion.config import sd15_sites
from animatediff_native.trajectories.flow import SCALE
from animatediff_native.trajectories.tora_files import read_trajectory_control, structure_of
from animatediff_native.trajectories.tora_network import Design, Structure

from demo import judge, tora, world

PAIRS = 12
PIXEL = SCALE / world.SIZE  # the flow of a pixel a frame


def places(frames):
    return torch.stack([torch.stack([at.x, at.y], dim=1) for at in frames], dim=1)


def test_clips_go_straight_in_the_picture_and_their_opposites_beside_them():
    frames = tora.straight_clips(PAIRS, seed=3)
    place, radius = places(frames), frames[0].radius[:, None, None]
    assert place.shape == (2 * PAIRS, world.FRAMES, 2)
    assert (place >= radius + 1.99).all() and (place <= world.SIZE - radius - 1.99).all()
    assert torch.allclose(place[:PAIRS], world.SIZE - place[PAIRS:], atol=1e-4)
    assert (place.diff(n=2, dim=1).abs() < 1e-3).all()
    length = (place[:, -1] - place[:, 0]).norm(dim=1)
    assert length.min() < 14 and length.max() > 28
    assert frames[0].prompts()[:PAIRS] == frames[-1].prompts()[PAIRS:]


def test_both_flows_tell_the_way_since_the_frame_before():
    frames = tora.straight_clips(PAIRS, seed=3)
    way = places(frames).diff(dim=1) * PIXEL  # [N, F - 1, 2]
    dense, sparse = tora.dense_flow(frames), tora.sparse_flow(frames)
    for flow in (dense, sparse):
        assert flow.shape == (2 * PAIRS, world.FRAMES, 2, world.SIZE, world.SIZE)
        assert not flow[:, 0].any()
        peak = torch.maximum(flow.amax((3, 4)), -flow.amin((3, 4)))[:, 1:]
        torch.testing.assert_close(peak, way.abs(), atol=1e-4, rtol=1e-3)
    covered = torch.stack([world.silhouettes(at) for at in frames[:-1]], dim=1)
    torch.testing.assert_close(dense[:, 1:].sum((3, 4)), way * covered.sum((2, 3))[..., None])


def test_the_path_of_sparse_flow_is_that_of_the_centre_of_mass():
    """Which clips are measured by: of a triangle it is not the middle."""
    frames = tora.straight_clips(PAIRS, seed=3)
    speed = tora.sparse_flow(frames)[:, 5].norm(dim=1)  # [N, H, W]
    pixel = speed.flatten(1).argmax(1)
    found = judge.find(world.draw(frames[4])).place
    at = torch.stack([pixel % world.SIZE, pixel // world.SIZE], dim=1) + 0.5
    assert (at - found).abs().max() <= 1.0


def test_a_training_begins_with_a_whole_file_that_has_the_autoencoders_encoder():
    found = tora.train_autoencoder(2, 1e-3, seed=5)
    encoder = tora.encoder_of(found)
    flow = torch.randn(2, 2, world.SIZE, world.SIZE)
    assert encoder(flow).shape == (2, tora.LATENTS, 8, 8)
    config = SimpleNamespace(channels=dict.fromkeys(sd15_sites(mid_block=False), 64))
    begun = tora.begin(SimpleNamespace(config=config), Design.CROSS, found, seed=7)
    assert read_trajectory_control(begun, "begun.safetensors").keys() == begun.keys()
    assert structure_of(begun) == Structure(
        Design.CROSS, (64,) * 4, tora.FEATURES, tora.LATENTS, tora.HIDDEN
    )
    assert torch.equal(begun["flow_encoder.conv_in.weight"], found["encoder.conv_in.weight"])
