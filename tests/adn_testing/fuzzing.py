"""What the fuzz tests share: how much they try, and the files, texts and values they try it with.

Every run tries the same cases, in about a minute in all. ADN_FUZZ=20 tries twenty times as many,
new ones each time:

    ADN_FUZZ=20 make pytest PYTEST_ARGS='tests -k fuzz'
"""

import copy
import os
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from tools.paths import DEV

EFFORT = int(os.environ.get("ADN_FUZZ", "1"))
AT_MOST = timedelta(seconds=20)  # for one case: most take milliseconds

set_hypothesis_home_dir(DEV / "cache" / "hypothesis")


def tries(count: int) -> settings:
    """So many cases, in a run of continuous integration."""
    return settings(
        max_examples=count * EFFORT,
        derandomize=EFFORT == 1,
        database=None,
        deadline=AT_MOST,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),  # type: ignore[arg-type]
        print_blob=True,
    )


def only_our_error(run: Callable[[], Any], error: type[Exception]) -> Any:
    """What a call gives; None where it raises the one error that a user may see, with its parts.
    Anything else that it raises is a fault, and passes through."""
    try:
        return run()
    except error as caught:
        for part in ("given", "expected", "remedy"):
            if hasattr(caught, part):
                assert getattr(caught, part).strip()
        assert str(caught).strip() and len(str(caught)) < 4000
        return None


# texts

PIECES = (
    "0", "1", "8", "15", "16", "-1", "1.0", "0.5", ".", "-", "٣", "１", "²", "Ⅷ", "9" * 10, "9" * 400,
    "9" * 5000, "1e5", "1e999", "NaN", "Infinity", "null", "true", ":", "：", "=", ",", ";", '"', "'",
    "“", "`", "{", "}", "[", "]", "(", ")", "\\", "\\u0030", "\\ud800", "\ud800", "\0", " ", "\t",
    "\n", "\r", "\r\n", "\x0b", "\x1f", "\x85", "\u2028", "\ufeff", " " * 300, "[" * 3000,
    "a castle", "--neg", "`t`", "<lora:a:1>", "(a:1.2)", "#", "//", "0:", '0: "a"', '"8": "b"',
    "0 = ", "0:8", '{"0": "a"', '"0": {', "e\u0301", "🏰",
    "50%", "+8", "max_f/2", "max_f", " hold", "0: = ", "0:8 = ", "/*", "*/", "//", "“a”", "{a|b}", "[a:b:0.5]",
    "BREAK", "`sin(t)*9`", "`1/t`", "(0.5)", "1e-1", "--no", "->", "，", "；", "'", "head\n", "\ntail",
)  # fmt: skip


def schedules() -> st.SearchStrategy[str]:
    """Texts that nearly are a schedule, or are not at all."""
    piece = st.sampled_from(PIECES)
    frame = st.one_of(st.integers(-3, 40).map(str), piece)
    value = st.one_of(st.floats(width=16).map(str), piece, st.text(max_size=8))
    mark = st.sampled_from(('"', "'", "", "`"))
    entry = st.tuples(mark, frame, mark, st.sampled_from((": ", ":", " = ", "")), mark, value, mark)
    entries = st.lists(entry.map("".join), max_size=6)
    between = st.sampled_from(("\n", ", ", ",\n", "\r\n", ",", "\u2028"))
    neat = st.builds(lambda sign, parts: sign.join(parts), between, entries)
    brackets = st.sampled_from(("{%s}", "%s", "{%s", "%s,", "\ufeff%s"))
    wrapped = st.builds(lambda form, text: form.replace("%s", text), brackets, neat)
    return st.one_of(wrapped, st.lists(piece, max_size=12).map("".join), st.text(max_size=60))


# tensors


def _quantised(x: torch.Tensor) -> torch.Tensor:
    return torch.quantize_per_tensor(x.float(), 0.1, 0, torch.qint8)


def _csr(x: torch.Tensor) -> torch.Tensor:
    return x.float().flatten(1).to_sparse_csr() if x.ndim > 1 else x.float().to_sparse()


DTYPES = tuple(v for v in vars(torch).values() if isinstance(v, torch.dtype))
CHANGES: dict[str, Callable[[torch.Tensor], Any]] = {
    "narrower": lambda x: x[..., :-1] if x.ndim else x,
    "no rows": lambda x: x[:0] if x.ndim else x,
    "a row": lambda x: x[:1] if x.ndim else x,
    "flat": torch.flatten,
    "a dimension more": lambda x: x[None],
    "as convolution": lambda x: x[..., None, None],
    "turned": lambda x: x.movedim(0, -1) if x.ndim else x,
    "a number": lambda x: torch.tensor(1.5),
    "nothing": lambda x: torch.empty(0),
    "two": lambda x: torch.ones(2),
    "many dimensions": lambda x: torch.zeros([1] * 20),
    "NaN": lambda x: x.float() * float("nan"),
    "infinite": lambda x: x.float() / 0,
    "one NaN": lambda x: x.float().flatten().index_fill(0, torch.tensor([0]), float("nan")).reshape(x.shape) if x.numel() else x,
    "sparse": lambda x: x.float().to_sparse(),
    "sparse rows": _csr,
    "meta": lambda x: x.to("meta"),
    "quantised": _quantised,
    "nested": lambda x: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    "endless": lambda x: torch.ones(1).expand(2**40),
    "endless rows": lambda x: torch.ones(1, 1).expand(2**20, x.shape[-1] if x.ndim else 1),
    "complex": lambda x: torch.complex(x.float(), x.float()),
    "conjugate": lambda x: torch.complex(x.float(), x.float()).conj(),
    "parameter": lambda x: torch.nn.Parameter(x.detach().float()),
    "text": lambda x: "weights",
    "none": lambda x: None,
    "list": lambda x: [1.0, 2.0],
    "dict": lambda x: {"weight": x},
    "1e38": lambda x: torch.full_like(x.float(), 3e38),
    **{str(dtype): lambda x, dtype=dtype: _as_dtype(x, dtype) for dtype in DTYPES},
}  # fmt: skip


def _as_dtype(x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    try:
        return x.to(dtype)
    except (RuntimeError, TypeError, NotImplementedError):  # torch cannot make one of every kind
        return torch.empty(x.shape, dtype=torch.int8)


RENAMES: dict[str, Callable[[str], Any]] = {
    "prefix": lambda key: f"module.{key}",
    "two prefixes": lambda key: f"unet.motion_module.{key}",
    "strange prefix": lambda key: f"x.{key}",
    "huge level": lambda key: key.replace("blocks.0", "blocks.999999999"),
    "endless level": lambda key: key.replace("blocks.1", f"blocks.{'9' * 5000}"),
    "zeros": lambda key: key.replace("modules.0", "modules.00"),
    "negative": lambda key: key.replace("modules.0", "modules.-1"),
    "Arabic": lambda key: key.replace(".0", ".٠").replace(".1", ".١"),
    "superscript": lambda key: key.replace("blocks.1", "blocks.¹"),
    "no dots": lambda key: key.replace(".", "_"),
    "other layout": lambda key: key.replace("attention_blocks.0", "attn1"),
    "line end": lambda key: f"{key}\n",
    "null": lambda key: f"{key}\0",
    "upper case": str.upper,
    "alpha": lambda key: f"{key.rpartition('.')[0]}.alpha",
    "lora": lambda key: f"{key.removesuffix('.weight')}.lora_A.weight",
    "other half": lambda key: key.replace("down.weight", "up.weight"),
    "empty": lambda key: "",
    "long": lambda key: key + ".temporal_attentions" * 20_000,
    "bytes": str.encode,
    "number": len,
    "tuple": lambda key: (key,),
    "nothing": lambda key: None,
}
WRAPS: dict[str, Callable[[dict], Any]] = {
    "state_dict": lambda x: {"state_dict": x},
    "deep": lambda x: {"a": {"b": {"c": {"state_dict": x}}}},
    "beside others": lambda x: {"epoch": 1, 3: None, "args": {"lr": 1}, "state_dict": x},
    "optimizer first": lambda x: {"optimizer": {"state": {0: {"step": torch.ones(1)}}}, "model": x},
    "a list": lambda x: [x],
    "circle": lambda x: _circle({"self": None}),
    "circle with weights": lambda x: _circle({"self": None, "state_dict": x}),
    "plain": lambda x: x,
}


def _circle(mapping: dict) -> dict:
    mapping["self"] = {"again": mapping}
    return mapping


@cache
def _without_numbers(key: str) -> str:
    return "".join(c for c in key if not c.isdigit())


@st.composite
def changed(draw: st.DrawFn, whole: dict[str, torch.Tensor]) -> Any:
    """A file's contents after a few changes to one tensor, to all of its kind, or to all."""
    given: dict[Any, Any] = dict(whole)
    keys = list(whole)
    for _ in range(draw(st.integers(1, 3))):
        key = keys[draw(st.integers(0, len(keys) - 1))]
        scope = draw(st.sampled_from(("one", "kind", "all")))
        hit = [k for k in keys if scope == "all" or k == key or
               (scope == "kind" and _without_numbers(k) == _without_numbers(key))]  # fmt: skip
        action = draw(st.sampled_from(("change", "change", "rename", "double", "drop")))
        name = draw(st.sampled_from(sorted(CHANGES if action == "change" else RENAMES)))
        for k in hit:
            _act(given, k, action, name)
    return WRAPS[draw(st.sampled_from(("plain", "plain", "plain", *sorted(WRAPS))))](given)


def _act(given: dict[Any, Any], key: str, action: str, name: str) -> None:
    value = given.get(key)
    if value is None:
        return
    if action == "change":
        if isinstance(value, torch.Tensor) and value.layout is torch.strided and not (
            value.is_quantized or value.is_nested or value.is_meta or value.numel() > 2**24
        ):  # fmt: skip
            given[key] = _changed(value, name)
        return
    if action in ("rename", "drop"):
        del given[key]
    if action != "drop":
        given[RENAMES[name](key)] = value


def _changed(value: torch.Tensor, name: str) -> Any:
    try:
        return CHANGES[name](value)
    except (RuntimeError, NotImplementedError):  # no way from what an earlier change left
        return None


# workflows

ODD_VALUES = (
    None, True, False, 0, -1, 1.5, float("nan"), float("inf"), 2**63, 10**400, "", "x", "ADE_", "0", "-1",
    "\0", "\ud800", [], [None], [[]], {}, {"a": None}, ["1", 0], ["1", 10**9], ["no such node", 0], [1, 2, 3],
    "9" * 5000, "ADE_AnimateDiffLoaderGen1", "Reroute", "GetNode", "KSampler", [0] * 40,
)  # fmt: skip


@st.composite
def changed_json(draw: st.DrawFn, whole: Any) -> Any:
    """A JSON value with a few places in it changed."""
    given = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 4))):
        place, key = _place(draw, given)
        action = draw(st.sampled_from(("replace", "replace", "delete", "other", "double")))
        if action == "replace":
            place[key] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
        elif action == "delete":
            del place[key]
        elif action == "other":
            other, other_key = _place(draw, given)
            place[key] = copy.deepcopy(other[other_key])
        elif isinstance(place, list):
            place.append(copy.deepcopy(place[key]))
        else:
            place[draw(st.sampled_from(("0", "99999", "x", "nodes", "inputs", "٣")))] = place[key]
        if not isinstance(given, (dict, list)) or not given:
            break
    return given


def _place(draw: st.DrawFn, given: Any) -> tuple[Any, Any]:
    """Somewhere in a value: what holds it, and under which key."""
    place, key = given, None
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = keys[draw(st.integers(0, len(keys) - 1))]
        inside = place[key]
        if not isinstance(inside, (dict, list)) or not inside or draw(st.integers(0, 5)) == 0:
            return place, key
        place = inside


