"""The model folders that users of AnimateDiff already have, registered with the host."""

from contextlib import suppress
from pathlib import Path

import folder_paths

from ..motion.errors import AnimateDiffError

CATEGORY = "AnimateDiff"
MOTION_MODULES = "animatediff_models"
MOTION_LORAS = "animatediff_motion_lora"
LORAS = "loras"  # the host's own


def register_folders() -> None:
    """Add models/<id>, beside whatever extra_model_paths.yaml or another pack registered."""
    for folder in (MOTION_MODULES, MOTION_LORAS):
        path = Path(folder_paths.models_dir) / folder
        folder_paths.add_model_folder_path(folder, str(path))
        with suppress(OSError):  # a read-only models folder is the user's choice
            path.mkdir(parents=True, exist_ok=True)
        paths, extensions = folder_paths.folder_names_and_paths[folder]
        # an empty set means every file; merge, so that nobody else's setting is lost
        merged = set(extensions) | folder_paths.supported_pt_extensions
        folder_paths.folder_names_and_paths[folder] = (paths, merged)


def find_file(folder: str, name: str) -> Path:
    """The path of a file that a node names; AnimateDiffError when it is gone."""
    path = folder_paths.get_full_path(folder, name)
    if path is None:
        raise AnimateDiffError(
            f"'{name}' is not in models/{folder}.",
            "a file of this folder",
            "put it back, or press R to refresh the list and choose another file.",
        )
    return Path(path)


def file_stamp(folder: str, name: str) -> str:
    """Changes when the file does, so that the host loads a replaced file again."""
    path = folder_paths.get_full_path(folder, name)
    if path is None:
        return "missing"
    status = Path(path).stat()
    return f"{path}:{status.st_mtime_ns}:{status.st_size}"


def input_folder(name: str) -> Path | None:
    """The folder of this path, which is absolute or begins in ComfyUI's input folder; None where
    there is no name."""
    name = name.strip().strip('"')  # Windows copies paths with quotes
    if not name:
        return None
    inputs = Path(folder_paths.get_input_directory()).absolute()
    folder = inputs / name  # an absolute name takes the place of it all
    inside = folder.resolve().is_relative_to(inputs.resolve())
    if not inside and not Path(name).is_absolute():
        raise AnimateDiffError(
            f"'{name}' leads out of the folder {inputs}.",
            "a folder inside it, or a whole path",
            "write the whole path of the folder.",
        )
    return folder


def folder_stamp(folder: Path | None) -> str:
    """Changes when a file in the folder does."""
    if folder is None:
        return ""
    if not folder.is_dir():
        return "missing"
    files = [(path.name, path.stat()) for path in sorted(folder.iterdir()) if path.is_file()]
    stamps = [f"{name}:{status.st_mtime_ns}:{status.st_size}" for name, status in files]
    return f"{folder}:{','.join(stamps)}"


def new_file(folder: str, prefix: str, ending: str) -> Path:
    """Where a node saves: prefix and the next number, in the first folder of this id."""
    first = Path(folder_paths.get_folder_paths(folder)[0]).absolute()
    if not prefix.strip() or not (first / prefix).resolve().is_relative_to(first.resolve()):
        raise AnimateDiffError(
            f"filename_prefix is '{prefix}'.",
            f"a name inside models/{folder}",
            "write a name such as motion_lora or mine/motion_lora.",
        )
    into, name, number, *_ = folder_paths.get_save_image_path(prefix, str(first))
    Path(into).mkdir(parents=True, exist_ok=True)
    return Path(into) / f"{name}_{number:05}_{ending}"
