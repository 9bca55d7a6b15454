"""Where the tooling keeps what it generates, and the error it shows to a developer."""

from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
DEV = REPO / ".dev"
PINS = REPO / "tools" / "pins"
CONSTRAINTS = REPO / "tools" / "constraints.txt"
DEV_REQUIREMENTS = REPO / "requirements-dev.txt"
EXTENSION_REQUIREMENTS = REPO / "requirements.txt"

MIB = 2**20


class ToolError(RuntimeError):
    """Something the developer can put right; shown as one message, without a traceback."""


def replace_link(link: Path, target: Path) -> None:
    """Points `link` at `target` in one step, so that a reader never finds it missing."""
    if link.is_symlink() and link.resolve() == target.resolve():
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    staged = link.with_name(f"{link.name}.new")
    staged.unlink(missing_ok=True)
    staged.symlink_to(target)
    staged.replace(link)
