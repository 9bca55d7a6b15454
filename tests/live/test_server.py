"""The extension in a running ComfyUI, over its API."""

import time
from pathlib import Path

import numpy as np
import pytest
from live_graphs import STEPS, latent_graph, sample

from tools import workflow
from tools.client import ExecutionFailed, ExecutionInterrupted, Progress, PromptRejected

NODES = {"ADN_LoadMotionModule", "ADN_ApplyMotionModule"}
HISTORY_SECONDS = 60


def test_nodes_are_registered_with_a_tooltip_on_every_input(server):
    found = {name: info for name, info in server.client.object_info().items() if name[:4] == "ADN_"}
    assert found.keys() >= NODES
    for name, info in found.items():
        inputs = {**info["input"].get("required", {}), **info["input"].get("optional", {})}
        bare = [key for key, spec in inputs.items() if not (spec[1:] and spec[1].get("tooltip"))]
        assert not bare, f"{name} has inputs without a tooltip: {bare}"


def test_no_custom_node_failed_to_import(server):
    assert "IMPORT FAILED" not in server.base.log.read_text(encoding="utf-8")


def test_runs_repeat_bit_for_bit_and_leave_the_plain_model_alone(server, plain_server, standins):
    first, _ = sample(server, latent_graph(standins, run=1))
    plain = sample(server, latent_graph(standins, run=2, animated=False))
    again, _ = sample(server, latent_graph(standins, run=3))
    stock = sample(plain_server, latent_graph(standins, run=2, animated=False))
    assert np.array_equal(first, again)
    assert np.array_equal(plain[0], stock[0])
    assert np.array_equal(plain[1], stock[1])
    assert not np.array_equal(first, plain[0])


def test_runs_repeat_after_the_models_were_unloaded(server, standins):
    before, _ = sample(server, latent_graph(standins, run=4))
    server.client.free()
    after, _ = sample(server, latent_graph(standins, run=5))
    assert np.array_equal(before, after)


def test_interrupted_run_leaves_no_trace(server, standins):
    before, _ = sample(server, latent_graph(standins, run=6, steps=6))
    prompt = latent_graph(standins, run=7, steps=6)
    sampler = workflow.node_id(prompt, "KSampler")

    def stop_in_the_middle(progress: Progress) -> None:
        if progress.node == sampler and progress.value == 2:
            server.client.interrupt()

    with pytest.raises(ExecutionInterrupted):
        server.client.run(prompt, stop_in_the_middle)
    after, _ = sample(server, latent_graph(standins, run=8, steps=6))
    assert np.array_equal(before, after)


def test_web_page_in_place_of_a_module_is_named_and_the_next_prompt_works(server, standins):
    page = server.base.path / "models" / "animatediff_models" / "page.safetensors"
    page.write_text("<!DOCTYPE html>\n<html><body>Not found</body></html>\n", encoding="utf-8")
    prompt = latent_graph(standins, run=9)
    workflow.set_inputs(prompt, "ADN_LoadMotionModule", {"motion_module": page.name})
    with pytest.raises(ExecutionFailed, match=r"page\.safetensors") as caught:
        server.client.run(prompt)
    assert caught.value.node_type == "ADN_LoadMotionModule"
    latents, _ = sample(server, latent_graph(standins, run=10))
    assert np.isfinite(latents).all()


def test_module_deleted_before_its_prompt_is_an_error_by_name(server, standins):
    """Some hosts refuse the prompt, others (0.3.75) start it and let the node fail."""
    doomed = add_doomed(server, standins, "gone.safetensors")
    doomed.unlink()
    prompt = latent_graph(standins, run=11)
    workflow.set_inputs(prompt, "ADN_LoadMotionModule", {"motion_module": doomed.name})
    with pytest.raises((PromptRejected, ExecutionFailed), match=r"gone\.safetensors"):
        server.client.run(prompt)


def test_module_deleted_while_its_prompt_waits_is_an_error_by_name(server, standins):
    doomed = add_doomed(server, standins, "doomed.safetensors")
    waiting = latent_graph(standins, run=12)
    workflow.set_inputs(waiting, "ADN_LoadMotionModule", {"motion_module": doomed.name})
    queued: list[str] = []

    def delete_once_queued(progress: Progress) -> None:
        if not queued:
            queued.append(server.client.queue(waiting))
            doomed.unlink()

    server.client.run(latent_graph(standins, run=13, steps=STEPS + 1), delete_once_queued)
    (failure,) = [
        data for kind, data in history_messages(server, queued[0]) if kind == "execution_error"
    ]
    assert "doomed.safetensors" in failure["exception_message"]
    assert failure["node_type"] == "ADN_LoadMotionModule"


def add_doomed(server, standins, name: str) -> Path:
    """A second name for the motion module, to be deleted."""
    file = server.base.path / "models" / "animatediff_models" / name
    file.symlink_to(standins.motion_module)
    return file


def history_messages(server, prompt_id: str) -> list:
    """What the server recorded about a prompt, once it has ended."""
    deadline = time.monotonic() + HISTORY_SECONDS
    while time.monotonic() < deadline:
        entry = server.client.history(prompt_id)
        if entry:
            return entry["status"]["messages"]
        time.sleep(0.1)
    raise AssertionError(f"prompt {prompt_id} did not end within {HISTORY_SECONDS} s")
