"""Noise by Frame, Noise Layer, Noise for KSampler and FreeInit, as the host calls them."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOperatorIssue=false

import comfy_extras.nodes_custom_sampler as custom
import pytest
import torch
from adn_testing import probes, tiny
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.free_init import FreeInit
from animatediff_native.nodes.noise import FrameNoise, NoiseLayer, UseNoise
from comfy.patcher_extension import WrappersMP

import nodes

pytestmark = pytest.mark.usefixtures("inference")
LATENT = {"samples": torch.zeros(4, 4, 8, 8)}

CONTRACT = {
    FrameNoise: (
        "ADN_FrameNoise",
        ["seed", "kind", "seeds", "context_length", "share", "first_frame"],
        ["NOISE"],
    ),
    NoiseLayer: (
        "ADN_NoiseLayer",
        ["noise", "layer", "mix", "weight", "first_frame", "last_frame", "area", "balance"],
        ["NOISE"],
    ),
    UseNoise: ("ADN_UseNoise", ["model", "noise"], ["MODEL"]),
    FreeInit: (
        "ADN_FreeInit",
        [
            "model",
            "iterations",
            "filter",
            "spatial_cutoff",
            "temporal_cutoff",
            "order",
            "seed_offset",
        ],
        ["MODEL"],
    ),
}


@pytest.mark.parametrize("node", CONTRACT)
def test_ids_and_names(node):
    schema = node.GET_SCHEMA()
    name, inputs, outputs = CONTRACT[node]
    assert schema.node_id == name
    assert [one.id for one in schema.inputs] == inputs
    assert [one.io_type for one in schema.outputs] == outputs
    assert all(one.tooltip for one in (*schema.inputs, *schema.outputs)) and schema.description


def frame_noise(seed=3, kind="independent", seeds="", context_length=16, share=0.5):
    return FrameNoise.execute(seed, kind, seeds, context_length, share)[0]


def drawn(noise, latent=None):
    return noise.generate_noise(latent or LATENT)


def test_every_kind_by_name():
    host = custom.Noise_RandomNoise(3)
    assert torch.equal(drawn(frame_noise()), drawn(host))
    assert frame_noise().seed == 3
    assert not drawn(frame_noise(kind="none")).any()
    made = drawn(frame_noise(kind="seed per frame", seeds="9, 3, 9, 4"))
    assert torch.equal(made[1:2], drawn(host, {"samples": LATENT["samples"][:1]}))
    assert torch.equal(made[0], made[2]) and not torch.equal(made[0], made[3])
    made = drawn(frame_noise(kind="repeated", context_length=3))
    assert torch.equal(made[3], made[0]) and torch.equal(made[:3], drawn(host)[:3])
    made = drawn(frame_noise(kind="constant"))
    assert torch.equal(made, made[:1].expand(4, -1, -1, -1))
    made = drawn(frame_noise(kind="common", share=1.0))
    assert torch.equal(made, made[:1].expand(4, -1, -1, -1))


def test_seeds_that_are_none_are_found_by_the_node():
    with pytest.raises(AnimateDiffError, match="'seven', which is no seed"):
        frame_noise(kind="seed per frame", seeds="5, 6, seven")
    with pytest.raises(AnimateDiffError, match=r"2 numbers.* 4 frames"):
        drawn(frame_noise(kind="seed per frame", seeds="5, 6"))


def test_a_layer_over_the_hosts_noise():
    host = custom.Noise_RandomNoise(3)
    added = frame_noise(8)
    mask = torch.ones(1, 16, 16)
    layered = NoiseLayer.execute(host, added, "weighted", 0.4, -2, -1, mask, 0.5)[0]
    made = drawn(layered)
    assert torch.equal(made[:2], drawn(host)[:2])
    expected = 0.8 * drawn(host)[2:] + 0.4 * drawn(added)[2:]
    assert torch.allclose(made[2:], expected, atol=1e-6)
    whole = NoiseLayer.execute(host, added, "replace", 0.5, 0, -1)[0]
    assert torch.equal(drawn(whole), drawn(added))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"last_frame": 4}, "last_frame of Noise Layer is 4, and the clip has 4 frames"),
        ({"first_frame": -5}, "first_frame of Noise Layer is -5, and the clip has 4 frames"),
        ({"area": torch.ones(3, 8, 8)}, "area of Noise Layer has 3 masks, and the clip has 4 frames"),
    ],
)
def test_a_layer_that_does_not_fit_the_clip_stops_before_sampling(settings, message):
    settings = {"first_frame": 0, "last_frame": -1, **settings}
    layered = NoiseLayer.execute(
        noise=frame_noise(1), layer=frame_noise(2), mix="replace", weight=0.5, **settings
    )[0]
    model, calls = probes.trivial(), []
    model.add_wrapper_with_key(
        WrappersMP.APPLY_MODEL, "probe", lambda *args, **kwargs: calls.append(args)
    )
    with pytest.raises(AnimateDiffError, match=message):
        ksampler(UseNoise.execute(model, layered)[0])
    assert calls == []


def ksampler(model, denoise=1.0):
    return nodes.KSampler().sample(
        model, 3, 2, 1.0, "euler", "normal", tiny.conditioning(1), tiny.conditioning(3), LATENT,
        denoise,
    )[0]["samples"]  # fmt: skip


def test_noise_for_ksampler():
    model = probes.trivial()
    assert torch.equal(ksampler(UseNoise.execute(model, frame_noise(3))[0]), ksampler(model))
    other = ksampler(UseNoise.execute(model, frame_noise(4))[0])
    assert not torch.equal(other, ksampler(model))
    assert not model.wrappers.get(WrappersMP.OUTER_SAMPLE)


def free_init(model, iterations=3, filter="butterworth", cutoffs=(0.25, 0.25), order=4, offset=1):
    return FreeInit.execute(model, iterations, filter, *cutoffs, order, offset)[0]


@pytest.mark.parametrize("filter", ["butterworth", "gaussian", "ideal"])
def test_free_init(filter):
    model = probes.trivial()
    made = ksampler(free_init(model, filter=filter))
    assert torch.isfinite(made).all() and not torch.equal(made, ksampler(model))
    assert torch.equal(ksampler(free_init(model, 1, filter)), ksampler(model))
    assert not model.wrappers.get(WrappersMP.OUTER_SAMPLE)


def test_free_init_says_what_it_cannot_begin_again():
    with pytest.raises(AnimateDiffError, match="begins at sigma") as raised:
        ksampler(free_init(probes.trivial()), denoise=0.5)
    assert "denoise to 1" in raised.value.remedy
