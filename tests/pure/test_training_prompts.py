"""Prompts of the clips out of a CONDITIONING, and every one that cannot be trained with."""

# torch is typed loosely.
# pyright: reportArgumentType=false, reportOptionalMemberAccess=false

import pytest
import torch
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.training.prompts import read_prompts

WIDTH = 6


def prompt(number=1.0, tokens=7, batch=1, width=WIDTH, **extra):
    """One entry of a conditioning, as CLIP Text Encode makes it."""
    return [torch.full((batch, tokens, width), number), {"pooled_output": None, **extra}]


def numbers(contexts):
    return contexts[:, 0, 0].tolist()


def test_one_prompt_is_for_all_clips():
    prompts = read_prompts([prompt(3.0)], None, WIDTH)
    assert prompts.of_clips(4).tolist() == [0, 0, 0, 0]
    assert numbers(prompts.contexts) == [3.0] and prompts.no_prompt is None


def test_several_prompts_are_one_for_each_clip():
    prompts = read_prompts([prompt(1.0), prompt(2.0), prompt(3.0)], [prompt(9.0)], WIDTH)
    assert prompts.of_clips(3).tolist() == [0, 1, 2]
    assert numbers(prompts.contexts) == [1.0, 2.0, 3.0]
    assert prompts.no_prompt.shape == (7, WIDTH) and (prompts.no_prompt == 9).all()


@pytest.mark.parametrize("clips", [1, 2, 4, 6])
def test_another_number_of_prompts(clips):
    prompts = read_prompts([prompt()] * 3, None, WIDTH)
    with pytest.raises(AnimateDiffError, match=rf"3 prompts, for {clips} clips?\."):
        prompts.of_clips(clips)


def test_different_lengths_are_repeated_to_the_least_common_multiple():
    generator = torch.Generator().manual_seed(0)
    short, long = (torch.randn(1, tokens, WIDTH, generator=generator) for tokens in (4, 6))
    prompts = read_prompts([[short, {}], [long, {}]], [[short, {}]], WIDTH)
    assert prompts.contexts.shape == (2, 12, WIDTH)
    assert torch.equal(prompts.contexts[0], short[0].repeat(3, 1))
    assert torch.equal(prompts.contexts[1], long[0].repeat(2, 1))
    assert torch.equal(prompts.no_prompt, short[0].repeat(3, 1))


def test_repeated_tokens_are_the_same_prompt():
    """To fp32 rounding: softmax over every token n times is the same mean of values."""
    generator = torch.Generator().manual_seed(0)
    query, short = (torch.randn(1, n, WIDTH, generator=generator) for n in (5, 4))
    attended = [
        torch.nn.functional.scaled_dot_product_attention(query, context, context)
        for context in (short, short.repeat(1, 3, 1))
    ]
    torch.testing.assert_close(*attended)


@pytest.mark.parametrize(
    ("positive", "negative", "said"),
    [
        ([], None, ["positive holds no prompt"]),
        ([prompt(batch=16)], None, ["positive holds a prompt that differs by frame", "Prompt Schedule"]),
        ([prompt(width=2048)], None, ["positive", "2048 numbers per token", "takes 6"]),
        ([prompt()], [prompt(width=5)], ["negative", "5 numbers per token"]),
        ([prompt()], [prompt(), prompt()], ["negative holds 2 prompts", "one"]),
        ([prompt(control=object())], None, ["positive comes with a ControlNet"]),
        ([prompt(), prompt(mask=torch.ones(1))], None, ["positive comes with a mask"]),
        ([prompt(start_percent=0.0)], None, ["positive comes with a range of steps"]),
        ([prompt()], [prompt(area=(1, 1, 0, 0))], ["negative comes with an area"]),
    ],
)
def test_what_cannot_be_trained_with(positive, negative, said):
    with pytest.raises(AnimateDiffError) as caught:
        read_prompts(positive, negative, WIDTH)
    assert [part for part in said if part not in str(caught.value)] == []
