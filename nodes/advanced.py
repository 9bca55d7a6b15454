"""Inputs that most users leave as they are: a page with a fold for such inputs puts them there."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from comfy_api.latest import io

FIELD = "advanced"
Define = Callable[[Any], io.Schema]


def advanced(*names: str) -> Callable[[Define], Define]:
    """Over define_schema: marks these inputs of the node."""

    def over(define: Define) -> Define:
        @wraps(define)
        def marked(cls: Any) -> io.Schema:
            schema = define(cls)
            inputs = {one.id: one for one in schema.inputs}
            for name in names:
                mark(inputs[name])
            return schema

        return marked

    return over


def mark(one: io.Input) -> None:
    """Hosts without such a mark send it as one more setting of the input: newer pages take it."""
    if hasattr(one, FIELD):
        setattr(one, FIELD, True)
    else:
        one.extra_dict[FIELD] = True
