"""Developer tooling: prepares a ComfyUI, starts it, talks to it, makes stand-in models.

No part of the extension.
"""
