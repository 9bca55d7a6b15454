"""A prompt's subjects in the tokens of the host's own text encoders."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false

import comfy.sd1_clip
import comfy.sdxl_clip
import pytest
import torch
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.trajectories.subject_tokens import subject_tokens
from safetensors.torch import save_file

START = 1  # the first place is the token that begins a section


@pytest.fixture(scope="module")
def sd1(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embeddings")
    vectors = torch.randn(3, 768, generator=torch.Generator().manual_seed(1))
    save_file({"emb_params": vectors}, folder / "corgi.safetensors")
    return comfy.sd1_clip.SD1Tokenizer(embedding_directory=str(folder))


def found(tokenizer, prompt, subject, paths=1, tail=13):
    return subject_tokens(tokenizer.tokenize_with_weights, prompt, subject, paths, tail)


def pieces(tokenizer, prompt, places):
    """What the tokens at these places are, as text."""
    flat = [token for section in tokenizer.tokenize_with_weights(prompt)["l"] for token in section]
    vocabulary = tokenizer.clip_l.inv_vocab
    return "".join(vocabulary[flat[place][0]] for place in places).replace("</w>", " ").strip()


@pytest.mark.parametrize(
    ("prompt", "subject", "text"),
    [
        ("a red ball on the grass", "red ball", "red ball"),
        ("a (red ball:1.3) on (the grass)", "red ball", "red ball"),
        ("a (red:1.2) ball on grass", "red ball", "red ball"),
        ("A Red Ball, photo", "red ball", "red ball"),
        ("photo of a schnauzerpoodle, park", "schnauzerpoodle", "schnauzerpoodle"),
        ("a ball (worn \\(old\\)) here", "worn \\(old\\)", "worn ( old )"),
    ],
)
def test_words_weights_and_pieces(sd1, prompt, subject, text):
    got = found(sd1, prompt, subject)
    assert pieces(sd1, prompt, got.subjects[0]) == text
    assert got.length == 77 and len(got.tail) == 13


def test_the_tail_begins_with_the_end(sd1):
    got = found(sd1, "a red ball", "ball")
    assert got.subjects == ((3,),) and got.tail == tuple(range(4, 17))


def test_parts_of_words_are_no_subject(sd1):
    with pytest.raises(AnimateDiffError, match="'ball' is not in the prompt"):
        found(sd1, "many footballs", "ball")


def test_every_occurrence_and_long_prompts(sd1):
    prompt = "a dog, " + "very " * 80 + "good dog"
    got = found(sd1, prompt, "dog")
    assert got.length == 154 and len(got.subjects[0]) == 2
    assert got.subjects[0][0] == 2 and got.subjects[0][1] > 77
    assert pieces(sd1, prompt, got.subjects[0]) == "dog dog"
    assert got.tail[0] == got.subjects[0][1] + 1


def test_textual_inversions(sd1):
    got = found(sd1, "photo of embedding:corgi on grass", "embedding:corgi")
    assert got.subjects == ((3, 4, 5),)
    assert found(sd1, "embedding:corgi on grass", "grass").subjects == ((5,),)


def test_sdxl():
    got = found(comfy.sdxl_clip.SDXLTokenizer(), "a red ball on grass", "red ball")
    assert got.subjects == ((2, 3),) and got.tail == tuple(range(6, 19))
