"""Where the files that people use with AnimateDiff can be had, by their names."""

from typing import NamedTuple

HOST = "https://huggingface.co/"
MODULES, MOTION_LORAS = "animatediff_models", "animatediff_motion_lora"
CHECKPOINTS, LORAS, CONTROLNETS, VAES = "checkpoints", "loras", "controlnet", "vae"


class KnownFile(NamedTuple):
    """directory: its folder in ComfyUI's `models`."""

    name: str
    url: str
    directory: str

    def record(self) -> dict[str, str]:
        """As the page wants it in a loader's `properties.models`, to offer a download."""
        return self._asdict()

    @property
    def page(self) -> str:
        """Where to read about the file, and to get others beside it."""
        return "/".join(self.url.split("/")[:5])


def _of(repository: str, directory: str, *paths: str) -> list[KnownFile]:
    """Files of one repository, by their paths in it."""
    return [
        KnownFile(path.split("/")[-1], f"{HOST}{repository}/resolve/main/{path}", directory)
        for path in paths
    ]


_CAMERA = ("PanLeft", "PanRight", "TiltUp", "TiltDown", "ZoomIn", "ZoomOut", "RollingClockwise",
           "RollingAnticlockwise")  # fmt: skip
_CONTROLS = ("v11f1p_sd15_depth", "v11p_sd15_canny", "v11p_sd15_lineart", "v11p_sd15_openpose",
             "v11p_sd15_softedge", "v11p_sd15_scribble", "v11f1e_sd15_tile")  # fmt: skip
_SAFE = "{}_fp16.safetensors"

FILES = (
    *_of("stable-diffusion-v1-5/stable-diffusion-v1-5", CHECKPOINTS,
         "v1-5-pruned-emaonly.safetensors", "v1-5-pruned-emaonly.ckpt", "v1-5-pruned.safetensors",
         "v1-5-pruned.ckpt"),
    *_of("Comfy-Org/stable-diffusion-v1-5-archive", CHECKPOINTS,
         "v1-5-pruned-emaonly-fp16.safetensors"),
    *_of("stable-diffusion-v1-5/stable-diffusion-inpainting", CHECKPOINTS,
         "sd-v1-5-inpainting.ckpt"),
    *_of("Envvi/Inkpunk-Diffusion", CHECKPOINTS, "Inkpunk-Diffusion-v2.ckpt"),
    *_of("guoyww/animatediff", MODULES, "mm_sd_v14.ckpt", "mm_sd_v15.ckpt", "mm_sd_v15_v2.ckpt",
         "v3_sd15_mm.ckpt", "mm_sdxl_v10_beta.ckpt"),
    *_of("hotshotco/Hotshot-XL", MODULES, "hsxl_temporal_layers.safetensors",
         "hsxl_temporal_layers.f16.safetensors"),
    *_of("guoyww/animatediff", MOTION_LORAS, *(f"v2_lora_{name}.ckpt" for name in _CAMERA)),
    *_of("guoyww/animatediff", LORAS, "v3_sd15_adapter.ckpt"),
    *_of("guoyww/animatediff", CONTROLNETS, "v3_sd15_sparsectrl_rgb.ckpt",
         "v3_sd15_sparsectrl_scribble.ckpt"),
    *_of("conrevo/AnimateDiff-A1111", MODULES,
         *(f"motion_module/mm_sd15_{name}.safetensors" for name in ("v1", "v2", "v3"))),
    *_of("hehao13/CameraCtrl", MODULES, "CameraCtrl.ckpt"),
    *_of("Kosinkadink/CameraCtrl", MODULES, "CameraCtrl_pruned.safetensors"),
    *_of("wangfuyun/AnimateLCM", MODULES, "AnimateLCM_sd15_t2v.ckpt"),
    *_of("wangfuyun/AnimateLCM", LORAS, "AnimateLCM_sd15_t2v_lora.safetensors"),
    *_of("wangfuyun/AnimateLCM-I2V", MODULES, "AnimateLCM_sd15_i2v.ckpt"),
    *_of("wangfuyun/AnimateLCM-I2V", LORAS, "AnimateLCM_sd15_i2v_lora.safetensors"),
    *_of("Leoxing/PIA", MODULES, "pia.ckpt"),
    *_of("ByteDance/AnimateDiff-Lightning", MODULES,
         *(f"animatediff_lightning_{steps}step_comfyui.safetensors" for steps in (1, 2, 4, 8))),
    *_of("artificialguybr/pixelartredmond-1-5v-pixel-art-loras-for-sd-1-5", LORAS,
         "PixelArtRedmond15V-PixelArt-PIXARFK.safetensors"),
    *_of("CiaraRowles/TemporalDiff", MODULES, "temporaldiff-v1-animatediff.ckpt",
         "temporaldiff-v1-animatediff.safetensors"),
    *_of("manshoety/AD_Stabilized_Motion", MODULES, "mm-Stabilized_mid.pth",
         "mm-Stabilized_high.pth"),
    *_of("Lightricks/LongAnimateDiff", MODULES, "lt_long_mm_32_frames.ckpt",
         "lt_long_mm_16_64_frames.ckpt", "lt_long_mm_16_64_frames_v1.1.ckpt"),
    *_of("lllyasviel/ControlNet-v1-1", CONTROLNETS, *(f"control_{name}.pth" for name in _CONTROLS)),
    *_of("comfyanonymous/ControlNet-v1-1_fp16_safetensors", CONTROLNETS,
         *(_SAFE.format(f"control_{name}") for name in _CONTROLS)),
    *_of("stabilityai/sd-vae-ft-mse-original", VAES, "vae-ft-mse-840000-ema-pruned.safetensors",
         "vae-ft-mse-840000-ema-pruned.ckpt"),
)  # fmt: skip
_BY_NAME = {file.name.lower(): file for file in FILES}


def own_name(name: str) -> str:
    """A file's name without its folder; workflows of Windows have other signs between folders."""
    return name.replace("\\", "/").rsplit("/", 1)[-1]


def known_file(name: object) -> KnownFile | None:
    """The file of this name, whatever folder a workflow has it in; None where it is not known."""
    return _BY_NAME.get(own_name(str(name)).lower())


def where_from(name: str) -> str:
    """A known file, and where it can be had."""
    return f"{name} (from {_BY_NAME[name.lower()].page})"
