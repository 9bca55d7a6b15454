"""Another position table out of a motion module's own: some of its rows, stretched or squeezed.

A module sees as many frames at once as its table has rows. Stretched to more rows, linearly,
neighbouring frames are closer together than in training, so motion is slower, and more frames are
seen at once. The first rows are best trained: 16 of v1 and v2, 16 of v3's 32.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F

from .call import SiteCall
from .effects import NO_LIMIT, Effect
from .errors import AnimateDiffError


@dataclass(frozen=True)
class StretchedPositions(Effect):
    """positions: rows afterwards; first, behind_last: the rows that they are made of; table: how
    many there are."""

    positions: int
    first: int
    behind_last: int
    table: int

    @property
    def said(self) -> str:  # type: ignore[override]
        rows = f"{self.first} to {self.behind_last - 1} of {self.table}"
        return f"positions {rows} stretched to {self.positions}"

    def frames_at_once(self, frames: int) -> int:
        return self.positions if frames < NO_LIMIT else frames

    def rows(self, site: SiteCall, rows: torch.Tensor) -> torch.Tensor:
        return rows.float() @ self.matrix.to(rows.device)

    @cached_property
    def matrix(self) -> torch.Tensor:
        """[positions, table]: how much of each row is in every new one; linear between the middles
        of rows."""
        chosen = torch.eye(self.table)[self.first : self.behind_last]
        return F.interpolate(chosen.T[None], size=self.positions, mode="linear")[0].T


def stretched(
    table: int, positions: int, rows: int, first_row: int, added: int = 0
) -> StretchedPositions | None:
    """For a table of this many rows; None where nothing would change. rows: 0 for all; positions: 0
    for as many as the rows and `added`."""
    rows = rows or table - first_row
    if rows < 1 or first_row + rows > table:
        raise AnimateDiffError(
            f"first_row is {first_row} and rows {rows}, and the position table has {table} rows.",
            f"first_row and rows together at most {table}",
            "lower one of them; rows 0 takes all that there are.",
        )
    positions = positions or rows + added
    if (rows, first_row) == (table, 0) and positions == table:
        return None
    return StretchedPositions(positions, first_row, first_row + rows, table)
