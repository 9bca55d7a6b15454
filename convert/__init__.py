"""Workflows made for ComfyUI-AnimateDiff-Evolved, rewritten for our nodes. Needs no host.

`convert(workflow)` takes what a file holds, for the page or in API format, and gives the same kind
back, with a list of what was converted and of what has no equivalent here. `read_file` gives what
a file holds, be it JSON, a picture or a video.
"""

from .containers import read_file
from .report import Conversion, Left
from .workflow import convert

__all__ = ["Conversion", "Left", "convert", "read_file"]
