"""The attack on published files that tests make: what somebody computes who has them and nothing else, held against the
counts that they hide."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from orchestration.disclosure import attack, cells, protect
from orchestration.disclosure.tables import Plan


def too_narrow(
    folders: list[Path], plan: Plan, counted: pl.DataFrame, ausl_of: Mapping[str, str], *, is_strong: bool
) -> list[str]:
    """Small cells whose interval, as the attacker computes it from the files, is narrower than the threshold asks. The
    strong attacker also knows by how much the persons of parts overlap."""
    known = attack.read(folders, plan, ausl_of)
    truth = known.cells.join(counted, on=cells.key_columns(plan), how="left", maintain_order="left")
    value, threshold = (truth[name].to_numpy().astype(float) for name in ("value", "threshold"))
    small = protect.primary(truth)
    overlaps = known.system.equalities @ value if is_strong else None
    found = attack.intervals(known, overlaps, enough=np.where(small, threshold - 1, 0))
    assert all(cell in found for cell in np.flatnonzero(small)), "a small cell is shown"
    return [
        f"{truth.row(cell)[:5]}: {found[cell]}"
        for cell in np.flatnonzero(small)
        if found[cell][1] - found[cell][0] < threshold[cell] - 1
    ]
