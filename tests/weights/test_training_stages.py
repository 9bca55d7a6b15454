"""The three stages of training on a tiny model, in inference mode as the host runs nodes: what
they learn, that they touch nothing else, and that their results are what was trained.

Tolerance of predicted noise: 1e-4 of its standard deviation, as in test_parity, for the same sums
in another order. A result that is left out changes it by 1e-2 and more.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import pytest
import torch
from adn_testing import lora_files, motion_files, oracle, tiny
from adn_testing.traces import ProcessTrace
from adn_testing.training import (
    FRAMES,
    RANK,
    STAGES,
    animated,
    clip_set,
    fixed_call,
    linear,
    look,
    noised,
    predicted,
    run_of,
    surroundings,
    train_motion_module,
)
from adn_testing.unet_call import relative_error
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse
from animatediff_native.lora.domain_adapter import read_domain_adapter, with_domain_adapter
from animatediff_native.lora.load import load_motion_lora
from animatediff_native.lora.save import save_motion_lora
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.config import Version
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.load import load_motion_module
from animatediff_native.motion.network import as_in_files
from animatediff_native.training.motion_lora import MotionLoraTraining
from animatediff_native.training.motion_module import new_motion_module
from animatediff_native.training.settings import TrainingSettings
from safetensors.torch import load_file, save_file

pytestmark = pytest.mark.usefixtures("inference")

TOLERANCE = 1e-4
SETTINGS = TrainingSettings(steps=12, learning_rate=0.01, clips_per_step=2)
SHORT = TrainingSettings(steps=2, learning_rate=0.01, checkpointing=True)


@pytest.fixture(scope="module")
def plain():
    """A model that ran once: on loading it the host marks its modules."""
    with torch.inference_mode():
        model = tiny.model()
        tiny.sample(model, steps=1)
    return model


@pytest.fixture(scope="module")
def module(plain):
    """The same for a motion module."""
    with torch.inference_mode():
        module = tiny.motion_module("v3", seed=3)
        tiny.sample(apply_motion_module(plain, module), steps=1)
    return module


@pytest.fixture(scope="module")
def runs(plain, module):
    with torch.inference_mode():
        return {name: run_of(stage, plain, module, SETTINGS) for name, stage in STAGES.items()}


# what they learn, and what stays


@pytest.mark.parametrize("name", STAGES)
def test_the_loss_falls(runs, name):
    assert runs[name].last.loss < 0.95 * runs[name].first.loss


@pytest.mark.parametrize("name", STAGES)
def test_everything_chosen_is_trained(runs, name):
    """All but two halves: the mid block sees one pixel of 8x8 latents, and self-attention among
    one needs no query and no key."""
    first, last = runs[name].first.weights, runs[name].last.weights
    unchanged = [key for key in first if torch.equal(first[key], last[key])]
    assert first.keys() == last.keys()
    assert len(unchanged) == (2 if name == "domain adapter" else 0)


@pytest.mark.parametrize("name", STAGES)
def test_nothing_else_changes(runs, name):
    assert runs[name].after == runs[name].before


def test_how_much_each_stage_trains(runs):
    """20 temporal blocks of 2 attentions of 4 projections; 16 spatial blocks of the same; all of
    a motion module but its two position tables per block."""
    assert len(runs["MotionLoRA"].first.weights) == 20 * 8 * 2
    assert len(runs["domain adapter"].first.weights) == 16 * 8 * 2
    assert len(runs["motion module"].first.weights) == 20 * 26


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_begins_as_nothing(runs, plain, module, name):
    still = linear(plain) if name == "motion module" else plain
    model = animated(plain, module) if name == "MotionLoRA" else still
    assert torch.equal(predicted(model, runs[name].first.clips), runs[name].first.predicted)


def test_no_attribute_of_the_host_or_torch_is_replaced(plain, module):
    process = ProcessTrace()
    for stage in STAGES.values():
        stage(plain, module, SHORT, lambda trainer: None)
    process.assert_unchanged()


# what breaks leaves nothing behind either


class Broken(Exception):
    pass


def fail(*_):
    raise Broken


def in_a_forward(trainer, plain):
    """Inside the last layer of the second call, with slots, hooks and checkpoints in place."""
    if trainer.step == 1:
        handles.append(plain.model.diffusion_model.out[-1].register_forward_hook(fail))


def in_a_backward(trainer, _):
    if trainer.step == 1:
        next(iter(trainer.parameters.values())).register_hook(fail)


def between_steps(trainer, _):
    if trainer.step == 1:
        fail()


handles: list = []


@pytest.mark.parametrize("where", [in_a_forward, in_a_backward, between_steps])
@pytest.mark.parametrize("name", STAGES)
def test_nothing_changes_by_a_training_that_breaks(plain, module, name, where):
    before = surroundings(plain, module)
    with pytest.raises(Broken):
        STAGES[name](plain, module, SHORT, lambda trainer: where(trainer, plain))
    while handles:
        handles.pop().remove()
    assert surroundings(plain, module) == before


def test_sampling_between_two_sessions_changes_nothing(plain, module):
    """The host may move and patch the model meanwhile; the weights in training survive it."""
    moving = animated(plain, module)
    stopped, whole = (MotionLoraTraining(moving, clip_set(), RANK, SETTINGS) for _ in range(2))
    with stopped.session() as trainer:
        trainer.run(until=2)
    with stopped.attached():
        shown = tiny.sample(moving, FRAMES, steps=1)
    bare = tiny.sample(moving, FRAMES, steps=1)
    assert not torch.equal(shown, bare)
    trainers = []
    for training in (stopped, whole):
        with training.session() as trainer:
            trainer.run(until=4)
            trainers.append(trainer)
    assert trainers[0].losses == trainers[1].losses
    one, other = (trainer.result() for trainer in trainers)
    assert all(torch.equal(one[key], other[key]) for key in one)


# the results


@pytest.fixture(scope="module")
def lora_file(runs, tmp_path_factory):
    """The trained MotionLoRA as the node saves it."""
    file = tmp_path_factory.mktemp("lora") / "trained.safetensors"
    save_motion_lora((LoraUse(runs["MotionLoRA"].result),), file)
    return file


def assert_was_trained(model, run):
    """The model predicts what it did at the end of the run, and not what it did before it."""
    noise = predicted(model, run.last.clips)
    assert relative_error(noise, run.last.predicted) <= TOLERANCE
    assert relative_error(noise, run.first.predicted) > 100 * TOLERANCE


def test_a_saved_motion_lora_is_what_was_trained(runs, plain, module, lora_file):
    loaded = load_motion_lora(lora_file)
    assert {pair.rank for pair in loaded.pairs.values()} == {RANK}
    moving = with_motion_lora(module, (LoraUse(loaded),))
    assert_was_trained(animated(plain, moving), runs["MotionLoRA"])


def made_of(file):
    """(down, up) by site and weight, read by the official names alone."""
    made = lora_files.pairs(mid_block=False)
    names = lora_files.official({key: ((key, 0), (key, 1)) for key in made})
    tensors = load_file(file)
    assert tensors.keys() == names.keys()
    halves = {place: tensors[name] for name, place in names.items()}
    return {key: (halves[key, 0], halves[key, 1]) for key in made}


def test_diffusers_loads_the_trained_motion_lora(runs, plain, lora_file):
    """Through its own loader, on its own network; it gets x_t and the timestep."""
    reference = oracle.motion_unet(plain.model.diffusion_model, motion_files.original("v3", 3), 32)
    run = runs["MotionLoRA"]
    reference.load_lora_adapter(lora_files.peft(made_of(lora_file)), prefix="unet")
    batch, noise, t = fixed_call(run.last.clips)
    for clip, timestep in enumerate(t.tolist()):
        seen = noised(batch.latents[clip], noise[clip], timestep)
        theirs = oracle.predict(reference, seen, timestep, batch.context[clip : clip + 1], FRAMES)
        assert relative_error(run.last.predicted[clip], theirs) <= TOLERANCE


def test_a_saved_domain_adapter_is_what_was_trained(runs, plain, tmp_path):
    file, run = tmp_path / "trained.safetensors", runs["domain adapter"]
    save_file(run.result, file)
    read = read_domain_adapter(load_file(file), file.name)
    assert read.keys() == lora_files.domain_adapter().keys()
    assert_was_trained(with_domain_adapter(plain, read, file.name, 1.0), run)


def test_a_saved_motion_module_is_what_was_trained(runs, plain, tmp_path):
    file, run = tmp_path / "trained.safetensors", runs["motion module"]
    save_file(run.result, file)
    loaded = load_motion_module(file)
    assert loaded.config.version is Version.V3
    assert_was_trained(animated(plain, loaded), run)


def test_a_motion_module_with_a_mid_block_is_a_v2(plain, module, tmp_path):
    file, looks = tmp_path / "trained.safetensors", []

    def watch(trainer):
        looks.append(look(trainer))

    settings = TrainingSettings(steps=2, learning_rate=0.01)
    save_file(train_motion_module(plain, module, settings, watch, mid_block=True), file)
    loaded = load_motion_module(file)
    assert loaded.config.version is Version.V2
    noise = predicted(animated(plain, loaded), looks[-1].clips)
    assert relative_error(noise, looks[-1].predicted) <= TOLERANCE


@pytest.mark.parametrize("mid_block", [False, True])
def test_a_new_motion_module_gives_the_bits_of_the_plain_model(plain, mid_block):
    new = new_motion_module(plain, "new", seed=1, mid_block=mid_block)
    assert torch.equal(tiny.sample(apply_motion_module(plain, new)), tiny.sample(plain))


def test_the_seed_decides_a_new_motion_module_and_nothing_else_does(plain):
    before = torch.get_rng_state()
    one, again, other = (
        as_in_files(new_motion_module(plain, "new", seed).patcher.model.state_dict())
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one[key], again[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)
    reference = motion_files.original("v3")
    positions = {key for key in reference if key.endswith(".pe")}
    assert one.keys() == reference.keys()
    assert all(torch.equal(one[key], reference[key]) for key in positions)


# what cannot be trained


def refused(plain, module, **options):
    with pytest.raises(AnimateDiffError) as caught:
        MotionLoraTraining(apply_motion_module(plain, module, **options), clip_set(), 4, SHORT)
    return str(caught.value)


def test_a_motion_lora_needs_one_motion_module_at_every_step(plain, module):
    with pytest.raises(AnimateDiffError, match="no motion modules"):
        MotionLoraTraining(plain, clip_set(), RANK, SHORT)
    assert "2 motion modules" in refused(apply_motion_module(plain, module), module)
    assert "from 0.5 to 1" in refused(plain, module, start_percent=0.5)


def test_clips_longer_than_the_position_table(plain, module):
    long = clip_set(frames=40)
    with pytest.raises(AnimateDiffError, match=r"40 frames.* 32 at once"):
        MotionLoraTraining(animated(plain, module), long, RANK, SHORT)
