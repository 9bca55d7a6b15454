"""Inputs and outputs that several nodes of ours have: name, type, whether optional; of widgets,
name, type, default."""

MODEL_IN = ("model", "MODEL", False)
MODEL_OUT = (("model", "MODEL"),)
MODULE_IN = ("motion_module", "ADN_MOTION_MODULE", False)
MODULE_OUT = (("motion_module", "ADN_MOTION_MODULE"),)
NOISE_OUT = (("noise", "NOISE"),)
PLOT = ("plot", "IMAGE")
PART = (("first_frame", "INT", 0), ("total_frames", "INT", 0))
BY_FRAME = ("frame_strengths", "FLOAT", True)
LATENT_IN = ("latent", "LATENT", True)
