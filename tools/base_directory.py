"""The folder a server keeps everything in: models, custom nodes, input, output, user files."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.paths import DEV, REPO, ToolError, replace_link

MODEL_FOLDERS = (
    "checkpoints",
    "animatediff_models",
    "animatediff_motion_lora",
    "loras",
    "vae",
    "controlnet",
)
EXTENSION_NAME = "animatediff-native"


@dataclass(frozen=True)
class BaseDirectory:
    path: Path = DEV / "base"

    @property
    def output(self) -> Path:
        return self.path / "output"

    @property
    def log(self) -> Path:
        return self.path / "server.log"

    def make(self, extension: bool) -> None:
        """Creates what is missing, and links the extension in or takes the link out."""
        for folder in ("custom_nodes", "input", "output", "temp", "user"):
            (self.path / folder).mkdir(parents=True, exist_ok=True)
        for folder in MODEL_FOLDERS:
            (self.path / "models" / folder).mkdir(parents=True, exist_ok=True)
        link = self.path / "custom_nodes" / EXTENSION_NAME
        if extension:
            replace_link(link, REPO)
        else:
            link.unlink(missing_ok=True)

    def add_custom_node(self, name: str, folder: Path) -> None:
        """Links the folder of another custom node pack in."""
        replace_link(self.path / "custom_nodes" / name, folder)

    def add_model(self, folder: str, file: Path) -> str:
        """Links a model file in (or copies it where links are not possible); returns its name."""
        if not file.is_file():
            raise ToolError(
                f"{file} was expected to be a file for models/{folder}, but there is no such file."
            )
        place = self.path / "models" / folder / file.name
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            replace_link(place, file.resolve())
        except OSError:
            shutil.copyfile(file, place)
        return place.name

    def written_file(self, output: dict[str, Any]) -> Path:
        """The one file that a saving node wrote, from what the server says it put out."""
        (saved,) = output["images"]
        return (self.output / saved["subfolder"] / saved["filename"]).resolve()

    def tail_of_log(self, lines: int = 40) -> str:
        if not self.log.is_file():
            return "(no log)"
        return os.linesep.join(
            self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        )
