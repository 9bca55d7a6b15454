"""The node Train MotionLoRA on a tiny model and VAE, as the host runs it: in inference mode.

What a training does to weights is in test_training_stages; here is the node around it: where it
ends early, what is left then, and that the next run works.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import gc
import logging

import comfy.model_management
import comfy.sample
import comfy.utils
import folder_paths
import pytest
import torch
from adn_testing import tiny, tiny_vae
from adn_testing.traces import ProcessTrace, model_trace
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse
from animatediff_native.lora.compose import compose
from animatediff_native.lora.load import load_motion_lora
from animatediff_native.lora.save import save_motion_lora
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.plot import HEIGHT, WIDTH
from animatediff_native.nodes.folders import new_file
from animatediff_native.nodes.training import TrainMotionLora
from animatediff_native.training import rescue, run_motion_lora, session, trainer
from animatediff_native.training.augment import Augmentation
from animatediff_native.training.motion_lora_job import MotionLoraJob

pytestmark = pytest.mark.usefixtures("inference")

FRAMES, SIDE, STEPS, RANK = 4, 64, 3, 4
Interrupt = comfy.model_management.InterruptProcessingException
# Hooks beside a weight and the weight with the same added: other sums of fp32, and no more.
SAME_SUMS = 1e-5


@pytest.fixture(scope="module")
def plain():
    """A model that ran once: on loading it the host marks its modules."""
    with torch.inference_mode():
        model = tiny.model()
        tiny.sample(model, steps=1)
    return model


@pytest.fixture(scope="module")
def module(plain):
    with torch.inference_mode():
        module = tiny.motion_module("v2")
        tiny.sample(apply_motion_module(plain, module), steps=1)
    return module


@pytest.fixture(scope="module")
def vae():
    with torch.inference_mode():
        return tiny_vae.vae()


@pytest.fixture(scope="module")
def clips():
    """Two clips of noise that drifts sideways."""
    picture = torch.rand(SIDE, 2 * SIDE, 3, generator=torch.Generator().manual_seed(4))
    starts = (0, 4, 8, 12, 32, 36, 40, 44)
    return torch.stack([picture[:, start : start + SIDE] for start in starts])


@pytest.fixture(autouse=True)
def nothing_of_other_tests():
    """Networks that tests of another file hold, while their patchers are gone, stay in the host's
    list of what is loaded, and it cannot unload them."""
    gc.collect()
    loaded = comfy.model_management.current_loaded_models
    loaded[:] = [each for each in loaded if not each.is_dead()]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where MotionLoRAs are kept."""
    entry = ([str(tmp_path)], {".safetensors"})
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "animatediff_motion_lora", entry)
    return tmp_path


@pytest.fixture(scope="module")
def given(plain, module, vae, clips):
    """What most runs here are given."""
    return {
        "model": apply_motion_module(plain, module),
        "vae": vae,
        "positive": tiny.conditioning(1),
        "negative": tiny.conditioning(3),
        "rank": RANK,
        "learning_rate": 1e-2,
        "steps": STEPS,
        "seed": 2**64 - 1,
        "augmentation": "none",
        "images": clips,
        "frames_per_clip": FRAMES,
        "width": SIDE,
        "height": SIDE,
    }


@pytest.fixture(scope="module")
def trained(given):
    """What comes of a run that nothing disturbs."""
    with torch.inference_mode():
        return train(given)[0]


@pytest.fixture
def bars(monkeypatch):
    """What the page is shown: value, total and preview of every update."""
    seen = []
    monkeypatch.setattr(comfy.utils, "PROGRESS_BAR_HOOK", lambda *shown, **_: seen.append(shown))
    return seen


def train(given, **changes):
    """The node's two outputs."""
    output = TrainMotionLora.execute(**{**given, **changes})
    return output[0], output[1]


def same(one, other):
    a, b = compose(one), compose(other)
    return a.keys() == b.keys() and all(
        torch.equal(a[key].down, b[key].down) and torch.equal(a[key].up, b[key].up) for key in a
    )


def traces(*patchers):
    """Unloaded, as the host marks modules while they are loaded."""
    comfy.model_management.unload_all_models()
    return [model_trace(patcher) for patcher in patchers]


def kept(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*"))


def loaded(folder, name):
    return (LoraUse(load_motion_lora(folder / name)),)


# a run that goes well


def test_only_the_motion_lora_changes(plain, module, given, folder, caplog):
    caplog.set_level(logging.INFO, "animatediff_native")
    patchers = (plain, module.patcher, given["model"])
    before, process = traces(*patchers), ProcessTrace()
    chain, curve = train(given)
    assert traces(*patchers) == before
    process.assert_unchanged()
    (use,) = chain
    assert (use.strength, use.constant) == (1.0, 1.0)
    assert len(use.lora.pairs) == 21 * 8
    assert all(pair.rank == RANK and pair.up.any() for pair in use.lora.pairs.values())
    assert curve.shape == (1, HEIGHT, WIDTH, 3)
    assert kept(folder) == []
    begin, end = [r.getMessage() for r in caplog.records if "a MotionLoRA on" in r.getMessage()]
    assert begin == (
        "AnimateDiff: training a MotionLoRA on v2.safetensors (v2): 2 clips of 4 frames, 64x64, "
        "rank 4, 3 steps, fp32"
    )
    assert "trained a MotionLoRA on v2.safetensors (v2): 3 steps in " in end
    assert "at first" in end and "at last" in end


def job_of(given, **changes):
    return MotionLoraJob(**{**given, "augmentation": Augmentation.NONE, **changes})


def test_a_loss_for_every_step(given):
    job = job_of(given, clips_per_step=2, appearance_debias=True, negative=None)
    trained = run_motion_lora.run_motion_lora(job, lambda name: pytest.fail(name))
    assert len(trained.losses) == STEPS
    assert all(0 < loss < 100 for loss in trained.losses)


def test_only_noise_from_a_timestep_on(given, monkeypatch):
    drawn = []
    predict = session.ModelNoise.__call__

    def note(self, batch, noise, t):
        drawn.extend(t.tolist())
        return predict(self, batch, noise, t)

    monkeypatch.setattr(session.ModelNoise, "__call__", note)
    train(given, steps=4, least_timestep=990)
    assert len(drawn) == 4 and min(drawn) >= 990


def test_hidden_motion_shows_the_clips_with_the_camera_held_still(given, monkeypatch):
    """In noise from 400 on; a picture that stands still shows where the camera is."""
    seen = []
    predict = session.ModelNoise.__call__

    def note(self, batch, noise, t):
        seen.append((batch, t))
        return predict(self, batch, noise, t)

    monkeypatch.setattr(session.ModelNoise, "__call__", note)
    picture = torch.rand(1, SIDE, SIDE, 3).expand(2 * FRAMES, -1, -1, -1)
    train(given, steps=4, images=picture, augmentation="pan left", hidden_motion=1.0)
    assert len(seen) == 4 and min(int(t.min()) for _, t in seen) >= 400
    for batch, _ in seen:
        held = batch.still[:, :1].expand_as(batch.still)
        torch.testing.assert_close(batch.still, held, rtol=0, atol=1e-5)
        assert not torch.allclose(batch.latents, batch.latents[:, :1].expand_as(held), atol=1e-2)


def test_the_device_is_free_for_the_training(given, monkeypatch):
    """Neither the VAE nor anything else is loaded when the session begins."""
    loaded_then = []

    def note(*args, **settings):
        loaded_then.append(list(comfy.model_management.current_loaded_models))
        return original(*args, **settings)

    original = run_motion_lora.MotionLoraTraining
    monkeypatch.setattr(run_motion_lora, "MotionLoraTraining", note)
    train(given, steps=1)
    assert loaded_then == [[]]


def test_previews_change_nothing(given, trained, bars):
    chain, _ = train(given, sample_every=1)
    pictures = [shown for shown in bars if len(shown) > 2 and shown[2] is not None]
    assert [shown[:2] for shown in pictures] == [(1, 3), (2, 3), (3, 3)]
    for _, _, (kind, picture, _) in pictures:
        assert kind == "JPEG" and picture.size == (4 * SIDE, SIDE)
    assert pictures[0][2][1].tobytes() != pictures[1][2][1].tobytes()
    assert same(chain, trained)


@pytest.mark.parametrize("changes", [{"precision": "bf16"}, {"gradient_checkpointing": False}])
def test_cheaper_ways_to_the_result(given, changes):
    chain, _ = train(given, **changes)
    pairs = chain[0].lora.pairs.values()
    assert all(pair.up.dtype is torch.float32 and pair.up.isfinite().all() for pair in pairs)


def test_text_dropout_needs_negative(given):
    """Without it every clip keeps its prompt."""
    all_dropped = {"text_dropout": 1.0, "steps": 1}
    prompt, _ = train(given, negative=None, **all_dropped)
    assert same(prompt, train(given, text_dropout=0.0, steps=1)[0])
    assert not same(prompt, train(given, **all_dropped)[0])


# what was trained is what is saved


def test_hooks_and_file_give_the_same(plain, module, given, folder, monkeypatch):
    """The preview's own latents, with hooks, against the saved file on a fresh model."""
    seen = []

    def note(*args, **settings):
        seen.append((args, settings, original(*args, **settings)))
        return seen[-1][2]

    original = comfy.sample.sample
    monkeypatch.setattr(comfy.sample, "sample", note)
    chain, _ = train(given, sample_every=STEPS)
    save_motion_lora(chain, folder / "trained.safetensors")
    (use,) = loaded(folder, "trained.safetensors")
    model = apply_motion_module(plain, with_motion_lora(module, (use,)))
    ((args, settings, with_hooks),) = seen
    from_file = original(model, *args[1:], **settings)
    without = original(given["model"], *args[1:], **settings)
    assert ((from_file - with_hooks).norm() / with_hooks.norm()).item() <= SAME_SUMS
    assert ((without - with_hooks).norm() / with_hooks.norm()).item() > 1e-2


def test_going_on(given, trained, folder):
    save_motion_lora(trained, folder / "first.safetensors")
    start = loaded(folder, "first.safetensors")
    standing, _ = train(given, continue_from=start, learning_rate=1e-12, rank=2 * RANK)
    further, _ = train(given, continue_from=start)
    a, b, c = compose(trained), compose(standing), compose(further)
    for key in a:
        weight = a[key].up @ a[key].down
        torch.testing.assert_close(b[key].up @ b[key].down, weight, rtol=1e-5, atol=1e-7)
        assert not torch.allclose(c[key].up @ c[key].down, weight, rtol=1e-2)
    assert b[key].rank == 2 * RANK and c[key].rank == RANK


# a run that ends early


def cancel_at(value, monkeypatch):
    """As the page's button does, when the bar of the steps shows this value."""

    def hook(now, total, *_shown, **_):
        if (now, total) == (value, STEPS):
            comfy.model_management.interrupt_current_processing(True)

    monkeypatch.setattr(comfy.utils, "PROGRESS_BAR_HOOK", hook)


def assert_next_run_works(given, before, trained):
    assert traces(given["model"]) == before
    assert same(train(given)[0], trained)


def test_cancelling_keeps_what_was_trained(given, trained, folder, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "animatediff_native")
    before = traces(given["model"])
    with monkeypatch.context() as patch:
        cancel_at(1, patch)
        with pytest.raises(Interrupt):
            train(given)
    assert kept(folder) == ["training/stopped_after_step_1_00001_.safetensors"]
    assert str(folder / kept(folder)[0]) in caplog.text
    assert not comfy.model_management.processing_interrupted()
    one_step, _ = train(given, steps=1)
    assert same(loaded(folder, kept(folder)[0]), one_step)
    assert_next_run_works(given, before, trained)


def test_cancelling_in_a_preview(given, folder, monkeypatch):
    before = traces(given["model"])

    def cancelled(*_args, callback, **_settings):
        comfy.model_management.interrupt_current_processing(True)
        callback()

    monkeypatch.setattr(comfy.sample, "sample", cancelled)
    with pytest.raises(Interrupt):
        train(given, sample_every=2)
    assert kept(folder) == ["training/stopped_after_step_2_00001_.safetensors"]
    assert traces(given["model"]) == before


def test_a_disk_that_cannot_be_written_does_not_stop_the_cancel(given, monkeypatch, caplog):
    def full(_name):
        raise OSError("No space left on device")

    cancel_at(1, monkeypatch)
    with pytest.raises(Interrupt):
        run_motion_lora.run_motion_lora(job_of(given), full)
    assert "could not be saved: No space left on device" in caplog.text


def test_a_learning_rate_that_is_far_too_high(given, trained, folder):
    """The second loss is no number. After one step of this kind there is nothing worth a file."""
    before = traces(given["model"])
    with pytest.raises(AnimateDiffError) as caught:
        train(given, learning_rate=1e30)
    assert "not a number in step 2" in str(caught.value)
    assert "lower learning_rate" in str(caught.value) and "fp32" in str(caught.value)
    assert kept(folder) == []
    assert_next_run_works(given, before, trained)


def breaking(monkeypatch, call, failure):
    """The loss of one call, counted from 1, is replaced by what failure makes of it."""
    calls = []

    def noise_loss(*args):
        calls.append(args)
        loss = original(*args)
        return failure(loss) if len(calls) == call else loss

    original = trainer.noise_loss
    monkeypatch.setattr(trainer, "noise_loss", noise_loss)


def test_a_loss_that_is_no_number_later(given, trained, folder, monkeypatch):
    """The last good weights are kept: those of the last snapshot, here of step 2."""
    before = traces(given["model"])
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "SNAPSHOT_EVERY", 2)
        breaking(patch, 4, lambda loss: loss * float("nan"))
        with pytest.raises(AnimateDiffError) as caught:
            train(given, steps=5)
    (name,) = kept(folder)
    assert name == "training/stopped_after_step_2_00001_.safetensors"
    assert "in step 4." in str(caught.value) and str(folder / name) in str(caught.value)
    two_steps, _ = train(given, steps=2)
    assert same(loaded(folder, name), two_steps)
    assert_next_run_works(given, before, trained)


def test_a_model_that_gives_no_numbers(given, folder, monkeypatch):
    breaking(monkeypatch, 1, lambda loss: loss * float("nan"))
    with pytest.raises(AnimateDiffError, match=r"in step 1, before anything.*\n.*\n.*fp32"):
        train(given)
    assert kept(folder) == []


def raising(error):
    def fail(_loss):
        raise error

    return fail


@pytest.mark.parametrize("error", [comfy.model_management.OOM_EXCEPTION, RuntimeError])
def test_out_of_memory(given, trained, folder, monkeypatch, error):
    """The message says what to lower; nothing stays loaded, and no traceback holds tensors."""
    before = traces(given["model"])
    with monkeypatch.context() as patch:
        breaking(patch, 2, raising(error("MPS backend out of memory")))
        with pytest.raises(AnimateDiffError) as caught:
            train(given)
    message = str(caught.value)
    (name,) = kept(folder)
    assert name == "training/stopped_after_step_1_00001_.safetensors"
    parts = ("width", "frames_per_clip", "rank", "gradient_checkpointing", "clips_per_step", name)
    assert [part for part in parts if part not in message] == []
    assert caught.value.__context__ is None and caught.value.__cause__ is None
    assert comfy.model_management.current_loaded_models == []
    assert_next_run_works(given, before, trained)


def test_out_of_memory_in_the_first_step(given, folder, monkeypatch):
    breaking(monkeypatch, 1, raising(comfy.model_management.OOM_EXCEPTION("full")))
    with pytest.raises(AnimateDiffError, match="ran out of memory"):
        train(given)
    assert kept(folder) == []


def test_any_other_error_is_raised_as_it_is(given, folder, monkeypatch):
    breaking(monkeypatch, 3, raising(ZeroDivisionError("who knows")))
    with pytest.raises(ZeroDivisionError, match="who knows"):
        train(given)
    assert kept(folder) == ["training/stopped_after_step_2_00001_.safetensors"]


def test_files_of_several_runs_do_not_collide(folder):
    names = [new_file("animatediff_motion_lora", f"{rescue.PREFIX}7", ".safetensors") for _ in "ab"]
    assert names[0] == names[1]
    names[0].touch()
    assert new_file("animatediff_motion_lora", f"{rescue.PREFIX}7", ".safetensors") != names[0]
