"""What the log says of a run goes to the page, for the node that runs."""

import logging
import threading

import pytest
from adn_testing import pages
from animatediff_native.motion.report import RunReport
from animatediff_native.nodes import node_messages

log = logging.getLogger("animatediff_native")


@pytest.fixture(autouse=True)
def handler(caplog):
    before = list(log.handlers)
    log.handlers = []
    node_messages.show_messages_on_nodes()
    with caplog.at_level(logging.INFO, "animatediff_native"):
        yield
    log.handlers = before


@pytest.fixture
def server(monkeypatch):
    return pages.install(monkeypatch, pages.Server())


def said(server) -> dict:
    event, data, client = server.sent[-1]
    assert (event, client) == (node_messages.EVENT, pages.CLIENT)
    return data


def report(frames: int, calls: int = 20) -> RunReport:
    run = RunReport("mm_sd_v15_v2.ckpt (v2)", 21, frames, 1, 1.0, 0.0, 1.0)
    run.calls = run.active_calls = calls
    return run


def test_a_run_and_its_warnings_are_one_text(server):
    with pages.at_work():
        run = report(1)
        run.warn_if_short()
        run.log()
    assert said(server) == {
        "prompt_id": pages.PROMPT,
        "node": pages.NODE,
        "warnings": [
            "This clip has 1 frame; motion needs at least 8, and 16 is best. Raise batch_size of "
            "the latent."
        ],
        "lines": ["1 frame, mm_sd_v15_v2.ckpt (v2): motion in 20 of 20 model calls"],
    }


def test_the_log_says_one_frame(caplog):
    report(1).log()
    report(16).log()
    assert "model calls, 1 frame, strength" in caplog.messages[0]
    assert "model calls, 16 frames, strength" in caplog.messages[1]


def test_a_run_that_took_no_part_says_so(server):
    with pages.at_work():
        report(16, calls=0).log()
    assert said(server)["warnings"][0].startswith("mm_sd_v15_v2.ckpt (v2) took no part: ")


def test_windows_and_clips_are_counted(server):
    run = report(32)
    run.clips, run.windows = 2, {(0,), (1,), (2,)}
    assert run.short.startswith("2 clips of 32 frames in 3 windows, ")


def test_other_lines_stay_in_the_log(server):
    with pages.at_work():
        log.info("AnimateDiff: loaded a file")
    assert server.sent == []


def test_each_node_has_its_own_and_a_new_prompt_begins_anew(server):
    with pages.at_work():
        log.warning("AnimateDiff: first")
    with pages.at_work("8"):
        log.warning("AnimateDiff: second")
        log.warning("AnimateDiff: second")
    assert said(server)["node"] == "8" and said(server)["warnings"] == ["Second"]
    with pages.at_work(prompt="another"):
        log.warning("AnimateDiff: third")
    assert said(server)["warnings"] == ["Third"]


def test_a_list_of_runs_does_not_grow_for_ever(server):
    with pages.at_work():
        for number in range(50):
            report(number).log()
    assert len(said(server)["lines"]) == node_messages.MOST
    assert said(server)["lines"][-1].startswith("49 frames")


@pytest.mark.parametrize("missing", ["server", "client", "node"])
def test_nobody_is_told_where_nobody_asks(monkeypatch, missing):
    server = pages.Server()
    if missing != "server":
        pages.install(monkeypatch, server)
    if missing == "client":
        server.client_id = None
    if missing == "node":
        log.warning("AnimateDiff: something")
    else:
        with pages.at_work():
            log.warning("AnimateDiff: something")
    assert server.sent == []


def test_a_server_that_fails_costs_nothing(server, monkeypatch, caplog):
    def closed(*_):
        raise RuntimeError("Event loop is closed")

    monkeypatch.setattr(server, "send_sync", closed)
    with pages.at_work():
        log.warning("AnimateDiff: something")
    assert caplog.messages == ["AnimateDiff: something"]


def test_threads_at_once(server):
    """As those of the preview, or of several devices, may be."""

    def warn(number):
        with pages.at_work():
            log.warning("AnimateDiff: %d", number)

    threads = [threading.Thread(target=warn, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said(server)["warnings"]) == ["0", "1", "2", "3"]


def test_once_is_enough():
    node_messages.show_messages_on_nodes()
    assert len(log.handlers) == 1
