"""Hold what was counted against what the product says, cell by cell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

#: At most so many disagreements are told of a table.
N_TOLD = 10
_ABSENT = object()


def is_same(counted: Any, published: Any, tolerance: float = 0) -> bool:
    """Whether two values are one. A number of the product may be a Decimal; rounding is only what `tolerance` says."""
    if isinstance(counted, bool) or isinstance(published, bool) or counted is None or published is None:
        return counted == published
    if isinstance(counted, int | float | Decimal) and isinstance(published, int | float | Decimal):
        return math.isclose(float(counted), float(published), rel_tol=1e-9, abs_tol=max(tolerance, 1e-9))
    return bool(counted == published)


def differences(
    table: str,
    counted: Mapping[Any, Mapping[str, Any]],
    published: Mapping[Any, Mapping[str, Any]],
    tolerance: Mapping[str, float] | None = None,
    empty: Iterable[str] = (),
) -> tuple[int, list[str]]:
    """How many cells were compared, and a line for each that differs. A row that only one side has differs, unless all
    its values are zero or among `empty`."""
    allowed = tolerance or {}
    n_cells, lines = 0, []
    nothing: dict[str, Any] = {}
    for key in sorted({*counted, *published}, key=repr):
        here, there = counted.get(key, nothing), published.get(key, nothing)
        if key not in counted or key not in published:
            row = here or there
            if any(value for name, value in row.items() if name not in empty):
                side = "only the oracle" if key in counted else "only the product"
                lines.append(f"{table} {key}: {side} has {dict(row)}")
            continue
        for name, value in here.items():
            n_cells += 1
            other = there.get(name, _ABSENT)
            if other is _ABSENT or not is_same(value, other, allowed.get(name, 0)):
                lines.append(
                    f"{table} {key} {name}: counted {value}, published {'nothing' if other is _ABSENT else other}"
                )
    return n_cells, lines


def told(lines: list[str]) -> str:
    """The first disagreements, and how many there are."""
    more = f"\n… and {len(lines) - N_TOLD} more" if len(lines) > N_TOLD else ""
    return "\n".join(lines[:N_TOLD]) + more
