"""SparseCtrl in sampling: equal to a slow reference, in windows too; off is off, and nothing stays."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalMemberAccess=false

import copy
import gc
import weakref

import comfy.controlnet
import comfy.model_management
import comfy.model_patcher
import pytest
import torch
from adn_testing import probes, sparse, tiny
from adn_testing.sparse import CountingVae, SlowNet, SlowSparse, applied, control_of, hints
from adn_testing.traces import ProcessTrace, model_trace
from adn_testing.unet_call import relative_error
from animatediff_native.conditions.sparse_windows import EmptyWindows
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers import context_handler
from animatediff_native.samplers.clip_run import set_automatic_windows
from animatediff_native.samplers.context_handler import ContextWindows
from animatediff_native.samplers.frame_control import with_control_strengths
from animatediff_native.samplers.windows import Schedule, WindowPlan

pytestmark = pytest.mark.usefixtures("inference")
TOLERANCE = 1e-4  # of the deviation
FRAMES, SHOWN = 10, (0, 3, 9)
KINDS = ["rgb", "scribble"]


def moving(version="v3", plain=None, clips=1):
    """As Apply Motion Module gives a model out."""
    module = tiny.motion_module(version)
    model = apply_motion_module(plain or tiny.model(), module, clips=clips)
    set_automatic_windows(model, module.frames_at_once)
    return model


@pytest.fixture(scope="module")
def animated():
    return moving()


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


def sampled(model, conds, frames=FRAMES, steps=2, **options):
    return tiny.sample(model, frames=frames, steps=steps, **conds, **options)


def windowed(model, length=4, overlap=2, **options):
    return probes.windowed(model, WindowPlan(length, overlap, **options))


def slow_conds(slow):
    return probes.with_control(slow)


def fast(kind, images=None, strength=1.0, vae=None, **options):
    images = hints(FRAMES, SHOWN) if images is None else images
    return applied(sparse.loaded(kind), images, strength, vae=vae or CountingVae(), **options)


PLANS = {
    "whole": None,
    "windows": WindowPlan(4, 2),
    "looped": WindowPlan(4, 2, 2, Schedule.LOOPED),
}


@pytest.mark.parametrize("plan", PLANS)
def test_as_a_slow_reference(animated, kind, plan):
    model = animated if PLANS[plan] is None else probes.windowed(animated, PLANS[plan])
    found = sampled(model, fast(kind, strength=0.7))
    slow = SlowSparse(kind, hints(FRAMES, SHOWN), 0.7)
    assert relative_error(found, sampled(model, slow_conds(slow))) <= TOLERANCE
    assert relative_error(found, sampled(model, {})) > 0.05


@pytest.mark.parametrize("plan", [None, WindowPlan(3, 1)], ids=["whole", "windows"])
def test_prompts_apart(animated, kind, plan, monkeypatch):
    """Cond and uncond go through the UNet one after the other."""
    monkeypatch.setattr(animated.model, "memory_required", lambda *_, **__: 1e18)
    model = animated if plan is None else probes.windowed(animated, plan)
    slow = SlowSparse(kind, hints(FRAMES, SHOWN))
    found = sampled(model, fast(kind))
    assert relative_error(found, sampled(model, slow_conds(slow))) <= TOLERANCE


@pytest.mark.parametrize("shown", [(0, 9), (4,)], ids=["at the ends", "in the middle"])
@pytest.mark.parametrize("empty", EmptyWindows)
def test_windows_without_a_picture(animated, empty, shown, monkeypatch):
    """Alone in a call, and beside a window that has one."""
    model = windowed(animated, 3, 1)
    control = sparse.loaded("rgb").copy()
    control.empty_windows = empty
    images = hints(FRAMES, shown)
    slow = SlowSparse("rgb", images, nearest=empty is EmptyWindows.NEAREST)
    reference = sampled(model, slow_conds(slow))
    conds = applied(control, images, vae=CountingVae())
    assert relative_error(sampled(model, conds), reference) <= TOLERANCE
    monkeypatch.setattr(context_handler, "windows_per_call", lambda *_: 2)
    assert relative_error(sampled(model, conds), reference) <= TOLERANCE


def test_no_picture_at_all_is_the_plain_bits(animated, kind):
    for model in (animated, windowed(animated)):
        conds = fast(kind, hints(FRAMES, ()))
        assert torch.equal(sampled(model, conds), sampled(model, {}))


def test_two_windows_in_one_call(animated, kind, monkeypatch):
    monkeypatch.setattr(context_handler, "windows_per_call", lambda *_: 2)
    model = windowed(animated)
    slow = SlowSparse(kind, hints(FRAMES, SHOWN))
    found = sampled(model, fast(kind))
    assert relative_error(found, sampled(model, slow_conds(slow))) <= TOLERANCE


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("for_each", [False, True], ids=["shared", "for each clip"])
def test_several_clips(kind, windows, for_each):
    """Pictures for the frames of a clip are every clip's; or for each clip its own."""
    model = moving(clips=2)
    if windows:
        model = windowed(model)
    images = hints(2 * FRAMES, (0, 3, 9, 14)) if for_each else hints(FRAMES, SHOWN)
    every = images if for_each else images.repeat(2, 1, 1, 1)
    slow = SlowSparse(kind, every, clip=FRAMES)
    found = sampled(model, fast(kind, images), 2 * FRAMES)
    assert relative_error(found, sampled(model, slow_conds(slow), 2 * FRAMES)) <= TOLERANCE


@pytest.mark.parametrize(
    ("kind", "order"), [("rgb", "depth first"), ("scribble", "depth last")], scope="function"
)
def test_64_frames_in_windows_with_a_depth_control_net(animated, kind, order):
    images, depth = hints(64, (0, 21, 63)), torch.rand(64, 64, 64, 3)
    net, vae = sparse.depth_net(), CountingVae()
    pair = [(sparse.loaded(kind), images, 0.8), (net, depth, 0.6)]
    slow = [SlowSparse(kind, images, 0.8), SlowNet(net, depth, 0.6)]
    if order == "depth first":
        pair.reverse()
        slow.reverse()
    conds = None
    for control, shown, strength in pair:
        given = None if conds is None else (conds["positive"], conds["negative"])
        conds = applied(control, shown, strength, vae=vae, conds=given)
    model = windowed(animated, 16, 4)
    found = sampled(model, conds, 64, steps=1)
    slow[1].set_previous_controlnet(slow[0])
    reference = sampled(model, slow_conds(slow[1]), 64, steps=1)
    assert relative_error(found, reference) <= TOLERANCE
    assert sum(vae.frames) == (3 if kind == "rgb" else 0)


def test_each_picture_is_encoded_once_per_run(animated):
    """Whatever the windows and steps, and those of frames with a picture only."""
    for model in (animated, windowed(animated), windowed(animated, schedule=Schedule.LOOPED)):
        vae = CountingVae()
        conds = fast("rgb", vae=vae)
        first = sampled(model, conds, steps=3)
        assert vae.frames == [len(SHOWN)]
        assert torch.equal(sampled(model, conds, steps=3), first)
        assert vae.frames == [len(SHOWN)] * 2


def test_copies_share_what_was_made(animated):
    """A strength by frame and another conditioning of the same control are copies of it."""
    vae = CountingVae()
    conds = fast("rgb", vae=vae)
    positive, _ = with_control_strengths([conds["positive"], conds["negative"]], [0.5])
    sampled(animated, {"positive": positive, "negative": conds["negative"]})
    assert vae.frames == [len(SHOWN)]


def test_two_sizes_in_a_run(animated):
    """An area of the picture has the whole hint in its own size, as everywhere in the host."""
    vae = CountingVae()
    conds = fast("rgb", vae=vae)
    extra = tiny.conditioning(4, area=(4, 8, 0, 0), control=control_of(conds))
    conds["positive"] = conds["positive"] + extra
    sampled(animated, conds, steps=3)
    assert vae.frames == [len(SHOWN)] * 2


@pytest.mark.parametrize("shape", [(40, 96), (200, 64), (64, 64)])
def test_hints_of_another_size(animated, kind, shape):
    """The middle of them, in the clip's size: a picture that is already so gives the same."""
    wide = hints(FRAMES, SHOWN, 64).movedim(-1, 1)
    fitting = torch.nn.functional.interpolate(wide, (128, 128), mode="nearest").movedim(1, -1)
    padded = torch.rand(FRAMES, 128, 200, 4) * fitting.amax(dim=(1, 2), keepdim=True)
    padded[..., 3:] = fitting[:, :1, :1, 3:]
    padded[:, :, 36:164] = fitting
    assert torch.equal(sampled(animated, fast(kind, padded)), sampled(animated, fast(kind, fitting)))
    resized = torch.nn.functional.interpolate(wide, shape, mode="bilinear").movedim(1, -1)
    resized[..., 3] = (resized[..., 3] > 0).float()
    assert sampled(animated, fast(kind, resized)).isfinite().all()


def test_plain_pictures(animated, kind):
    """One is the clip's first frame, not a window's; as many as frames: all of them."""
    images = hints(FRAMES, range(FRAMES))
    for model in (animated, windowed(animated)):
        one = sampled(model, fast(kind, images[:1, ..., :3]))
        first = hints(FRAMES, ())
        first[0] = images[0]
        assert torch.equal(one, sampled(model, fast(kind, first)))
        every = sampled(model, fast(kind, images[..., :3]))
        assert torch.equal(every, sampled(model, fast(kind, images)))


def test_strength_0_and_no_last_layers_are_the_plain_bits(animated, kind):
    plain = sampled(animated, {})
    for model in (animated, windowed(animated)):
        plain = sampled(model, {})
        assert torch.equal(plain, sampled(model, fast(kind, strength=0)))
        conds = fast(kind)
        for net in {control_of(conds)}:
            net.strength = 0.0
        assert torch.equal(plain, sampled(model, conds))
        zeros = {
            key: torch.zeros_like(tensor)
            for key, tensor in sparse.tensors(kind).items()
            if key.startswith(("controlnet_down_blocks", "controlnet_mid_block"))
        }
        control = sparse.loaded(kind, **zeros)
        images = hints(FRAMES, SHOWN)
        assert torch.equal(plain, sampled(model, applied(control, images, vae=CountingVae())))


def test_motion_strength(animated, kind):
    """0 is a network that sees every frame by itself; 1 the whole."""
    images = hints(FRAMES, SHOWN)

    def of(strength):
        control = sparse.loaded(kind, strength)
        return sampled(animated, applied(control, images, vae=CountingVae()))

    still = {
        key: torch.zeros_like(tensor)
        for key, tensor in sparse.tensors(kind).items()
        if "temporal_transformer.proj_out" in key
    }
    control = sparse.loaded(kind, **still)
    by_itself = sampled(animated, applied(control, images, vae=CountingVae()))
    assert torch.equal(of(0.0), by_itself)
    assert relative_error(of(0.5), of(1.0)) > 0.01


@pytest.mark.parametrize("frames_seen", ["whole", "windows"])
def test_strength_by_frame(animated, kind, frames_seen):
    model = animated if frames_seen == "whole" else windowed(animated)
    values = [0.1 * frame for frame in range(FRAMES)]
    conds = fast(kind)
    positive, negative = with_control_strengths([conds["positive"], conds["negative"]], values)
    found = sampled(model, {"positive": positive, "negative": negative})
    slow = SlowSparse(kind, hints(FRAMES, SHOWN), values)
    assert relative_error(found, sampled(model, slow_conds(slow))) <= TOLERANCE


@pytest.mark.parametrize("percents", [(0.0, 0.4), (0.4, 1.0)])
def test_start_and_end_percent(animated, kind, percents):
    """As a host's ControlNet: in the same steps, and the chain behind it in all of them."""
    log = []
    conds = slow_conds(probes.ProbeControl(probes.numbered(FRAMES), log))
    given = (conds["positive"], conds["negative"])
    conds = fast(kind, percents=percents, conds=given)
    control = control_of(conds)
    calls = []
    control.control_merge = lambda *a, **k: (
        calls.append(1),
        comfy.controlnet.ControlBase.control_merge(control, *a, **k),
    )[1]
    sampled(tiny.model(), conds, steps=5)  # no copies are made there
    assert len(log) == 5 and 0 < len(calls) < 5


def test_without_a_motion_module(kind):
    """A plain checkpoint: its frames are one clip for SparseCtrl."""
    plain = tiny.model()
    found = sampled(plain, fast(kind))
    slow = SlowSparse(kind, hints(FRAMES, SHOWN))
    assert relative_error(found, sampled(plain, slow_conds(slow))) <= TOLERANCE


def test_flat_drawings(animated):
    """A page without a line is no picture of NaN."""
    images = hints(FRAMES, SHOWN)
    images[3, ..., :3] = 0.6
    assert sampled(animated, fast("scribble", images)).isfinite().all()


class _StopHere(Exception):
    pass


@pytest.mark.parametrize("end", ["after a run", "after an error", "after an error in a block"])
def test_nothing_stays(kind, end, monkeypatch):
    plain = tiny.model_that_ran()
    model = windowed(moving(plain=plain))
    conds = fast(kind)
    control = control_of(conds)
    sampled(model, conds)
    encoder = control.control_model

    def trace():
        return (
            model_trace(plain),
            [(name, id(each), sorted(vars(each))) for name, each in encoder.named_modules()],
            sorted(encoder.state_dict()),
            sorted(control.motion.model.state_dict()),
            {k: v for k, v in vars(control).items() if k != "_modules"},
        )

    before, process, made = trace(), ProcessTrace(), []
    new = type(control.hints).anew
    monkeypatch.setattr(
        type(control.hints), "anew", lambda self: made.append(weakref.ref(h := new(self))) or h
    )

    def stop(*_):
        raise _StopHere

    if end == "after a run":
        sampled(model, conds)
    elif end == "after an error":
        with pytest.raises(_StopHere):
            sampled(model, conds, callback=stop)
    else:
        block = control.motion.model.at(list(control.config.motion.channels)[5])
        hook = block.register_forward_pre_hook(stop)
        with pytest.raises(_StopHere):
            sampled(model, conds)
        hook.remove()
    monkeypatch.undo()
    gc.collect()
    assert made and all(each() is None for each in made), "what was encoded stays"
    if end != "after a run":  # the host tidies a ControlNet up after a run that ended well
        sampled(model, conds)
    assert trace() == before
    assert not control.hints._made
    process.assert_unchanged()


def test_a_model_that_is_gone_is_not_loaded_again(animated):
    """The host lists models of a run that broke off until it tidies up, also those that nobody
    holds any more; encoding asks for that list."""
    other = tiny.model()
    comfy.model_management.load_models_gpu([other])
    held = other.model  # its weights, without the patcher
    del other
    gc.collect()
    for entry in comfy.model_management.current_loaded_models:
        entry.currently_used = True
    assert None in comfy.model_management.loaded_models(only_currently_used=True)
    assert held is not None
    vae = CountingVae()
    sampled(animated, fast("rgb", vae=vae))
    assert vae.frames == [len(SHOWN)]
    del held
    gc.collect()
    comfy.model_management.cleanup_models()  # for the tests behind this one
    assert None not in [entry.model for entry in comfy.model_management.current_loaded_models]


def test_what_broke_off_without_a_motion_module_is_made_anew():
    plain, vae = tiny.model(), CountingVae()
    conds = fast("rgb", vae=vae)

    def stop(*_):
        raise _StopHere

    with pytest.raises(_StopHere):
        sampled(plain, conds, callback=stop)
    sampled(plain, conds)
    assert vae.frames == [3, 3] and not control_of(conds).hints._made


def test_models_that_the_host_loads(kind):
    """Encoder and motion modules, once for each in a row; a copy of a control is another's."""
    control = sparse.loaded(kind)
    images, vae = hints(FRAMES, SHOWN), CountingVae()
    first = applied(control, images, vae=vae)
    both = applied(control, images[:1], 0.3, vae=vae, conds=(first["positive"], first["negative"]))
    models = control_of(both).get_models()
    assert len(set(models)) == 2 and len(models) == 4
    assert all(isinstance(each, comfy.model_patcher.ModelPatcher) for each in models)
    assert control.hints is None and control_of(first).hints is not control_of(both).hints
    assert control_of(both).inference_memory_requirements(torch.float16) == 0


def test_another_device(animated, kind):
    """Newer hosts make a control for each device, with networks of its own and what was made of
    the pictures in common."""
    if not hasattr(comfy.controlnet.ControlBase, "deepclone_multigpu"):
        pytest.skip("this host samples on one device")
    vae = CountingVae()
    conds = fast(kind, vae=vae)
    control = control_of(conds)
    clone = control.deepclone_multigpu(torch.device("cpu"), autoregister=True)
    assert not set(clone.get_models()) & {control.control_model_wrapped, control.motion}
    assert clone.hints is control.hints
    theirs, ours = clone.motion.model.state_dict(), control.motion.model.state_dict()
    assert theirs.keys() == ours.keys() and all(torch.equal(theirs[k], ours[k]) for k in ours)
    found = sampled(animated, conds)
    assert sum(vae.frames) == (len(SHOWN) if kind == "rgb" else 0)
    swapped = copy.copy(clone)
    swapped.multigpu_clones = {}
    assert torch.equal(found, sampled(animated, slow_conds(swapped)))


def error_of(run, match):
    with pytest.raises(AnimateDiffError, match=match) as caught:
        run()
    return caught.value


def test_pictures_need_a_vae():
    images = hints(FRAMES, SHOWN)
    said = error_of(lambda: applied(sparse.loaded("rgb"), images), "through a VAE")
    assert "connect the checkpoint's VAE to vae of Apply ControlNet" in said.remedy
    applied(sparse.loaded("scribble"), images)


def test_a_vae_of_another_kind(animated):
    vae = CountingVae()
    vae.encode = lambda pixels: torch.zeros(pixels.shape[0], 16, 8, 8)
    said = error_of(lambda: sampled(animated, fast("rgb", vae=vae)), r"latents of the shape \[16")
    assert "checkpoint's VAE" in said.remedy


@pytest.mark.parametrize("policy", [None, *context_handler.HintCount])
@pytest.mark.parametrize("count", [4, 12])
def test_another_number_of_hints(animated, kind, count, policy):
    """Held or looped, frames without a picture would get one: an error, whatever is set."""
    model = animated
    if policy is not None:
        model = animated.clone()
        windows = ContextWindows(WindowPlan(4, 2), hint_count=policy)
        probes.set_windows(model, windows)
    conds = fast(kind, hints(count, (0,)))
    said = error_of(lambda: sampled(model, conds), f"{count} images of Sparse Frames, .* {FRAMES} frames")
    assert "Sparse Frames" in said.remedy
    said = error_of(lambda: sampled(tiny.model(), conds), f"{count} images of Sparse Frames, .* {FRAMES} frames")


def test_more_frames_at_once_than_positions(kind):
    """Before the first call of the UNet: by the motion modules' table, whatever the motion
    module of the model can see."""
    calls = []
    lcm = moving("AnimateLCM")
    lcm.set_model_unet_function_wrapper(lambda f, a: calls.append(1) or f(a["input"], a["timestep"], **a["c"]))  # fmt: skip
    conds = fast(kind, hints(40, (0,)))
    said = error_of(lambda: sampled(lcm, conds, 40), "this clip has 40 frames.* can see 32")
    assert "put Context Windows" in said.remedy and not calls
    model = windowed(lcm, 36, 4)
    said = error_of(lambda: sampled(model, conds, 40), "a context window has 36 frames")
    assert "context_length of Context Windows to 16" in said.remedy and not calls


def test_a_model_of_another_kind(kind):
    wide = tiny.model(context_dim=24)
    conds = fast(kind, conds=([[torch.zeros(1, 7, 24), {}]], [[torch.zeros(1, 7, 24), {}]]))
    said = error_of(lambda: sampled(wide, conds), "prompts of the size 16; the model's are .* 24")
    assert "SD1.5" in said.remedy


def test_a_scribble_one_from_the_hosts_loader(animated):
    """The host drops its motion modules, and fails in the middle of the first step."""
    loader = comfy.controlnet.ControlNet(sparse.loaded("scribble").control_model)
    images = torch.rand(FRAMES, 64, 64, 3)
    chained = applied(sparse.depth_net(), images)
    for conds in (None, (chained["positive"], chained["negative"])):
        made = applied(loader, images, conds=conds)
        for model in (animated, windowed(animated)):
            said = error_of(lambda m=model, c=made: sampled(m, c), "SparseCtrl for scribbles")
            assert "replace Load ControlNet Model by Load SparseCtrl" in said.remedy
