"""The host's own nodes that a conversion adds."""

from .layouts import OurNode

MODEL_SAMPLING = "ModelSamplingDiscrete"
EMPTY_LATENT = "EmptyLatentImage"
CHECKPOINT = "CheckpointLoaderSimple"
TEXT_ENCODE, HOST_TEXT, HOST_FLOAT = "CLIPTextEncode", "PrimitiveStringMultiline", "PrimitiveFloat"
REGEX_REPLACE, STRING_REPLACE = "RegexReplace", "StringReplace"
CONTROL, CONTROL_ONE = "ControlNetApplyAdvanced", "ControlNetApply"
IMAGE_SCALE, VAE_ENCODE = "ImageScale", "VAEEncode"
SAVE_WEBP, CREATE_VIDEO, SAVE_VIDEO = "SaveAnimatedWEBP", "CreateVideo", "SaveVideo"

HOST_NODES: dict[str, OurNode] = {
    MODEL_SAMPLING: OurNode(
        "ModelSamplingDiscrete",
        (340, 90),
        sockets=(("model", "MODEL", False),),
        widgets=(("sampling", "COMBO", "lcm"), ("zsnr", "BOOLEAN", False)),
        outputs=(("MODEL", "MODEL"),),
    ),
    SAVE_WEBP: OurNode(
        "SaveAnimatedWEBP",
        (340, 360),
        sockets=(("images", "IMAGE", False),),
        widgets=(
            ("filename_prefix", "STRING", "ComfyUI"),
            ("fps", "FLOAT", 6.0),
            ("lossless", "BOOLEAN", True),
            ("quality", "INT", 80),
            ("method", "COMBO", "default"),
        ),
    ),
    CREATE_VIDEO: OurNode(
        "Create Video",
        (340, 80),
        sockets=(("images", "IMAGE", False), ("audio", "AUDIO", True)),
        widgets=(("fps", "FLOAT", 30.0),),
        outputs=(("VIDEO", "VIDEO"),),
    ),
    SAVE_VIDEO: OurNode(
        "Save Video",
        (340, 360),
        sockets=(("video", "VIDEO", False),),
        widgets=(
            ("filename_prefix", "STRING", "video/ComfyUI"),
            ("format", "COMBO", "auto"),
            ("codec", "COMBO", "auto"),
        ),
    ),
    EMPTY_LATENT: OurNode(
        "Empty Latent Image",
        (340, 110),
        widgets=(("width", "INT", 512), ("height", "INT", 512), ("batch_size", "INT", 1)),
        outputs=(("LATENT", "LATENT"),),
    ),
    CHECKPOINT: OurNode(
        "Load Checkpoint",
        (340, 100),
        widgets=(("ckpt_name", "COMBO", ""),),
        outputs=(("MODEL", "MODEL"), ("CLIP", "CLIP"), ("VAE", "VAE")),
    ),
    TEXT_ENCODE: OurNode(
        "CLIP Text Encode (Prompt)",
        (340, 160),
        sockets=(("clip", "CLIP", False),),
        widgets=(("text", "STRING", ""),),
        outputs=(("CONDITIONING", "CONDITIONING"),),
    ),
    HOST_TEXT: OurNode(
        "String (Multiline)",
        (340, 160),
        widgets=(("value", "STRING", ""),),
        outputs=(("STRING", "STRING"),),
    ),
    STRING_REPLACE: OurNode(
        "Replace",
        (340, 240),
        widgets=(("string", "STRING", ""), ("find", "STRING", ""), ("replace", "STRING", "")),
        outputs=(("STRING", "STRING"),),
    ),
    REGEX_REPLACE: OurNode(
        "Regex Replace",
        (340, 280),
        widgets=(
            ("string", "STRING", ""),
            ("regex_pattern", "STRING", ""),
            ("replace", "STRING", ""),
            ("case_insensitive", "BOOLEAN", True),
            ("multiline", "BOOLEAN", False),
            ("dotall", "BOOLEAN", False),
            ("count", "INT", 0),
        ),
        outputs=(("STRING", "STRING"),),
    ),
    HOST_FLOAT: OurNode(
        "Float",
        (340, 60),
        widgets=(("value", "FLOAT", 0.0),),
        outputs=(("FLOAT", "FLOAT"),),
    ),
    CONTROL: OurNode(
        "Apply ControlNet",
        (340, 190),
        sockets=(
            ("positive", "CONDITIONING", False),
            ("negative", "CONDITIONING", False),
            ("control_net", "CONTROL_NET", False),
            ("image", "IMAGE", False),
            ("vae", "VAE", True),
        ),
        widgets=(
            ("strength", "FLOAT", 1.0),
            ("start_percent", "FLOAT", 0.0),
            ("end_percent", "FLOAT", 1.0),
        ),
        outputs=(("positive", "CONDITIONING"), ("negative", "CONDITIONING")),
    ),
    CONTROL_ONE: OurNode(
        "Apply ControlNet (OLD)",
        (340, 100),
        sockets=(
            ("conditioning", "CONDITIONING", False),
            ("control_net", "CONTROL_NET", False),
            ("image", "IMAGE", False),
        ),
        widgets=(("strength", "FLOAT", 1.0),),
        outputs=(("CONDITIONING", "CONDITIONING"),),
    ),
    IMAGE_SCALE: OurNode(
        "Upscale Image",
        (340, 140),
        sockets=(("image", "IMAGE", False),),
        widgets=(
            ("upscale_method", "COMBO", "nearest-exact"),
            ("width", "INT", 512),
            ("height", "INT", 512),
            ("crop", "COMBO", "disabled"),
        ),
        outputs=(("IMAGE", "IMAGE"),),
    ),
    VAE_ENCODE: OurNode(
        "VAE Encode",
        (340, 60),
        sockets=(("pixels", "IMAGE", False), ("vae", "VAE", False)),
        outputs=(("LATENT", "LATENT"),),
    ),
}
