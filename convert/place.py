"""Where the nodes that a conversion made are put: right of what feeds them, left of what they feed,
over nothing.

What was there stays where it was, as long as there is room in front of it for what feeds it now.
Where there is not, it and all that is right of it move to the right together, so that a user's
arrangement stays what it is.
"""

import math
from collections.abc import Container

from .boxes import GAP, Box, Taken
from .graph import Graph
from .moved import write_places
from .room import make_room
from .scopes import Scope
from .sheets import Sheet, sheets

ASIDE = 200  # pixels between places that are tried beside the best one
TRIED = 3


def place(graph: Graph, scopes: list[Scope], before: Container[str]) -> None:
    """Give every node that is not one of `before` a place. scopes: of the page's format."""
    for sheet in sheets(graph, scopes, before):
        steps = make_room(sheet)
        _Placing(sheet).place_all()
        write_places(sheet, steps)


class _Placing:
    def __init__(self, sheet: Sheet):
        self.sheet = sheet
        self.order = sheet.in_order()
        self.first = self._firsts()
        self.taken = Taken()
        for box in sheet.kept:
            self.taken.add(box)

    def _firsts(self) -> dict[int, float]:
        """How far to the left a box can be, by what feeds it; nowhere where nothing that was there
        does."""
        first: dict[int, float] = {}
        for box in self.order:
            edges = [
                first.get(id(feeder), -math.inf) + feeder.width if feeder.made else feeder.right
                for feeder in self.sheet.feeders_of(box)
            ]
            first[id(box)] = max(edges, default=-math.inf) + GAP
        return first

    def place_all(self) -> None:
        """First what stands in the way of something that was there, from left to right; then what
        feeds only new nodes, before each of these."""
        last: dict[int, float] = {}
        for box in reversed(self.order):
            last[id(box)] = self._last(box, last)
        for box in self.order:
            if self.first[id(box)] > -math.inf:
                self._put_between(box, last[id(box)])
        placed = {id(box) for box in self.order if self.first[id(box)] > -math.inf}
        for box in reversed(self.order):
            if id(box) not in placed:
                self._put_before(box)

    def _last(self, box: Box, last: dict[int, float]) -> float:
        """How far to the right it can be, of those that it feeds minding what can be reached."""
        edges = [last.get(id(u), math.inf) if u.made else u.left for u in self.sheet.users_of(box)]
        rights = [edge - GAP - box.width for edge in edges]
        return min((right for right in rights if right >= self.first[id(box)]), default=math.inf)

    def _put_between(self, box: Box, last: float) -> None:
        feeders = self.sheet.feeders_of(box)
        first = max(feeder.right + GAP for feeder in feeders if self._is_there(feeder))
        before = [feeder for feeder in feeders if feeder.made and self._is_there(feeder)]
        if before:
            box.top = before[0].top
        wanted = max(min(box.left, last), first)
        further = (wanted + ASIDE * step for step in range(1, TRIED))
        self._put(box, [wanted, first, *(left for left in further if left <= last)])

    def _is_there(self, box: Box) -> bool:
        return not box.made or self.first[id(box)] > -math.inf

    def _put_before(self, box: Box) -> None:
        edges = [user.left for user in self.sheet.users_of(box)]
        wanted = min([box.left, *(edge - GAP - box.width for edge in edges)])
        self._put(box, [wanted - ASIDE * step for step in range(TRIED)])

    def _put(self, box: Box, lefts: list[float]) -> None:
        """The free place that is next to the first of these, at the height that it has."""
        best = (math.inf, box.left, box.top)
        for left in dict.fromkeys(lefts):
            aside = abs(left - lefts[0]) / 2
            for down in (True, False):
                wanted = Box(left, box.top, box.width, box.height)
                top = self.taken.free_top(wanted, down, within=best[0] - aside)
                if top is not None:
                    best = min(best, (abs(top - box.top) + aside, left, top))
        _, box.left, box.top = best
        self.taken.add(box)
