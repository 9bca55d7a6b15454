"""Our nodes that begin with a picture or follow a camera: how the page writes them, and their
defaults. A part of the table in `our_nodes`."""

from .layouts import OurNode
from .our_sockets import BY_FRAME, LATENT_IN, MODULE_IN, MODULE_OUT, PART

LOAD_SPARSE_CTRL = "ADN_LoadSparseCtrl"
SPARSE_FRAMES = "ADN_SparseFrames"
PIA_IMAGE = "ADN_PiaImage"
I2V_IMAGE = "ADN_I2VImage"
CAMERA_PATH = "ADN_CameraPath"
CAMERA_POSES = "ADN_CameraPoses"
CAMERA_CONTROL = "ADN_CameraControl"

PICTURE_IN = (("image", "IMAGE", False), ("vae", "VAE", False))

IMAGE_NODES: dict[str, OurNode] = {
    LOAD_SPARSE_CTRL: OurNode(
        "Load SparseCtrl",
        (340, 106),
        widgets=(
            ("sparsectrl", "COMBO", ""),
            ("motion_strength", "FLOAT", 1.0),
            ("empty_windows", "COMBO", "nearest picture"),
        ),
        outputs=(("control_net", "CONTROL_NET"),),
    ),
    SPARSE_FRAMES: OurNode(
        "Sparse Frames",
        (340, 170),
        sockets=(("images", "IMAGE", False), LATENT_IN),
        widgets=(("at", "STRING", "0"), ("frames", "INT", 16), *PART),
        outputs=(("hints", "IMAGE"),),
    ),
    PIA_IMAGE: OurNode(
        "PIA Image",
        (340, 150),
        sockets=(MODULE_IN, *PICTURE_IN, BY_FRAME),
        widgets=(("motion", "COMBO", "small motion"), ("image_frame", "INT", 0)),
        outputs=MODULE_OUT,
    ),
    I2V_IMAGE: OurNode(
        "AnimateLCM-I2V Image",
        (340, 110),
        sockets=(MODULE_IN, *PICTURE_IN),
        widgets=(("motion_scale", "FLOAT", 0.8),),
        outputs=MODULE_OUT,
    ),
    CAMERA_PATH: OurNode(
        "Camera Path",
        (340, 280),
        sockets=(
            LATENT_IN,
            ("previous", "ADN_CAMERA_PATH", True),
            ("speed_by_frame", "FLOAT", True),
        ),
        widgets=(
            ("move", "COMBO", "pan left"),
            ("speed", "FLOAT", 1.0),
            ("frames", "INT", 16),
            *PART,
            ("join", "COMBO", "at the same time"),
            ("focal_x", "FLOAT", 0.474812461),
            ("focal_y", "FLOAT", 0.844111024),
        ),
        outputs=(("camera_path", "ADN_CAMERA_PATH"), ("poses", "STRING")),
    ),
    CAMERA_POSES: OurNode(
        "Camera Poses",
        (340, 260),
        sockets=(LATENT_IN,),
        widgets=(("text", "STRING", ""), ("frames", "INT", 16), *PART),
        outputs=(("camera_path", "ADN_CAMERA_PATH"),),
    ),
    CAMERA_CONTROL: OurNode(
        "Camera Control",
        (340, 170),
        sockets=(MODULE_IN, ("camera_path", "ADN_CAMERA_PATH", False), BY_FRAME),
        widgets=(
            ("camera_control", "COMBO", ""),
            ("strength", "FLOAT", 1.0),
            ("width", "INT", 0),
            ("height", "INT", 0),
        ),
        outputs=MODULE_OUT,
    ),
}
