"""Load SparseCtrl and Sparse Frames: from files to a run through the host's own nodes."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false

import folder_paths
import pytest
import torch
from adn_testing import sparse, sparse_files, tiny
from animatediff_native.conditions.sparse_control import SparseCtrl
from animatediff_native.conditions.sparse_windows import EmptyWindows
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.sparse_ctrl import LoadSparseCtrl, SparseFrames
from safetensors.torch import save_file

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    named = dict(folder_paths.folder_names_and_paths)
    named["controlnet"] = ([str(tmp_path)], folder_paths.supported_pt_extensions)
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", named)
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    return tmp_path


@pytest.mark.parametrize("kind", ["rgb", "scribble"])
def test_from_a_file_to_a_run(folder, kind):
    """A checkpoint's pickle with its wrapper, and diffusers' file: the same clip."""
    tensors = sparse_files.original(kind, seed=4)
    torch.save({"controlnet": tensors, "animatediff_config": {}}, folder / "file.ckpt")
    save_file(sparse_files.in_diffusers_names(tensors), folder / "diffusers.safetensors")
    picture = torch.rand(2, 64, 64, 3, generator=torch.Generator().manual_seed(1))
    (hints,) = SparseFrames.execute(picture, "0, -1", 6).result
    clips = []
    for name in ("file.ckpt", "diffusers.safetensors"):
        (control,) = LoadSparseCtrl.execute(name).result
        assert isinstance(control, SparseCtrl) and control.empty_windows is EmptyWindows.NEAREST
        conds = sparse.applied(control, hints, vae=sparse.CountingVae())
        clips.append(tiny.sample(tiny.model(), frames=6, steps=1, **conds))
    assert torch.equal(*clips)
    assert not torch.equal(clips[0], tiny.sample(tiny.model(), frames=6, steps=1))


def test_settings_of_the_loader(folder):
    torch.save(sparse.tensors("rgb"), folder / "file.ckpt")
    (control,) = LoadSparseCtrl.execute("file.ckpt", 0.4, "no picture").result
    assert control.motion_strength == 0.4 and control.empty_windows is EmptyWindows.NOTHING
    assert "file.ckpt" in LoadSparseCtrl.define_schema().inputs[0].options
    stamps = {LoadSparseCtrl.fingerprint_inputs("file.ckpt", motion_strength=s) for s in (1, 0.5)}
    assert len(stamps) == 2


def test_a_file_that_is_gone(folder):
    with pytest.raises(AnimateDiffError, match=r"_rgb\.ckpt' is not in") as caught:
        LoadSparseCtrl.execute("v3_sd15_sparsectrl_rgb.ckpt")
    assert "guoyww/animatediff" in caught.value.remedy


def test_sparse_frames_of_a_latent():
    latent = {"samples": torch.zeros(12, 4, 8, 8)}
    (hints,) = SparseFrames.execute(torch.ones(1, 8, 8, 3), "-1", 16, latent, 4, 20).result
    assert hints.shape == (12, 8, 8, 4) and not hints.any(), "frame 19 is of the next part"
    (hints,) = SparseFrames.execute(torch.ones(1, 8, 8, 3), "-1", latent=latent).result
    assert hints[11].all() and not hints[:11].any()
