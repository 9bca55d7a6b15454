"""Whether a server that runs for long keeps what it had: hundreds of small prompts of many kinds,
with a cancel, a fault and an out-of-memory in every ten.

Every ten prompts are the same kinds in the same order. After each, at rest and after a collection,
the server says what it holds (soak_probe). Wanted: less than 1 % more resident memory in the last
30 prompts than in prompts 31 to 60, medians both; no slot in a UNet and no key in the options of
any model after any prompt; the same objects of the extension after the same kind of prompt; and no
wrapper once the last prompt has nothing of ours in it. ADN_SOAK says how many prompts (300).

Resident memory is what is left when glibc has given back the pages on which nothing is
(malloc_trim): it keeps hundreds of MiB of them, more or fewer after every prompt. What it was
before is shown as untrimmed, and has no bound.
"""

import importlib
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools import workflow
from tools.base_directory import BaseDirectory
from tools.client import ExecutionFailed, ExecutionInterrupted, Progress, Prompt
from tools.paths import DEV, MIB, REPO
from tools.server import ComfyServer
from tools.standins import StandIns, ensure

PROMPTS = int(os.environ.get("ADN_SOAK", "300"))
ROUND = 10
MOST_GROWTH = 0.01
CANCEL, FAULT, MEMORY = "cancelled", "fault", "out of memory"
KINDS = (
    "text_to_video",
    "looped_clip",  # windows and FreeNoise
    CANCEL,
    "motion_lora",
    "motion_lora_ramp",
    FAULT,
    "prompt_travel",
    MEMORY,
    "two_controlnets",
    "train_motion_lora",
)
SHIPPED = {*KINDS} - {CANCEL, FAULT, MEMORY}
SMALLER = {  # as in tests/live/test_api_twins.py
    "motion_lora_ramp": {"ADN_FrameStrengths": {"keyframes": "0: 0.0, 1: 0.0, 3: 1.0"}},
    "train_motion_lora": {"ADN_TrainMotionLora": {"rank": 2, "width": 64, "height": 64}},
}
SHOWN = ("resident", "untrimmed", "tensor bytes", "objects")
Sample = dict[str, Any]  # of soak_probe


def main() -> None:
    tree = Path(os.environ.get("ADN_HOST") or DEV / "host").resolve()
    standins = ensure(tree)
    with tempfile.TemporaryDirectory(prefix="soak-", dir=DEV) as folder:
        base = BaseDirectory(Path(folder))
        base.add_model("checkpoints", standins.checkpoint)
        base.add_model("animatediff_models", standins.motion_module)
        base.make(extension=True)
        base.add_custom_node("soak_probe", Path(__file__).with_name("soak_probe"))
        with ComfyServer(tree, base, cpu=True) as server:
            complaints = Soak(server, standins).run()
    for complaint in complaints:
        print(f"NOT AS WANTED: {complaint}")
    if complaints:
        sys.exit(1)


class Soak:
    """One server under many prompts."""

    def __init__(self, server: ComfyServer, standins: StandIns):
        sys.path[:0] = [str(REPO / "tests"), str(REPO / "tests" / "live")]
        self._server = server
        self._small_runs = importlib.import_module("small_runs")
        self._files = importlib.import_module("small_files").SmallFiles(server, standins)
        self._samples: list[Sample] = []

    def run(self) -> list[str]:
        """What was not as wanted."""
        before, start = self._sample(), time.monotonic()
        for number in range(PROMPTS):
            self._one(KINDS[number % ROUND], number)
            self._samples.append(self._sample())
            if number % ROUND == ROUND - 1:
                self._tell(number + 1, start)
        self._server.client.run(self._without_ours())
        self._server.client.free()
        self._server.client.run(self._without_ours(2))  # the host frees before the next prompt
        return [*self._growth(), *self._left_between(), *self._left_at_the_end(before)]

    def _one(self, kind: str, number: int) -> None:
        """Runs one prompt; it has to end as its kind says."""
        prompt = self._prompt(kind, number)
        ends = {CANCEL: ExecutionInterrupted, FAULT: ExecutionFailed, MEMORY: ExecutionFailed}
        try:
            self._server.client.run(prompt, self._interrupt if kind == CANCEL else None)
        except tuple(ends.values()) as error:
            said = {FAULT: ("AnimateDiffError", "trouble"), MEMORY: ("memory", "allocate")}
            expected = type(error) is ends.get(kind)
            if not expected or not any(x in str(error) for x in said.get(kind, ("",))):
                raise
        else:
            assert kind not in ends, f"prompt {number}, {kind}, ran to its end"

    def _interrupt(self, progress: Progress) -> None:
        if progress.value == 2:
            self._server.client.interrupt()

    def _prompt(self, kind: str, number: int) -> Prompt:
        """A shipped workflow, small; no two are the same, so that none comes from the cache."""
        early = kind == FAULT and number // ROUND % 2 == 0
        name = "motion_lora_ramp" if early else kind if kind in SHIPPED else "text_to_video"
        prompt = workflow.load(name)
        self._files.put(prompt)
        self._small_runs.shrink(prompt, f"{kind} {number}")
        for node_class, values in SMALLER.get(name, {}).items():
            workflow.set_inputs(prompt, node_class, values)
        if early:
            keyframes = {"keyframes": f"0: 0, {99 + number}: 1"}
            workflow.set_inputs(prompt, "ADN_FrameStrengths", keyframes)
        elif kind not in SHIPPED:
            steps = {"steps": 40 if kind == CANCEL else 3}
            workflow.set_inputs(prompt, "KSampler", steps)
            if kind != CANCEL:
                _add_trouble(prompt, "memory" if kind == MEMORY else "error")
        return prompt

    @staticmethod
    def _without_ours(amount: int = 1) -> Prompt:
        latent = {"width": 64, "height": 64, "batch_size": amount}
        save = {"samples": ["1", 0], "filename_prefix": "soak"}
        return {
            "1": {"class_type": "EmptyLatentImage", "inputs": latent},
            "2": {"class_type": "SaveLatent", "inputs": save},
        }

    def _sample(self) -> Sample:
        """The server at rest; its list of past prompts, which grows by design, is emptied first."""
        self._get("/history", {"clear": True})
        return json.loads(self._get("/soak"))

    def _get(self, path: str, body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self._server.url}{path}", data, timeout=60) as answer:
            return answer.read()

    def _tell(self, done: int, start: float) -> None:
        last = self._samples[-ROUND:]
        rss, untrimmed, held, objects = (statistics.median(x[key] for x in last) for key in SHOWN)
        print(
            f"{done} prompts, {time.monotonic() - start:.0f} s: {rss / MIB:.1f} MiB resident "
            f"({untrimmed / MIB:.0f} untrimmed), {held / MIB:.1f} MiB of tensors, "
            f"{objects:.0f} objects; in the host's cache "
            f"{sum(last[-1]['ours'].values())} of ours, {last[-1]['wrappers']} wrappers",
            flush=True,
        )

    def _growth(self) -> Iterator[str]:
        """Prompts 31 to 60 against the last 30; of a short run, its second third against the
        last."""
        warm = min(3 * ROUND, len(self._samples) // 3 // ROUND * ROUND)
        span = max(ROUND, min(3 * ROUND, warm))
        first, last = self._samples[warm : warm + span], self._samples[-span:]
        for key in SHOWN:
            then, now = (statistics.median(x[key] for x in part) for part in (first, last))
            print(
                f"{key}: {then:,.0f} (prompts {warm + 1} to {warm + span}), {now:,.0f} (the last "
                f"{span}), {(now / then - 1) * 100:+.2f} %"
            )
            if key == "objects":
                risen = _more(first[-1]["kinds"], last[-1]["kinds"])
                print(f"  most of them: {dict(sorted(risen.items(), key=lambda x: -x[1])[:8])}")
            if key != "untrimmed" and now > then * (1 + MOST_GROWTH):
                yield f"{key} grew by {(now / then - 1) * 100:.2f} %"

    def _left_between(self) -> Iterator[str]:
        for number, sample in enumerate(self._samples):
            kind = KINDS[number % ROUND]
            for what in ("slots", "keys"):
                if sample[what]:
                    yield f"{what} after prompt {number + 1}, {kind}: {sample[what]}"
        for place in range(2 * ROUND):  # the fault is another one in every second round
            counts = [x["ours"] for x in self._samples[place :: 2 * ROUND]][1:]
            if counts and (more := _more(counts[0], counts[-1])):
                kind = KINDS[place % ROUND]
                yield f"more objects after the last prompt of {kind} than after one before: {more}"

    def _left_at_the_end(self, before: Sample) -> Iterator[str]:
        end = self._sample()
        print(f"with all models freed: {end['resident'] / MIB:.1f} MiB resident")
        print(f"threads: {len(before['threads'])} before, {len(end['threads'])} at the end")
        inside = end["seen inside"]
        print(f"inside a UNet's call: {inside}")
        if not (inside.get("slots") and inside.get("keys")):
            yield "inside a UNet's call there was no slot or key to be found, so that none counts"
        for what in ("slots", "keys", "wrappers"):
            print(f"{what} left: {end[what] or 'none'}")
            if end[what]:
                yield f"{what} left at the end: {end[what]}"
        more = _more(before["ours"], end["ours"])
        print(f"objects of the extension beyond those before the first prompt: {more or 'none'}")
        if more:
            yield f"objects left at the end: {more}"


def _add_trouble(prompt: Prompt, kind: str) -> None:
    sampler = prompt[workflow.node_id(prompt, "KSampler")]["inputs"]
    inputs = {"model": sampler["model"], "kind": kind}
    prompt["trouble"] = {"class_type": "SoakTrouble", "inputs": inputs}
    sampler["model"] = ["trouble", 0]


def _more(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """By how much the counts rose."""
    risen = {name: count - before.get(name, 0) for name, count in after.items()}
    return {name: count for name, count in risen.items() if count > 0}
