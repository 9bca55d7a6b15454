"""The model folders that users of AnimateDiff already have, registered with the host."""

from contextlib import suppress
from pathlib import Path

import folder_paths

from ..motion.errors import AnimateDiffError
from ..motion.keyed_text import shortened
from ..motion.known_files import CHECKPOINTS, CONTROLNETS, LORAS, MOTION_LORAS, own_name
from ..motion.known_files import MODULES as MOTION_MODULES
from ..motion.missing_file import missing_file
from .workflow_paths import leads_inside, named_inside, stays_inside

CATEGORY = "AnimateDiff"
MISTAKEN = (MOTION_MODULES, MOTION_LORAS, LORAS, CHECKPOINTS, "diffusion_models", CONTROLNETS)
VIDEOS = "animatediff_videos"  # folders that the administrator lets workflows read; none by itself


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
    path = _full_path(folder, name)
    if path is None:
        present = folder_paths.get_filename_list(folder)
        raise missing_file(name, folder, present, _elsewhere(folder, name))
    return Path(path)


def file_stamp(folder: str, name: str) -> str:
    """Changes when the file does, so that the host loads a replaced file again."""
    path = _full_path(folder, name)
    if path is None:
        return "missing"
    status = Path(path).stat()
    return f"{path}:{status.st_mtime_ns}:{status.st_size}"


def _elsewhere(folder: str, name: str) -> str:
    """Another folder that has a file of this name, which people put there by mistake."""
    last = own_name(name)
    others = (other for other in MISTAKEN if other != folder)
    return next((other for other in others if _full_path(other, last)), "")


def _full_path(folder: str, name: str) -> str | None:
    """The host joins the name to the folders in such a way that it cannot lead out of them."""
    try:
        return folder_paths.get_full_path(folder, name)
    except ValueError:  # Windows: the name is of another drive
        return None


def video_folder(name: str) -> Path | None:
    """The folder of this name, inside ComfyUI's input folder or inside one that the administrator
    named; None where there is no name."""
    name = name.strip().strip('"')  # Windows copies paths with quotes
    if not name:
        return None
    roots = _video_roots()
    folders = [Path(folder) for folder in named_inside(name, roots)]
    inside = [folder for folder in folders if leads_inside(folder, roots)]
    there = [folder for folder in inside if folder.is_dir()]
    if not there and (len(inside) < len(folders) or not folders):
        raise AnimateDiffError(
            f"video_folder is '{name}', which leads out of the folders that workflows may read.",
            f"a folder inside {roots[0]}, or inside one that extra_model_paths.yaml names under "
            f"{VIDEOS}",
            "put the videos into a folder inside ComfyUI's input folder and write its name, or "
            f"have the folder added to extra_model_paths.yaml under {VIDEOS}.",
        )
    return (there or folders)[0]


def _video_roots() -> list[Path]:
    """The input folder first."""
    named, _ = folder_paths.folder_names_and_paths.get(VIDEOS, ([], set()))
    return [Path(root).absolute() for root in (folder_paths.get_input_directory(), *named)]


def video_folder_stamp(name: str) -> str:
    """Changes when a file in the folder does; of a folder that is refused, nothing is asked."""
    try:
        folder = video_folder(name)
        return "" if folder is None else _stamp(folder)
    except AnimateDiffError:
        return "refused"
    except OSError:
        return "unreadable"


def _stamp(folder: Path) -> str:
    if not folder.is_dir():
        return "missing"
    files = [(path.name, path.stat()) for path in sorted(folder.iterdir()) if path.is_file()]
    stamps = [f"{name}:{status.st_mtime_ns}:{status.st_size}" for name, status in files]
    return f"{folder}:{','.join(stamps)}"


def new_file(folder: str, prefix: str, ending: str) -> Path:
    """Where a node saves: prefix and the next number, in the first folder of this id."""
    first = Path(folder_paths.get_folder_paths(folder)[0]).absolute()
    added = len(f"_{99_999:05}_{ending}") + len("..part")  # the latter while it is written
    # spaces around it are no name; the host replaces %date% and the like by nothing longer
    if not stays_inside(prefix.strip(), added) or not leads_inside(first / prefix, [first]):
        raise AnimateDiffError(
            f"filename_prefix is '{shortened(prefix)}'.",
            f"a name inside models/{folder}, without .. and not too long",
            "write a name such as motion_lora or mine/motion_lora.",
        )
    into, name, number, *_ = folder_paths.get_save_image_path(prefix, str(first))
    Path(into).mkdir(parents=True, exist_ok=True)
    return Path(into) / f"{name}_{number:05}_{ending}"
