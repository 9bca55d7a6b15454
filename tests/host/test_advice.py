"""Advice that can be followed: every node, menu and folder that a text of ours names is there."""

import ast
import asyncio
import importlib
import re
from pathlib import Path

import folder_paths
import pytest
from animatediff_native.motion.recognise import KINDS

ROOT = Path(__file__).parents[2]
PACKAGES = ("motion", "conditions", "lora", "samplers", "training", "trajectories", "nodes")

# The name in our texts, and the host's class. A display name may go on: CLIP Text Encode (Prompt).
HOST_NODES = {
    "Apply ControlNet": "ControlNetApplyAdvanced",
    "CLIP Text Encode": "CLIPTextEncode",
    "Empty Latent Image": "EmptyLatentImage",
    "Invert Mask": "InvertMask",
    "Load CLIP": "CLIPLoader",
    "Load CLIP Vision": "CLIPVisionLoader",
    "Load Checkpoint": "CheckpointLoaderSimple",
    "Load ControlNet Model": "ControlNetLoader",
    "Load Diffusion Model": "UNETLoader",
    "Load Image": "LoadImage",
    "Load LoRA": ("LoraLoader", "LoraLoaderModelOnly"),  # the name moved from one to the other
    "Load VAE": "VAELoader",
    "VAE Decode": "VAEDecode",
    "VAE Encode": "VAEEncode",
    "Preview Any": "PreviewAny",
}
RENAMED = {  # between hosts; found by either
    "Invert Mask": {"Invert Mask", "InvertMask"},
    "Preview Any": {"Preview Any", "Preview as Text"},
}
# Named by their classes, which the page shows where a node has no other name.
HOST_CLASSES = {
    "InpaintModelConditioning",
    "AddNoise",
    "BasicGuider",
    "CFGGuider",
    "DisableNoise",
    "EmptyLatentImage",
    "ImageFromBatch",
    "KSampler",
    "LoadLatent",
    "ModelSamplingDiscrete",
    "PerturbedAttentionGuidance",
    "RandomNoise",
    "SamplerCustomAdvanced",
    "SelfAttentionGuidance",
}
OTHER_PACKS = {"Evolved AnimateDiff", "Latent Keyframe From List", "Timestep Keyframe"}
NO_NODES = {"Git LFS", "Hugging Face", "Stable Diffusion", "Unload Models"}
WORDS = {
    "AnimateLCM", "CameraCtrl", "ComfyUI", "ControlNet", "ControlNets", "For", "HotshotXL", "LoRA",
    "More", "Put", "SparseCtrl", "The", "This",
}  # fmt: skip
MENUS = {"Edit > Unload Models": ("Edit", "Comfy.Memory.UnloadModels")}
OTHER_PACKS_FOLDERS = {"models/ipadapter"}

NAME = re.compile(r"\b(?:[A-Z][A-Za-z]+ (?:by |and |for |From )*)+[A-Z][A-Za-z]+\b")
CLASS = re.compile(r"\b(?:[A-Z][a-z]+|KS|CFG)(?:[A-Z][a-z]+)+\b")


def texts() -> list[tuple[str, str]]:
    """File and text of every literal that is no docstring: messages, tooltips, descriptions."""
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).glob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            found += [
                (f"{package}/{path.name}:{node.lineno}", node.value)
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in bare
            ]
    return found


def display_names(mappings: dict, names: dict) -> dict[str, str]:
    """What the page calls each class."""
    return {
        key: names.get(key) or getattr(getattr(node, "SCHEMA", None), "display_name", None) or key
        for key, node in mappings.items()
    }


@pytest.fixture(scope="module")
def host() -> dict[str, str]:
    importlib.import_module("utils.extra_config")  # before nodes, which hides the package utils
    nodes = importlib.import_module("nodes")
    asyncio.run(nodes.init_builtin_extra_nodes())
    return display_names(nodes.NODE_CLASS_MAPPINGS, nodes.NODE_DISPLAY_NAME_MAPPINGS)


@pytest.fixture(scope="module")
def ours() -> set[str]:
    """Our nodes' names and titles, read off the schemas' texts."""
    found = set()
    for path in (ROOT / "nodes").glob("*.py"):
        names = re.findall(r'display_name="([A-Z][^"]+)",\n\s+category', path.read_text())
        found |= {*names, *(name.split(" (")[0] for name in names)}
    assert len(found) > 20
    return found


def test_every_node_that_a_text_names_is_there(host, ours):
    known = sorted({*ours, *HOST_NODES, *OTHER_PACKS, *NO_NODES}, key=len, reverse=True)
    unknown = []
    for place, text in texts():
        for phrase in NAME.findall(text):
            rest = phrase
            for name in known:
                rest = rest.replace(name, " ")
            if len(set(re.findall(r"[A-Z]\w+", rest)) - HOST_CLASSES - WORDS) > 1:
                unknown.append(f"{place} {phrase}")
    assert unknown == [], "add it to a table"
    for name, classes in HOST_NODES.items():
        displayed = [
            host.get(key, "") for key in ([classes] if isinstance(classes, str) else classes)
        ]
        names = RENAMED.get(name, {name})
        assert any(shown.split(" (")[0] in names for shown in displayed), (name, displayed)


def test_every_node_that_a_text_names_by_its_class_is_there(host):
    for name in HOST_CLASSES:
        assert name in host
    classes = {name for _, text in texts() for name in CLASS.findall(text)}
    shown = {name for name in classes if name in host}
    assert shown <= HOST_CLASSES, "add it to the table"


def test_every_menu_that_a_text_names_is_there():
    named = {
        menu
        for _, text in texts()
        for menu in re.findall(r"\b[A-Z]\w+ > [A-Z]\w+(?: [A-Z]\w+)*", text)
    }
    assert named == set(MENUS)
    package = pytest.importorskip("comfyui_frontend_package", reason="no page")
    assets = Path(package.__file__).parent / "static" / "assets"
    page = "".join(p.read_text(encoding="utf-8", errors="ignore") for p in assets.glob("*.js"))
    for menu, (top, command) in MENUS.items():
        label = menu.split(" > ")[1]
        assert re.search(rf"id:.{command}.[^{{}}]*label:.{label}\b", page)
        assert re.search(rf"\[.{top}.\],\[[^\]]*.{command}.|g\.{top.lower()}[^\]]*{command}", page)


def test_every_model_folder_that_a_text_names_is_there():
    named = {folder for _, text in texts() for folder in re.findall(r"models/[a-z_]+", text)}
    named |= {f"models/{kind.folder}" for kind in KINDS if kind.folder}
    known = {f"models/{folder}" for folder in folder_paths.folder_names_and_paths}
    known |= {"models/animatediff_models", "models/animatediff_motion_lora"}
    assert named - known == OTHER_PACKS_FOLDERS & named
