"""Windows where the host deals conditionings out to several devices, each in its own thread.

Two devices of a CPU: the host tells them apart by their names, `cpu` and `cpu:0`.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import comfy.controlnet
import pytest
import torch
from adn_testing import probes
from adn_testing.probes import numbered, windowed, with_control
from animatediff_native.samplers import context_handler
from animatediff_native.samplers.control_slicing import HintCount, copied_control, fitted_control
from animatediff_native.samplers.frame_window import FrameWindow
from animatediff_native.samplers.windows import Schedule, WindowPlan

CLONES = hasattr(comfy.controlnet.ControlBase(), "multigpu_clones")
OTHER = torch.device("cpu", 0)

needs_clones = pytest.mark.skipif(not CLONES, reason="this host has no clones for other devices")
pytestmark = pytest.mark.usefixtures("inference")


class SharedLog(list):
    """Stays one list in the host's deep copies."""

    def __deepcopy__(self, memo):
        return self


class Net(probes.ProbeNet):
    """Notes which network it is: (network, frames, hints). Two of them run at the same time."""

    def __init__(self, log):
        super().__init__([])
        self.shared = log

    def forward(self, x, hint, timesteps, context, **_):
        residuals = super().forward(x, hint, timesteps, context)
        self.shared.append((id(self), *self.log.pop()))
        return residuals


def net(frames, log):
    control = comfy.controlnet.ControlNet(control_model=Net(log), load_device=torch.device("cpu"))
    return control.set_cond_hint(numbered(frames, size=48))


def chain(frames, log):
    return net(frames, log).set_previous_controlnet(net(frames, log))


def adapter_behind(frames, log):
    adapter = comfy.controlnet.T2IAdapter(
        probes.ProbeAdapterNet(), 3, 8, "nearest-exact", torch.device("cpu")
    ).set_cond_hint(numbered(frames, size=48))
    return net(frames, log).set_previous_controlnet(adapter)


def on_two_devices(model):
    """What the host's MultiGPU CFG Split makes of a model, without a file to load it from again."""
    other = probes.trivial()
    other.load_device, other.is_multigpu_base_clone = OTHER, True
    other.clone_base_uuid = model.clone_base_uuid
    model = model.clone()
    model.set_additional_models("multigpu", [other])
    return model


def cloned(control):
    """With the host's clones for the other device, chained as the host chains them."""
    row = [control]
    while row[-1].previous_controlnet is not None:
        row.append(row[-1].previous_controlnet)
    clones = [one.deepclone_multigpu(OTHER, autoregister=True) for one in row]
    for clone, rest in pairwise(clones):
        clone.set_previous_controlnet(rest)
    return control


@needs_clones
@pytest.mark.parametrize("kind", [net, chain, adapter_behind])
@pytest.mark.parametrize("schedule", [Schedule.STATIC, Schedule.LOOPED])
@pytest.mark.parametrize("per_call", [1, 2])
def test_both_devices_see_their_own_hints(kind, schedule, per_call, monkeypatch):
    monkeypatch.setattr(context_handler, "windows_per_call", lambda *_: per_call)
    log, frames = SharedLog(), 10
    model = windowed(probes.trivial(), WindowPlan(4, 2, schedule=schedule))
    result = probes.sample_numbered(on_two_devices(model), frames, **with_control(kind(frames, log)))
    for _, rows, hints in log:
        assert torch.equal(rows, hints)
    networks = {network for network, *_ in log}
    assert len(networks) == 2 * (2 if kind is chain else 1), "a network per device"
    for network in networks:
        seen = torch.cat([rows for other, rows, _ in log if other == network])
        assert set(seen.tolist()) == set(range(frames))
    alone = probes.sample_numbered(model, frames, **with_control(kind(frames, SharedLog())))
    assert torch.allclose(result, alone, rtol=1e-4, atol=1e-4)  # batches of another size


@needs_clones
@pytest.mark.parametrize("count", [5, 13])
def test_both_devices_get_fitted_hints(count):
    """Also in a clip that is not cut."""
    for frames in (4, 10):
        log = SharedLog()
        plan = WindowPlan(4, 2)
        model = on_two_devices(windowed(probes.trivial(), plan, hint_count=HintCount.LOOP))
        probes.sample_numbered(model, frames, **with_control(net(count, log)))
        assert len({network for network, *_ in log}) == 2
        for _, rows, hints in log:
            assert torch.equal(hints, rows % count)


@needs_clones
@pytest.mark.parametrize("kind", [net, chain])
def test_a_windows_copy_for_a_device_is_a_copy_of_that_devices_clone(kind):
    control, window = cloned(kind(9, SharedLog())), FrameWindow([(2, 3, 4)], 9)
    copied, clone = copied_control(control, window.pick, {}), control.multigpu_clones[OTHER]
    own = copied.get_instance_for_device(OTHER)
    while own is not None:
        assert own is not clone and own.control_model is clone.control_model
        assert own.cond_hint_original[:, 0, 0, 0].tolist() == [3, 4, 5]
        own, clone = own.previous_controlnet, clone.previous_controlnet
    assert clone is None
    assert copied.get_instance_for_device(torch.device("meta")) is copied
    assert control.multigpu_clones[OTHER].cond_hint_original.shape[0] == 9


@needs_clones
def test_fitting_reaches_the_clones():
    fitted = fitted_control(cloned(chain(5, SharedLog())), 9, HintCount.HOLD, {})
    for one in (fitted.multigpu_clones[OTHER], fitted.previous_controlnet.multigpu_clones[OTHER]):
        assert one.cond_hint_original.shape[0] == 9


def test_the_device_with_least_memory_decides(monkeypatch):
    import comfy.model_management

    model, conds, x = probes.trivial().model, [[{}], [{}]], torch.zeros(40, 4, 8, 8, device="meta")
    monkeypatch.setattr(model, "memory_required", lambda shape: shape[0])
    free = {torch.device("meta"): 1000, OTHER: 10}
    monkeypatch.setattr(comfy.model_management, "get_free_memory", lambda device: free[device])
    assert context_handler.windows_per_call(model, conds, x, 16) == 2
    assert context_handler.windows_per_call(model, conds, x, 16, list(free)) == 1


def test_a_window_serves_several_threads():
    clip = torch.arange(64.0)[:, None]
    for turn in range(50):
        frames = tuple((turn + 3 * i) % 64 for i in range(16))
        window = FrameWindow([frames], 64)
        with ThreadPoolExecutor(8) as threads:
            for picked in threads.map(window.pick, [clip] * 16):
                assert picked[:, 0].tolist() == list(frames)
