"""What each template's picture shows: its scene in the miniature world, words, and drawing."""

from .template_runs import Scene

CAPTIONS = {
    "text_to_video": "text to video",
    "prompt_travel": "prompts that travel",
    "motion_lora": "camera: zoom in",
    "motion_lora_combined": "two camera moves",
    "motion_lora_ramp": "the camera starts slowly",
    "camera_path": "a path for the camera",
    "looped_clip": "endless loop",
    "ping_pong": "forth and back",
    "video_to_video": "video to video",
    "video_to_video_depth": "video + depth",
    "long_clip_depth": "long, follows depth",
    "two_controlnets": "depth + outlines",
    "inpainting": "a part made anew",
    "image_to_video_sparsectrl": "a picture moves",
    "first_and_last_frame": "first to last frame",
    "scribble_to_video": "sketches to video",
    "image_to_video_pia": "PIA: a picture moves",
    "image_to_video_animatelcm": "a picture, animated",
    "masked_motion": "motion in one area",
    "motion_ramp": "motion begins slowly",
    "lora_by_frame": "a LoRA comes in",
    "control_fades": "ControlNet fades",
    "prompt_blend": "two prompts blend",
    "guidance_by_step": "CFG by step",
    "noise_layer": "other noise on one side",
    "freeinit": "FreeInit: steadier",
    "free_long": "FreeLong: long clip",
    "views": "Views: long clip",
    "stretched_positions": "positions, stretched",
    "long_clip_in_parts": "part after part",
    "domain_adapter": "adapter 1 / 0.5 / 0",
    "train_motion_lora": "train a MotionLoRA",
    "style_blend": "a style blended in",
    "video_to_video_compared": "video, 0.4 / 0.6 / 0.8",
    "upscale_long_clip": "long clip, larger",
    "cinemagraph": "only one part moves",
    "video_inpainting": "a part made anew",
    "video_outpainting": "a video gets wider",
    "space_time": "deep levels share frames",
    "follow_a_path": "along a drawn path",
    "two_paths": "two things, two paths",
    "motion_from_video": "motion from a video",
    "path_with_first_frame": "a picture, along a path",
}
TRAVEL = ("red circle", "yellow square", "green triangle", "blue cross")
SEASONS = ("cyan square", "magenta circle", "yellow triangle", "green square")
PICTURED_PATH = '{"paths": [[[0.29, 0.71], [0.7, 0.42]]]}'  # from where the picture's shape is
# Seeds by which the miniature world draws neat shapes that move well.
SCENES = {
    "text_to_video": Scene("red circle grey", 1),
    "prompt_travel": Scene("red circle dark", 0, schedule=TRAVEL),
    "motion_lora": Scene("magenta square dark", 3),
    "motion_lora_combined": Scene("blue circle grey", 1),
    "motion_lora_ramp": Scene("yellow square dark", 3),
    "camera_path": Scene("yellow cross grey", 1),
    "looped_clip": Scene("green circle grey", 1),
    "ping_pong": Scene("cyan square dark", 3),
    "video_to_video": Scene("magenta square dark", 3, source="yellow circle dark", path=4),
    "video_to_video_depth": Scene("magenta circle grey", 4, source="green circle light", path=5),
    "long_clip_depth": Scene("cyan circle grey", 4, source="cyan circle grey", path=6),
    "two_controlnets": Scene("green triangle grey", 1, source="red triangle light", path=7),
    "inpainting": Scene("red square light", 2, source="blue cross light", path=8),
    "image_to_video_sparsectrl": Scene(
        "yellow square dark", 3, source="yellow square dark", path=5
    ),
    "first_and_last_frame": Scene("magenta square light", 1, source="magenta square light", path=4),
    "scribble_to_video": Scene("cyan square dark", 3, source="cyan square dark", path=5),
    "image_to_video_pia": Scene("magenta square dark", 1, source="magenta square dark", path=4),
    "image_to_video_animatelcm": Scene("green circle grey", 1, source="green circle grey", path=6),
    "masked_motion": Scene("yellow circle dark", 40, beside="text_to_video"),
    "motion_ramp": Scene("magenta circle dark", 3),
    "lora_by_frame": Scene("red square dark", 0),
    "control_fades": Scene("blue circle dark", 0, source="blue circle dark", path=9),
    "prompt_blend": Scene("red triangle grey", 1, second="blue square light"),
    "guidance_by_step": Scene("green square light", 2),
    "noise_layer": Scene("cyan triangle dark", 3),
    "freeinit": Scene("yellow triangle dark", 3, beside="text_to_video"),
    "free_long": Scene("red circle light", 2),
    "views": Scene("green square grey", 1),
    "stretched_positions": Scene("blue square dark", 0),
    "long_clip_in_parts": Scene("cyan square dark", 3, schedule=SEASONS),
    "domain_adapter": Scene("red square grey", 1),
    "train_motion_lora": Scene("cyan cross dark", 3, source="magenta cross grey", path=4),
    "style_blend": Scene("green square dark", 3, ratios=(0.0, 0.7, 1.0)),
    "video_to_video_compared": Scene(
        "magenta square light", 1, source="yellow circle light", path=28, frames=16
    ),
    "upscale_long_clip": Scene("yellow cross grey", 2),
    "cinemagraph": Scene(
        "red circle dark", 2, source="red circle dark", path=5, other="cyan square"
    ),
    "video_inpainting": Scene(
        "green triangle grey", 1, source="yellow circle grey", path=4, other="magenta cross"
    ),
    "video_outpainting": Scene(
        "yellow circle dark", 1, source="yellow circle dark", path=70, frames=16
    ),
    "space_time": Scene("magenta circle light", 3, beside="text_to_video"),
    "follow_a_path": Scene("yellow circle dark", 3),
    "two_paths": Scene("cyan circle dark", 1, second="yellow square dark", paths=2),
    "motion_from_video": Scene("green circle dark", 3, source="red square dark", path=5, frames=16),
    "path_with_first_frame": Scene(
        "magenta square dark", 3, source="magenta square dark", path=5, points=PICTURED_PATH
    ),
}
