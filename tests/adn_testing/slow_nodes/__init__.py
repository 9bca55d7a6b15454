"""A custom node pack for the browser tests' server: a node that takes its time."""

import time

from comfy.model_management import throw_exception_if_processing_interrupted


class SlowLatent:
    """The same latent, after a while."""

    CATEGORY, FUNCTION, RETURN_TYPES = "test", "wait", ("LATENT",)

    @classmethod
    def INPUT_TYPES(cls):
        seconds = ("FLOAT", {"default": 6.0})
        return {"required": {"samples": ("LATENT",), "seconds": seconds}}

    def wait(self, samples, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            throw_exception_if_processing_interrupted()
            time.sleep(0.05)
        return (samples,)


NODE_CLASS_MAPPINGS = {"SlowLatent": SlowLatent}
