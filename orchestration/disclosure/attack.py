"""What somebody can compute who has the published files and nothing else: the interval of each suppressed cell.

Takes files, not cells: it rebuilds the linear system from what they show. All tables are one system, every
sum and every
bound that holds is used, zeros are known, a suppressed cell is at least 1, and intervals are rounded to whole numbers.
`overlaps` makes the attacker stronger than life: for distinct persons he also knows by how much the parts
exceed the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from scipy import sparse

from orchestration.disclosure.files import SUPPRESSED
from orchestration.disclosure.solver import Programme, Solver
from orchestration.disclosure.system import System, build, components
from orchestration.disclosure.tables import TOTAL, Plan
from orchestration.errors import IassError

_LEVELS = {"distretto": "district", "AUSL": "ausl", "regione": "region"}
_PERIODS = {"mese": "month", "trimestre": "quarter", "semestre": "half_year", "anno": "year"}
_TINY = 1e-6


@dataclass(frozen=True)
class Knowledge:
    """Every cell that the files show or suppress, once; zeros are left out. `shown` is null where it is suppressed."""

    cells: pl.DataFrame
    system: System


def read(folders: list[Path], plan: Plan, ausl_of: Mapping[str, str]) -> Knowledge:
    """Put all files of some releases together; what one of them shows is known."""
    columns = ["measure", "period_type", "period", "level", "place", *plan.dimensions, "shown"]
    frames = []
    for folder in folders:
        for table in plan.tables:
            file = folder / f"{table.code}.csv"
            if not file.exists():
                continue
            frame = pl.read_csv(file, infer_schema=False).with_columns(pl.col("stato").fill_null(""))
            renamed = frame.filter((pl.col("stato") == SUPPRESSED) | (pl.col("n").cast(pl.Int64) > 0)).select(
                measure=pl.lit(table.measure),
                period_type=pl.col("tipo_periodo").replace_strict(_PERIODS),
                period="periodo",
                level=pl.col("livello").replace_strict(_LEVELS),
                place="territorio_codice",
                shown=pl.col("n").cast(pl.Int64),
                **{name: pl.col(f"{name}_codice") if name in table.by else pl.lit(TOTAL) for name in plan.dimensions},
            )
            frames.append(renamed.select(columns))
    cells = pl.concat(frames).group_by(columns[:-1]).agg(pl.col("shown").max()).sort(columns[:-1])
    return Knowledge(cells, build(cells, plan, ausl_of))


def intervals(
    knowledge: Knowledge, overlaps: np.ndarray | None = None, *, enough: np.ndarray | None = None
) -> dict[int, tuple[float, float]]:
    """Lowest and highest count of each suppressed cell, by its number. With `enough`, a cell is left alone
    as soon as two
    possible tables differ in it by so much: its interval is then at least what is said here."""
    system = knowledge.system
    shown = knowledge.cells["shown"].cast(pl.Float64).to_numpy()
    unknown = np.isnan(shown)
    found: dict[int, tuple[float, float]] = {}
    for group in components(system, unknown):
        solver = Solver(_programme(system, shown, unknown, group, overlaps))
        wanted = np.full(len(group), np.inf) if enough is None else enough[group]
        lowest, highest = np.full(len(group), np.inf), np.full(len(group), -np.inf)
        for position in range(len(group)):
            for sign in (-1.0, 1.0):
                if highest[position] - lowest[position] >= wanted[position]:
                    continue
                cost = np.zeros(len(group))
                cost[position] = sign
                table = solver.solve(cost)
                if table is None:
                    raise IassError("The published tables contradict each other.")
                lowest, highest = np.minimum(lowest, table), np.maximum(highest, table)
        ends = zip(np.ceil(lowest - _TINY), np.floor(highest + _TINY), strict=True)
        found |= {int(cell): (float(low), float(high)) for cell, (low, high) in zip(group, ends, strict=True)}
    return found


def _programme(
    system: System, shown: np.ndarray, unknown: np.ndarray, group: np.ndarray, overlaps: np.ndarray | None
) -> Programme:
    place = np.full(system.n_cells, -1)
    place[group] = np.arange(len(group))
    rows: list[tuple[dict[int, float], float, float]] = []
    for number, relation in enumerate(system.relations):
        members = [(part, 1.0) for part in relation.parts] + [(relation.whole, -1.0)]
        if not any(place[cell] >= 0 for cell, _ in members):
            continue
        seen = sum(sign * shown[cell] for cell, sign in members if not unknown[cell])
        known = overlaps[number] if overlaps is not None else None if relation.is_distinct else 0.0
        entries = {int(place[cell]): sign for cell, sign in members if unknown[cell]}
        rows.append((entries, -seen + (known or 0.0), np.inf if known is None else known - seen))
    for i, j in system.bounds:
        if place[i] >= 0 or place[j] >= 0:
            entries = {int(place[cell]): sign for cell, sign in ((i, 1.0), (j, -1.0)) if unknown[cell]}
            seen = sum(sign * shown[cell] for cell, sign in ((i, 1.0), (j, -1.0)) if not unknown[cell])
            rows.append((entries, -np.inf, -seen))
    matrix = sparse.lil_matrix((len(rows), len(group)))
    for number, (entries, _, _) in enumerate(rows):
        for column, sign in entries.items():
            matrix[number, column] = sign
    return Programme(
        np.zeros(len(group)),
        matrix.tocsr(),
        np.array([low for _, low, _ in rows]),
        np.array([high for _, _, high in rows]),
        np.ones(len(group)),
        np.full(len(group), 1e7),
    )
