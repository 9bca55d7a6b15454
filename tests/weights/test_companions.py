"""Effects with a network of their own, and effects at the UNet's entry."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportMissingImports=false

import gc
from dataclasses import replace

import comfy.model_management
import comfy.model_patcher
import pytest
import torch
from adn_testing import tiny
from adn_testing.guiders import sample_two
from adn_testing.probes import windowed
from adn_testing.traces import ProcessTrace, model_trace
from adn_testing.unet_call import relative_error
from animatediff_native.conditions.companion import CompanionNetwork
from animatediff_native.motion.application import applications
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.effects import CallEffects, Effect
from animatediff_native.motion.managed import managed
from animatediff_native.samplers.windows import Schedule, WindowPlan

pytestmark = pytest.mark.usefixtures("inference")

FRAMES, WIDTH = 8, 32
APART = 1e-4  # of the deviation: batches of another size round differently


class Shift(CompanionNetwork):
    """Adds a number to each channel."""

    def __init__(self, ops, dtype=None, device=None):
        super().__init__(dtype)
        self.layer = ops.Linear(WIDTH, WIDTH, dtype=dtype, device=device)

    def forward(self, x):
        return x + self.layer(torch.ones(WIDTH).to(x))[:, None, None]


def shift_by(amount):
    weights = {"layer.weight": torch.eye(WIDTH) * amount, "layer.bias": torch.zeros(WIDTH)}
    return managed(Shift, weights)


class Shifting(Effect):
    """At the entry, by its own network; notes each call's network and what came in."""

    def __init__(self, amount=0.5):
        self.companion = shift_by(amount)
        self.networks, self.given = [], []

    def entry(self, call, x):
        network = call.companion(self.companion)
        self.networks.append(network)
        self.given.append(x.clone())
        return network(x)


class Adding(Effect):
    """The same without a network."""

    def __init__(self, amount=0.5):
        self.amount = amount

    def entry(self, call, x):
        return x + self.amount


class Wrong(Effect):
    def __init__(self):
        self.companion = shift_by(0.5)

    def entry(self, call, x):
        raise RuntimeError("broken on purpose")


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


def animated(plain, *effects, version="v2", **options):
    module = replace(tiny.motion_module(version), effects=effects)
    return apply_motion_module(plain, module, **options)


def sampled(model, **options):
    return tiny.sample(model, frames=FRAMES, **{"steps": 2, **options})


def test_an_entry_that_changes_nothing_gives_the_bits_of_none(plain):
    assert torch.equal(sampled(animated(plain, Adding(0.0))), sampled(animated(plain)))
    assert torch.equal(sampled(animated(plain, Shifting(0.0))), sampled(animated(plain)))


def test_the_entry_is_given_what_the_first_layer_made(plain):
    effect, made = Shifting(), []
    first = plain.model.diffusion_model.input_blocks[0][0]
    hook = first.register_forward_hook(lambda _layer, _given, out: made.append(out.clone()))
    sampled(animated(plain, effect))
    hook.remove()
    assert len(effect.given) == 2
    assert all(torch.equal(a, b) for a, b in zip(effect.given, made, strict=True))
    assert effect.given[0].shape == (2 * FRAMES, WIDTH, 8, 8)


def test_its_network_computes_what_it_says(plain):
    found = sampled(animated(plain, Shifting(0.5)))
    assert torch.equal(found, sampled(animated(plain, Adding(0.5))))
    assert not torch.equal(found, sampled(animated(plain)))


def test_the_later_effect_is_behind_the_earlier(plain):
    class Doubling(Effect):
        def entry(self, call, x):
            return 2 * x

    one, other = Shifting(), Shifting()
    sampled(animated(plain, one, Doubling(), other), steps=1)
    assert torch.equal(other.given[0], 2 * (one.given[0] + 0.5))


def test_a_slot_stands_at_the_entry_only_where_an_effect_uses_it(plain):
    class Watching(Effect):
        def before(self, site, x):
            self.seen = [name for name, _ in block.named_children()]
            return x

    class WatchingEntry(Watching):
        def entry(self, call, x):
            return x

    block = plain.model.diffusion_model.input_blocks[0]
    names = [name for name, _ in block.named_children()]
    effects = Watching(), WatchingEntry()
    for effect in effects:
        sampled(animated(plain, effect), steps=1)
    assert effects[0].seen == names
    assert len(effects[1].seen) == len(names) + 1
    assert [name for name, _ in block.named_children()] == names
    assert CallEffects([effects[1]]).entry and not CallEffects([effects[0]]).entry


def test_the_host_loads_the_network_with_the_motion_module(plain):
    loaded = []

    class Looking(Shifting):
        def entry(self, call, x):
            loaded.extend(comfy.model_management.loaded_models())
            return super().entry(call, x)

    effect = Looking()
    model = animated(plain, effect)
    (application,) = applications(model)
    ((own, key),) = application.companions
    assert own is effect.companion
    (attached,) = model.get_additional_models_with_key(key)
    assert attached is not own and attached.model is own.model
    sampled(model, steps=1)
    assert any(each is attached or each.model is own.model for each in loaded if each is not None)
    assert set(effect.networks) == {own.model}


def test_the_networks_weight_patches_are_applied_by_the_host(plain):
    effect = Shifting()
    key = "layer.weight"
    effect.companion.add_patches({key: ("diff", (torch.eye(WIDTH) * 0.25,))})
    found = sampled(animated(plain, effect))
    assert relative_error(found, sampled(animated(plain, Adding(0.75)))) <= APART


def test_strength_0_attaches_nothing(plain):
    model = animated(plain, Shifting(), strength=0.0)
    assert not model.get_nested_additional_models()
    assert torch.equal(sampled(model), sampled(plain))


def test_a_step_range_holds_for_the_entry(plain):
    model = animated(plain, Shifting(), start_percent=0.4, end_percent=0.5)
    assert torch.equal(sampled(model), sampled(plain))


def test_two_applications_each_have_their_own(plain):
    """One effect used twice is two uses, each with a model of its own beside the motion module."""
    effect, other = Shifting(0.5), Shifting(0.25)
    module = replace(tiny.motion_module("v2"), effects=(effect,))
    twice = apply_motion_module(apply_motion_module(plain, module), module)
    keys = [key for each in applications(twice) for _, key in each.companions]
    assert len(set(keys)) == 2
    second = replace(module, effects=(other,))
    both = apply_motion_module(apply_motion_module(plain, module), second)
    sampled(both, steps=1)
    assert torch.equal(other.given[0], effect.given[0] + 0.5)


def test_two_effects_with_a_network_each_on_one_module(plain):
    found = sampled(animated(plain, Shifting(0.5), Shifting(0.25)))
    assert relative_error(found, sampled(animated(plain, Adding(0.75)))) <= APART


def test_windows(plain):
    effect = Shifting()
    model = windowed(animated(plain, effect), WindowPlan(4, 2, 1, Schedule.STATIC))
    adding = windowed(animated(plain, Adding()), WindowPlan(4, 2, 1, Schedule.STATIC))
    assert torch.equal(sampled(model), sampled(adding))


def test_clones_and_garbage(plain):
    model = animated(plain, Shifting())
    expected = sampled(model)
    clone, unused = model.clone(), model.clone()
    del model, unused
    gc.collect()
    assert torch.equal(sampled(clone), expected)
    assert torch.equal(sampled(clone.clone()), expected)


@pytest.mark.parametrize("effect", [Shifting, Wrong])
def test_nothing_is_left(plain, effect):
    expected = sampled(plain)
    process, before = ProcessTrace(), model_trace(plain)
    used = effect()
    weights = {key: tensor.clone() for key, tensor in used.companion.model.state_dict().items()}
    if effect is Wrong:
        with pytest.raises(RuntimeError, match="on purpose"):
            sampled(animated(plain, used))
    else:
        sampled(animated(plain, used))
    gc.collect()
    assert model_trace(plain) == before
    assert torch.equal(sampled(plain), expected)
    process.assert_unchanged()
    state = used.companion.model.state_dict()
    assert all(torch.equal(state[key], tensor) for key, tensor in weights.items())


def test_two_models_in_one_run(plain):
    """A guider that runs two models: each call finds the network of the model that runs."""
    other = tiny.model(seed=1)
    effects = Shifting(0.5), Shifting(0.25)
    models = [animated(plain, effects[0]), animated(other, effects[1])]
    assert sample_two(*models, FRAMES).isfinite().all()
    for effect in effects:
        assert effect.networks and set(effect.networks) == {effect.companion.model}


# several devices: newer hosts only

SECOND = torch.device("cpu", 0)  # another key than torch.device("cpu")


def tiny_again(disable_dynamic=False):
    return tiny.model()


@pytest.mark.skipif(
    not hasattr(comfy.model_patcher.ModelPatcher, "deepclone_multigpu"),
    reason="this host has no clones for other devices",
)
def test_every_device_has_a_network_of_its_own():
    import comfy.multigpu

    model = tiny.model()
    model.cached_patcher_init = (tiny_again, ())
    effect = Shifting()
    model = animated(model, effect)
    expected = sampled(model)
    effect.networks.clear()
    split = model.clone()
    clone = split.deepclone_multigpu(new_load_device=SECOND)
    clone.is_multigpu_base_clone = True
    split.set_additional_models("multigpu", [clone])
    split.match_multigpu_clones()
    comfy.multigpu.GPUOptionsGroup().register(split)
    assert relative_error(sampled(split), expected) <= APART
    assert len(set(effect.networks)) == 2
