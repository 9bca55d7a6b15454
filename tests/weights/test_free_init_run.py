"""FreeInit under the host's samplers, against rounds of host sampling calls written out."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalMemberAccess=false

import logging
from fractions import Fraction

import comfy.model_management
import comfy.sample
import comfy.samplers
import comfy.utils
import comfy_extras.nodes_custom_sampler as custom
import comfy_extras.nodes_model_advanced as advanced
import numpy as np
import pytest
import torch
from adn_testing import probes, tiny
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.free_noise import FreeNoise
from animatediff_native.samplers.clip_run import set_windows
from animatediff_native.samplers.context_handler import ContextWindows
from animatediff_native.samplers.frame_noise import NoiseKind
from animatediff_native.samplers.free_init import FreeInit, LowPass
from animatediff_native.samplers.noise_run import KEY, frame_noise, use_free_init, use_noise
from animatediff_native.samplers.run_progress import ROUND_KEY
from animatediff_native.samplers.windows import Schedule, WindowPlan
from comfy.patcher_extension import WrappersMP

import nodes

pytestmark = pytest.mark.usefixtures("inference")
FRAMES, SEED, STEPS, SCALE = 8, 5, 2, 0.18215


@pytest.fixture(scope="module")
def plain():
    return probes.trivial()


@pytest.fixture(scope="module")
def animated():
    return apply_motion_module(tiny.model(), tiny.motion_module("v3"), strength=0.7)


def ksampler(model, latent=None, noise=None, seed=SEED, **settings):
    """KSampler; with a noise given, what KSampler does with it."""
    latent = torch.zeros(FRAMES, 4, 8, 8) if latent is None else latent
    if noise is None:
        noise = comfy.sample.prepare_noise(latent, seed)
    options = {
        "steps": STEPS,
        "cfg": 4.0,
        "sampler_name": "euler",
        "scheduler": "normal",
        "positive": tiny.conditioning(1),
        "negative": tiny.conditioning(3),
        "disable_pbar": True,
    }
    return comfy.sample.sample(
        model, noise, latent_image=latent, seed=seed, **{**options, **settings}
    )


def slow_loop(model, settings, latent=None, noise=None, fresh=None, clips=1, **options):
    """Rounds as the paper has them, in double precision, with one sampling call each."""
    latent = torch.zeros(FRAMES, 4, 8, 8) if latent is None else latent
    first = comfy.sample.prepare_noise(latent, SEED) if noise is None else noise
    sigma = float(model.get_model_object("model_sampling").sigma_max)
    a = 1 / (1 + sigma**2)
    frames, (height, width) = latent.shape[0] // clips, latent.shape[2:]
    kept = np.fft.ifftshift(slow_filter(settings, frames, height, width))[:, None]
    start, seed = first, SEED
    for round in range(settings.iterations):
        if round:
            seed += settings.seed_offset
            noised = a**0.5 * SCALE * clean.double() + (1 - a) ** 0.5 * first.double()  # noqa: F821
            new = comfy.sample.prepare_noise(latent, seed) if fresh is None else fresh(seed)
            mix = [
                np.fft.ifftn(
                    kept * np.fft.fftn(one.numpy(), axes=(0, 2, 3))
                    + (1 - kept) * np.fft.fftn(other.double().numpy(), axes=(0, 2, 3)),
                    axes=(0, 2, 3),
                ).real
                for one, other in zip(noised.split(frames), new.split(frames), strict=True)
            ]
            # what the host adds besides, at the same scale
            mix = torch.from_numpy(np.concatenate(mix)) - a**0.5 * SCALE * latent.double()
            start = mix.float()
        clean = ksampler(model, latent, start, seed, **options)
    return clean


def slow_filter(settings, frames, height, width):
    kept = np.zeros((frames, height, width))
    s, t = settings.spatial_cutoff, settings.temporal_cutoff
    for i, j, k in np.ndindex(frames, height, width):
        squared = (s / t * (2 * i / frames - 1)) ** 2
        squared += (2 * j / height - 1) ** 2 + (2 * k / width - 1) ** 2
        kept[i, j, k] = {
            LowPass.BUTTERWORTH: 1 / (1 + (squared / s**2) ** settings.order),
            LowPass.GAUSSIAN: np.exp(-squared / (2 * s**2)),
            LowPass.IDEAL: squared <= 2 * s,
        }[settings.filter]
    return kept


def close(made, expected):
    """Single precision against double, through a few model calls."""
    return float((made - expected).std()) < 1e-4 * float(expected.std())


SETTINGS = [
    FreeInit(),
    FreeInit(2, LowPass.GAUSSIAN, 0.4, 0.2, 1, 7),
    FreeInit(4, LowPass.IDEAL, 0.3, 0.5, 4, 0),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda one: one.filter.value)
def test_rounds_are_sampling_calls(animated, settings):
    made = ksampler(use_free_init(animated, settings))
    assert close(made, slow_loop(animated, settings))
    assert (made - ksampler(animated)).std() > 0.1 * made.std()


@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_2m_sde", "uni_pc", "lcm", "heun"])
def test_rounds_of_other_samplers(plain, sampler):
    """Those that draw noise at their steps draw by the seed of the round."""
    model = use_free_init(plain, FreeInit())
    expected = slow_loop(plain, FreeInit(), sampler_name=sampler, scheduler="karras")
    assert close(ksampler(model, sampler_name=sampler, scheduler="karras"), expected)


@pytest.mark.parametrize("schedule", [Schedule.STATIC, Schedule.LOOPED])
def test_rounds_are_of_the_clip_and_not_of_its_windows(animated, schedule):
    windowed = probes.windowed(animated, WindowPlan(4, 2, schedule=schedule))
    made = ksampler(use_free_init(windowed, FreeInit(2)), steps=1)
    assert close(made, slow_loop(windowed, FreeInit(2), steps=1))
    other_way = use_free_init(animated, FreeInit(2))
    set_windows(other_way, ContextWindows(WindowPlan(4, 2, schedule=schedule)))
    assert torch.equal(ksampler(other_way, steps=1), made)


def test_before_and_after_apply_motion_module(animated):
    module = tiny.motion_module("v3")
    before = apply_motion_module(use_free_init(tiny.model(), FreeInit()), module, strength=0.7)
    assert torch.equal(ksampler(before), ksampler(use_free_init(animated, FreeInit())))


def test_clips_of_a_batch_are_mixed_each_by_itself():
    model = apply_motion_module(tiny.model(), tiny.motion_module("v2"), clips=2)
    made = ksampler(use_free_init(model, FreeInit()))
    assert close(made, slow_loop(model, FreeInit(), clips=2))
    assert not close(made, slow_loop(model, FreeInit()))


def test_a_batch_that_is_no_whole_number_of_clips():
    model = use_free_init(
        apply_motion_module(tiny.model(), tiny.motion_module("v2"), clips=2), FreeInit()
    )
    with pytest.raises(AnimateDiffError, match="the latent has 7 frames"):
        ksampler(model, torch.zeros(7, 4, 8, 8))


def test_one_round_is_a_run_as_it_was(animated):
    once = use_free_init(animated, FreeInit(1))
    assert torch.equal(ksampler(once), ksampler(animated))
    assert torch.equal(ksampler(once, denoise=0.5), ksampler(animated, denoise=0.5))
    assert KEY not in once.wrappers[WrappersMP.OUTER_SAMPLE]
    assert KEY not in animated.wrappers[WrappersMP.OUTER_SAMPLE]


def test_the_last_node_decides(plain):
    twice = use_free_init(use_free_init(plain, FreeInit(5)), FreeInit(2))
    assert torch.equal(ksampler(twice), ksampler(use_free_init(plain, FreeInit(2))))
    off = use_free_init(twice, FreeInit(1))
    assert torch.equal(ksampler(off), ksampler(plain))


def test_keeping_nothing_is_a_run_of_the_last_seed(plain):
    model = use_free_init(plain, FreeInit(3, spatial_cutoff=0.0, seed_offset=4))
    expected = ksampler(plain, seed=SEED + 8)
    assert torch.allclose(ksampler(model), expected, atol=1e-5 * float(expected.std()))


def test_over_a_clip_at_full_denoise(animated):
    """The host adds the latent to the noise; the mix is what a round starts from all the same."""
    latent = 3 * tiny.noise(FRAMES, seed=9)
    made = ksampler(use_free_init(animated, FreeInit()), latent)
    assert close(made, slow_loop(animated, FreeInit(), latent))


def test_a_noise_mask_keeps_what_it_covers(animated):
    latent = 3 * tiny.noise(FRAMES, seed=9)
    mask = torch.zeros(1, 64, 64)
    mask[..., :32] = 1.0
    made = ksampler(use_free_init(animated, FreeInit()), latent, noise_mask=mask)
    assert torch.allclose(made[..., 4:], latent[..., 4:], atol=1e-4)
    assert close(made, slow_loop(animated, FreeInit(), latent, noise_mask=mask))


def prompts_with_everything(log):
    """Areas in percent, masks and ControlNets on one side: what the host fits in place."""
    hints = probes.numbered(FRAMES)
    control = probes.ProbeControl(hints, log)
    area = {"area": ("percentage", 0.5, 0.5, 0.25, 0.25), "strength": 0.7}
    masked = {"mask": torch.rand(FRAMES, 64, 64, generator=torch.Generator().manual_seed(1))}
    late = {"start_percent": 0.3, "end_percent": 1.0}
    positive = [
        *tiny.conditioning(1, control=control, control_apply_to_uncond=True),
        *tiny.conditioning(4, **area),
        *tiny.conditioning(6, **masked),
        *tiny.conditioning(7, **late),
    ]
    return {"positive": positive, "negative": tiny.conditioning(3)}


def test_conditionings_are_as_fresh_as_in_the_first_round(plain):
    log, counts = [], []
    model = use_free_init(plain, FreeInit())

    def count(executor, guider, *args, **kwargs):
        counts.append({name: [sorted(c) for c in conds] for name, conds in guider.conds.items()})
        return executor(guider, *args, **kwargs)

    model.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, "probe", count)
    made = ksampler(model, **prompts_with_everything(log))
    assert len(counts) == 3 and counts[0] == counts[1] == counts[2]
    calls = len(log) // 3
    hints = [[hint.tolist() for _, hint in log[i * calls : (i + 1) * calls]] for i in range(3)]
    assert calls and hints[0] == hints[1] == hints[2]
    assert close(made, slow_loop(plain, FreeInit(), **prompts_with_everything([])))


def test_what_the_user_connects_is_left_alone(plain):
    log = []
    prompts = prompts_with_everything(log)
    before = [dict(extra) for _, extra in prompts["positive"]]
    ksampler(use_free_init(plain, FreeInit()), **prompts)
    for (_, after), had in zip(prompts["positive"], before, strict=True):
        assert after.keys() == had.keys()
    control = prompts["positive"][0][1]["control"]
    assert control.cond_hint is None  # the host has cleaned up


def test_controls_in_windows_and_rounds(plain):
    windowed = probes.windowed(plain, WindowPlan(4, 2))
    made = ksampler(
        use_free_init(windowed, FreeInit()),
        **probes.with_control(probes.ProbeControl(probes.numbered(FRAMES), [])),
    )
    prompts = probes.with_control(probes.ProbeControl(probes.numbered(FRAMES), []))
    assert close(made, slow_loop(windowed, FreeInit(), **prompts))


def starts_of(model):
    """The noise that each round begins from."""
    noted = []

    def note(executor, noise, *args, **kwargs):
        noted.append(noise.clone().cpu())
        return executor(noise, *args, **kwargs)

    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, "probe", note)
    return noted


@pytest.mark.parametrize("order", ["noise first", "rounds first"])
def test_noise_for_ksampler_is_what_the_first_round_starts_from(plain, order):
    noise = frame_noise(seed=30, kind=NoiseKind.SEED_PER_FRAME)
    if order == "noise first":
        model = use_free_init(use_noise(plain, noise), FreeInit())
    else:
        model = use_noise(use_free_init(plain, FreeInit()), noise)
    starts, made = starts_of(model), ksampler(model)
    drawn = noise.generate_noise({"samples": torch.zeros(FRAMES, 4, 8, 8)})
    assert torch.equal(starts[0], drawn) and not torch.equal(starts[1], drawn)
    assert close(made, slow_loop(plain, FreeInit(), noise=drawn))


def test_frames_with_one_noise_get_one_fresh_noise(plain):
    """So that windows keep what FreeNoise gives them."""
    model = use_free_init(plain, FreeInit(2, spatial_cutoff=0.0))
    starts = starts_of(model)
    latent = FreeNoise.execute({"samples": torch.zeros(12, 4, 8, 8)}, 4, 1, 3)[0]
    nodes.KSampler().sample(
        model, SEED, 1, 1.0, "euler", "normal", tiny.conditioning(1), tiny.conditioning(3), latent
    )
    order = latent["batch_index"]
    for start in starts:
        for frame, number in enumerate(order):
            assert torch.allclose(start[frame], start[order.index(number)], atol=1e-5)
    assert not torch.allclose(starts[0], starts[1], atol=0.1)


def test_v_prediction_with_zero_terminal_snr(plain):
    """Hardly any of the clip is in the noise there; the maths holds. Compared is what rounds start
    from: single precision is coarse at sigma 4500."""
    model = advanced.ModelSamplingDiscrete().patch(plain, "v_prediction", True)[0]
    rounds = use_free_init(model, FreeInit())
    made, expected = starts_of(rounds), starts_of(model)
    ksampler(rounds)
    slow_loop(model, FreeInit())
    assert len(made) == 3 and all(map(close, made, expected))


# Runs that cannot be begun again


def stage(model, add_noise="enable", start=0, end=10000, leftover="disable"):
    latent = {"samples": torch.ones(FRAMES, 4, 8, 8)}
    return nodes.KSamplerAdvanced().sample(
        model, add_noise, SEED, 4, 1.0, "euler", "normal", tiny.conditioning(1),
        tiny.conditioning(3), latent, start, end, leftover,
    )  # fmt: skip


def no_noise(model):
    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(tiny.conditioning(1), tiny.conditioning(3))
    latent = torch.zeros(FRAMES, 4, 8, 8)
    noise = custom.Noise_EmptyNoise().generate_noise({"samples": latent})
    sampler = comfy.samplers.sampler_object("euler")
    return guider.sample(noise, latent, sampler, torch.tensor([14.6146, 0.0]), seed=1)


REFUSED = {
    "denoise": (lambda m: ksampler(m, denoise=0.6), r"begins at sigma \d.*schedule at 14.61"),
    "ddim_uniform": (lambda m: ksampler(m, scheduler="ddim_uniform"), "begins at sigma"),
    "second stage": (lambda m: stage(m, start=2), "begins at sigma"),
    "no noise": (no_noise, "adds no noise"),
    "add_noise off": (lambda m: stage(m, "disable"), "adds no noise"),
    "first stage": (lambda m: stage(m, end=2, leftover="enable"), "ends at sigma"),
    "5 dimensions": (
        lambda m: ksampler(m, noise=torch.ones(1, 4, 8, 8, 8), latent=torch.zeros(1, 4, 8, 8, 8)),
        "the latent has 5 dimensions",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_sampling(plain, case):
    run, message = REFUSED[case]
    model, calls = use_free_init(plain, FreeInit()), []
    model.add_wrapper_with_key(
        WrappersMP.OUTER_SAMPLE, "probe", lambda *args, **kwargs: calls.append(args)
    )
    with pytest.raises(AnimateDiffError, match=message):
        run(model)
    assert calls == []


def test_flow_models_are_refused(plain):
    model = plain.clone()
    advanced_node = advanced.ModelSamplingSD3()
    model = use_free_init(advanced_node.patch(model, 3.0)[0], FreeInit())
    with pytest.raises(AnimateDiffError, match="starts from 1 times its noise at sigma 1"):
        ksampler(model)


# What is seen, and what is left behind


@pytest.fixture
def told(monkeypatch):
    """All (value, total) that the host's hook gets; newer hosts thin them out."""
    for limit in ("INTERVAL", "PERCENT"):
        monkeypatch.setattr(comfy.utils, f"PROGRESS_THROTTLE_MIN_{limit}", 0, raising=False)
    messages, before = [], comfy.utils.PROGRESS_BAR_HOOK
    comfy.utils.set_progress_bar_global_hook(
        lambda value, total, preview, node_id=None: messages.append((value, total))
    )
    yield messages
    comfy.utils.set_progress_bar_global_hook(before)


def node(model, frames=FRAMES):
    latent = {"samples": torch.zeros(frames, 4, 8, 8)}
    return nodes.KSampler().sample(
        model, SEED, STEPS, 4.0, "euler", "normal", tiny.conditioning(1), tiny.conditioning(3),
        latent,
    )[0]["samples"]  # fmt: skip


def test_progress_goes_over_all_rounds(plain, told):
    node(use_free_init(plain, FreeInit()))
    assert told == [(step, 3 * STEPS) for step in range(1, 3 * STEPS + 1)]


def test_progress_of_windows_goes_over_all_rounds(plain, told):
    plan = WindowPlan(4, 1)
    node(use_free_init(probes.windowed(plain, plan), FreeInit()), 16)
    parts = [Fraction(value, total) for value, total in told]
    assert parts == sorted(parts) and parts[-1] == 1
    whole = 3 * STEPS * len(plan.windows(16))
    assert {value for value, total in told if total == whole} == {*range(1, whole + 1)}


def test_the_callback_sees_whose_step_it_is(plain):
    seen = []
    ksampler(use_free_init(plain, FreeInit()), callback=lambda i, x0, x, n: seen.append((i, n)))
    assert seen == [(step, 3 * STEPS) for step in range(3 * STEPS)]


def test_a_line_per_round(animated, caplog):
    caplog.set_level(logging.INFO, logger="animatediff_native")
    ksampler(use_free_init(animated, FreeInit()))
    messages = [record.message for record in caplog.records]
    rounds = [line for line in messages if "FreeInit" in line]
    assert rounds == [f"AnimateDiff: FreeInit, round {i} of 3" for i in (1, 2, 3)]
    assert len([line for line in messages if "v3.safetensors" in line]) == 3


@pytest.mark.parametrize(
    "error", [RuntimeError, comfy.model_management.InterruptProcessingException]
)
def test_a_run_that_ends_early_leaves_nothing(animated, error):
    base = animated.model.diffusion_model
    names, tree = list(base.state_dict()), [name for name, _ in base.named_modules()]
    model, calls = use_free_init(animated, FreeInit(2)), []
    expected = ksampler(model)

    def fail_in_the_second_round(executor, *args, **kwargs):
        calls.append(1)
        if len(calls) == STEPS + 1:
            raise error
        return executor(*args, **kwargs)

    failing = model.clone()
    failing.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "fails", fail_in_the_second_round)
    guider = comfy.samplers.CFGGuider(failing)
    guider.set_conds(tiny.conditioning(1), tiny.conditioning(3))
    latent = torch.zeros(FRAMES, 4, 8, 8)
    sigmas = comfy.samplers.calculate_sigmas(
        failing.get_model_object("model_sampling"), "normal", STEPS
    )
    with pytest.raises(error):
        guider.sample(
            tiny.noise(FRAMES), latent, comfy.samplers.sampler_object("euler"), sigmas, seed=1
        )
    assert list(base.state_dict()) == names
    assert [name for name, _ in base.named_modules()] == tree
    assert ROUND_KEY not in guider.model_options["transformer_options"]
    assert ROUND_KEY not in failing.model_options["transformer_options"]
    assert torch.equal(ksampler(model), expected)


def test_nothing_of_a_round_stays_in_the_options(plain):
    options = []

    def note(executor, *args, **kwargs):
        options.append(executor.class_obj.model_options["transformer_options"])
        return executor(*args, **kwargs)

    model = use_free_init(plain, FreeInit())
    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, "probe", note)
    ksampler(model)
    assert len(options) == 3 and all(ROUND_KEY not in one for one in options)


@pytest.mark.skipif(not hasattr(custom, "Guider_DualModel"), reason="a host without this guider")
def test_a_guider_of_two_models(plain):
    other = probes.trivial()

    def guided(model):
        guider = custom.Guider_DualModel(model, other)
        guider.set_conds(tiny.conditioning(1), tiny.conditioning(3))
        guider.set_cfg(4.0)
        return guider

    def sample(model, noise, seed):
        sigmas = comfy.samplers.calculate_sigmas(
            model.get_model_object("model_sampling"), "normal", STEPS
        )
        sampler = comfy.samplers.sampler_object("euler")
        latent = torch.zeros(FRAMES, 4, 8, 8)
        return guided(model).sample(noise, latent, sampler, sigmas, seed=seed)

    model = use_free_init(plain, FreeInit(2))
    starts = starts_of(model)
    made = sample(model, tiny.noise(FRAMES), 1)
    assert torch.equal(made, sample(plain, starts[1], 2))
