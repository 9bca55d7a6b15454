"""Starts the ComfyUI in a folder.

    python -m tools.launch [--end-with-stdin] /path/to/ComfyUI [arguments of its main.py]

With --end-with-stdin the server is killed when its standard input closes, which happens however
its parent ends.
"""

import os
import runpy
import signal
import sys
import threading
from pathlib import Path

from tools.host_imports import enter

END_WITH_STDIN = "--end-with-stdin"


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    arguments = sys.argv[1:]
    if arguments[:1] == [END_WITH_STDIN]:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
        del arguments[0]
    if not arguments:
        sys.exit(__doc__)
    tree = Path(arguments[0]).resolve()
    enter(tree)
    script = tree / "main.py"
    sys.argv = [str(script), *arguments[1:]]
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()
