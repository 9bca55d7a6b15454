"""Runs a ComfyUI server for as long as a `with` block lasts."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import FrameType, TracebackType

from tools.base_directory import BaseDirectory
from tools.client import ComfyClient
from tools.launch import END_WITH_STDIN
from tools.paths import REPO, ToolError

START_SECONDS = 300
STOP_SECONDS = 10
HOST = "127.0.0.1"


class ComfyServer:
    """A server on a free loopback port.

    It ends with the block, with a signal to this process, and with this process's death.
    """

    def __init__(
        self,
        tree: Path,
        base: BaseDirectory,
        *,
        extension: bool = True,
        cpu: bool | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self.tree = tree
        self.base = base
        self.extension = extension
        self.cpu = not has_accelerator() if cpu is None else cpu
        self.arguments = list(arguments)
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._previous_sigterm: object = signal.SIG_DFL

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def client(self) -> ComfyClient:
        return ComfyClient(self.url)

    def __enter__(self) -> "ComfyServer":
        self.base.make(self.extension)
        self.port = _free_port()
        self._previous_sigterm = signal.signal(signal.SIGTERM, _exit_on_signal)
        try:
            self._start()
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "tools.launch",
            END_WITH_STDIN,
            self.tree,
            *self._main_arguments(),
        ]
        with self.base.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=REPO,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _main_arguments(self) -> list[str | Path]:
        known = (self.tree / "comfy" / "cli_args.py").read_text(encoding="utf-8")
        chosen: list[str | Path] = [
            "--listen",
            HOST,
            "--port",
            str(self.port),
            "--disable-auto-launch",
        ]
        chosen += ["--base-directory", self.base.path.resolve()]
        if self.cpu:
            chosen.append("--cpu")
        if '"--disable-api-nodes"' in known:
            chosen.append("--disable-api-nodes")
        if '"--database-url"' in known:
            chosen += ["--database-url", f"sqlite:///{self._database}"]
        return [*chosen, *self.arguments]

    @property
    def _database(self) -> Path:
        return self.base.path.resolve() / "user" / f"server-{self.port}.db"

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise ToolError(self._failure("ended while starting"))
            try:
                urllib.request.urlopen(f"{self.url}/system_stats", timeout=5).close()
                return
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                time.sleep(0.2)
        raise ToolError(self._failure(f"did not answer within {START_SECONDS} s"))

    def _failure(self, what: str) -> str:
        return f"The ComfyUI server {what}. The end of {self.base.log}:\n{self.base.tail_of_log()}"

    def _stop(self) -> None:
        """SIGTERM to the server's process group, SIGKILL to what is left of it."""
        if self._process is not None:
            _signal_group(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                pass
            finally:
                _signal_group(self._process.pid, signal.SIGKILL)
                self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process = None
        for leftover in self._database.parent.glob(f"{self._database.name}*"):
            leftover.unlink()
        signal.signal(signal.SIGTERM, self._previous_sigterm)  # type: ignore[arg-type]


def has_accelerator() -> bool:
    """Whether torch sees a device that ComfyUI would use rather than the CPU."""
    import torch

    return (
        torch.cuda.is_available() or torch.backends.mps.is_available() or torch.xpu.is_available()
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _signal_group(leader: int, which: signal.Signals) -> None:
    try:
        os.killpg(leader, which)
    except ProcessLookupError:
        return


def _exit_on_signal(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
