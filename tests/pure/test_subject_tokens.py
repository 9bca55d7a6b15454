"""Which tokens of a prompt are its subjects. The host's tokenizer: tests/host."""

import pytest
import torch
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.trajectories.follow_cross import Columns, columns_of
from animatediff_native.trajectories.subject_tokens import subject_tokens

from demo.text import MiniatureText

BEGIN, END, SECTION = 900, 901, 8
VECTOR = torch.arange(3.0)
WORDS = {"<ball>": [VECTOR, VECTOR + 1]}


def tokenize(text, end=END):
    """As the host's: a number per word, sections of 8 that begin and end."""
    words = [t for word in text.split() for t in WORDS.get(word, [sum(map(ord, word))])]
    step = SECTION - 2
    parts = [words[i : i + step] for i in range(0, len(words), step)] or [[]]
    sections = [[BEGIN, *part, *[end] * (SECTION - 1 - len(part))] for part in parts]
    return {"l": [[(token, 1.0) for token in section] for section in sections]}


def found(prompt, subject, paths=1, tail=0, tokenize=tokenize):
    return subject_tokens(tokenize, prompt, subject, paths, tail)


def test_words_in_a_row():
    got = found("a red ball on red grass", "red ball")
    assert got.subjects == ((2, 3),) and got.length == 8 and got.tail == ()


def test_every_occurrence():
    assert found("ball a ball on balls", "ball").subjects == ((1, 3),)


def test_across_sections():
    """The seventh word begins the second section; between them are an end and a beginning."""
    got = found("a b c d e red ball f", "red ball")
    assert got.subjects == ((6, 9),) and got.length == 16


def test_what_is_behind_the_text():
    assert found("a red ball", "ball", tail=3).tail == (4, 5, 6)
    assert found("a red ball", "ball", tail=77).tail == (4, 5, 6, 7)
    assert found("a b c d e red ball", "ball", tail=2).tail == (10, 11)
    assert found("a red ball", "ball").tail == ()


def test_textual_inversions_are_vectors():
    assert found("a <ball> rolls", "<ball>").subjects == ((2, 3),)
    with pytest.raises(AnimateDiffError):
        found("a ball rolls", "<ball>")


def test_a_line_per_path_or_one_for_all():
    prompt = "a ball and a cube"
    assert found(prompt, "cube\nball\n", 2).subjects == ((5,), (2,))
    assert found(prompt, "cube", 3).subjects == ((5,), (5,), (5,))


def test_two_encoders_both_count():
    def both(text):
        return {**tokenize(text), "g": tokenize(text, end=0)["l"]}

    got = found("a red ball", "red ball", tail=2, tokenize=both)
    assert got.subjects == ((2, 3),) and got.tail == (4, 5)


def test_the_miniature_world():
    got = found("a red circle on a dark background", "red circle", tokenize=MiniatureText().tokenize)
    assert got.subjects == ((1, 2),) and got.length == 4


@pytest.mark.parametrize(
    ("prompt", "subject", "paths", "words"),
    [
        ("a ball", "", 1, ["subject of Follow Trajectory is empty"]),
        ("a ball", " \n ", 1, ["subject of Follow Trajectory is empty"]),
        ("a ball", "ball\n\nball", 3, ["line 2 of subject"]),
        ("a ball", "ball\na", 3, ["2 lines", "3 paths", "a line per path"]),
        ("a ball", "cube", 1, ["'cube'", "'a ball'"]),
        ("a ball and red grass", "red ball", 1, ["'red ball'", "'a ball and red grass'"]),
        ("", "ball", 1, ["'ball'"]),
    ],
)
def test_what_is_wrong_is_said(prompt, subject, paths, words):
    with pytest.raises(AnimateDiffError) as error:
        found(prompt, subject, paths)
    assert all(word in str(error.value) for word in words), error.value


def test_another_kind_of_clip():
    with pytest.raises(AnimateDiffError, match="gives tuple for a text"):
        found("a ball", "ball", tokenize=lambda text: tuple(text.split()))


def test_tokens_by_the_paths_that_they_follow():
    assert columns_of([(1, 2), (4,)], (6, 7)) == (
        Columns((1, 2), (0,)),
        Columns((4,), (1,)),
        Columns((6, 7), (0, 1)),
    )
    assert columns_of([(1, 2), (2,)], ()) == (Columns((1,), (0,)), Columns((2,), (0, 1)))
