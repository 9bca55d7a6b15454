"""The miniature world: a whole text-to-video stack that trains in four hours on a CPU.

As a custom node pack (the demo links this folder in) it offers one node, its model loader; all
other nodes in the demo's graphs are the ordinary ones.
"""


async def comfy_entrypoint():
    from .node import MiniatureWorldExtension

    return MiniatureWorldExtension()
