"""Which cells are suppressed: the small ones, and as few others as keep the small ones unknown.

Established method: complementary cell suppression as a mixed-integer programme, solved with HiGHS and audited by linear
programmes. A witness is a second table that agrees with everything that is shown and gives each exposed small cell at
least `width` more than it has. The true table is always possible, so a witness proves that the interval an attacker can
compute for each of those cells is at least that wide. Suppressing more can only widen intervals: what is proved stays.

1. An audit finds which small cells are already safe with the cells suppressed so far.
2. The others are taken in batches. For each batch a linear programme over all cells finds the cheapest
witness; the cells
   that it moves are candidates, and they suffice.
3. Where these are few (up to 120), a mixed-integer programme keeps the cheapest of them that still allow a
witness of the
   batch (stopped after a time). Where they are many all are kept: batches, candidates and this limit are the heuristic
   part, another choice might need fewer cells. Safety does not depend on it.
4. Each small cell is audited by itself, upwards and downwards; anything exposed is an error and nothing is published.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

from orchestration.disclosure.solver import Programme, Solver
from orchestration.disclosure.system import System, components
from orchestration.errors import IassError

#: How far a witness may move a cell, in widths: enough for every chain of small cells, and small enough for the solver.
_REACH = 200
_SECONDS_A_BATCH = 3.0
_BATCHES = 3
_LARGEST_MIP = 120
_GAP = 0.02
_TINY = 1e-6


@dataclass(frozen=True)
class Pattern:
    """What is suppressed, by cell number, and why."""

    is_primary: np.ndarray
    is_suppressed: np.ndarray

    @property
    def n_primary(self) -> int:
        return int(self.is_primary.sum())

    @property
    def n_complementary(self) -> int:
        return int((self.is_suppressed & ~self.is_primary).sum())


def primary(cells: pl.DataFrame) -> np.ndarray:
    """Cells with fewer persons behind them than their threshold. A count is never below its persons, but a cell of one
    person may count many contacts."""
    small = (pl.col("persons") < pl.col("threshold")) | (pl.col("value") < pl.col("threshold"))
    return cells.select(small.alias("is_primary"))["is_primary"].to_numpy().copy()


def costs(cells: pl.DataFrame) -> np.ndarray:
    """What is lost by suppressing a cell: more for large ones, for totals, for wider places and longer periods."""
    place = pl.col("level").replace_strict({"district": 1, "ausl": 4, "region": 20}, return_dtype=pl.Float64)
    period = pl.col("period_type").replace_strict(
        {"month": 1, "quarter": 2, "half_year": 3, "year": 4}, return_dtype=pl.Float64
    )
    names = [name for name in cells.columns if name not in _NOT_MEMBERS]
    totals = pl.sum_horizontal([(pl.col(name) == "TOT").cast(pl.Float64) for name in names])
    return (
        cells.select((place * period * (1 + totals) * (1 + pl.col("value").log1p())).alias("cost"))["cost"]
        .to_numpy()
        .copy()
    )


_NOT_MEMBERS = {"measure", "period_type", "period", "level", "place", "value", "persons", "threshold"}


def suppress(
    system: System,
    value: np.ndarray,
    threshold: np.ndarray,
    is_primary: np.ndarray,
    cost: np.ndarray,
    *,
    sticky: np.ndarray | None = None,
    known: np.ndarray | None = None,
    progress: Callable[[str, float, float], None] = lambda text, done, total: None,
) -> Pattern:
    """The pattern of a release. `sticky`: suppressed by an earlier release. `known`: shown by an earlier release, so
    suppressing it now would hide nothing."""
    known = np.zeros(system.n_cells, dtype=bool) if known is None else known & ~is_primary
    suppressed = is_primary.copy() if sticky is None else is_primary | (sticky & ~known)
    width = (threshold - 1).astype(float)
    exposed = exposed_cells(system, value, width, is_primary, suppressed, one_by_one=False)
    suppressed = _complement(system, value, width, exposed, suppressed, known, cost, progress)
    progress("Audit of every small cell", 1, 1)
    left = exposed_cells(system, value, width, is_primary, suppressed)
    if left.any():
        raise IassError(f"{int(left.sum())} small cells cannot be protected: nothing is published.")
    return Pattern(is_primary, suppressed)


def exposed_cells(
    system: System,
    value: np.ndarray,
    width: np.ndarray,
    is_primary: np.ndarray,
    suppressed: np.ndarray,
    *,
    one_by_one: bool = True,
) -> np.ndarray:
    """Small cells whose interval is not proved to be `width` wide. Without `one_by_one` some safe ones may
    be among them."""
    exposed = np.zeros(system.n_cells, dtype=bool)
    for group in components(system, suppressed):
        wanted = group[is_primary[group]]
        if len(wanted):
            exposed[certify(system, value, width, group, wanted, one_by_one=one_by_one)] = True
    return exposed


def certify(
    system: System,
    value: np.ndarray,
    width: np.ndarray,
    group: np.ndarray,
    wanted: np.ndarray,
    *,
    one_by_one: bool = True,
) -> np.ndarray:
    """Of the wanted cells of a group, those that are too narrow. One programme widens as many as it can at
    once; what it
    leaves is looked at one by one, upwards and downwards."""
    matrix, low, high, rows_low, rows_high = _moves(system, value, group, 1e9)
    place = {cell: position for position, cell in enumerate(group)}
    at = np.array([place[cell] for cell in wanted])
    n = len(group)
    while len(at):
        gain = len(at)
        reach = sparse.csr_matrix(
            (np.r_[np.ones(gain), -np.ones(gain)], (np.r_[:gain, :gain], np.r_[at, n + np.arange(gain)])),
            shape=(gain, n + gain),
        )
        solver = Solver(
            Programme(
                np.r_[np.zeros(n), -np.ones(gain)],
                sparse.vstack([sparse.hstack([matrix, sparse.csr_matrix((matrix.shape[0], gain))]), reach]).tocsr(),
                np.r_[rows_low, np.zeros(gain)],
                np.r_[rows_high, np.full(gain, np.inf)],
                np.r_[low, np.zeros(gain)],
                np.r_[high, width[group[at]]],
            )
        )
        found = solver.solve()
        left = at if found is None else at[found[at] < width[group[at]] - _TINY]
        if len(left) == len(at):
            break
        at = left
    if not len(at) or not one_by_one:
        return group[at]
    # The true table is possible, so a cell's interval reaches from its lowest to its highest move in any table seen.
    solver = Solver(Programme(np.zeros(n), matrix, rows_low, rows_high, low, high))
    lowest, highest = np.zeros(n), np.zeros(n)
    narrow = []
    for position in at:
        least = width[group[position]] - _TINY
        for sign in (-1.0, 1.0):
            if highest[position] - lowest[position] < least:
                found = solver.solve(_one(n, position, sign))
                if found is not None:
                    lowest, highest = np.minimum(lowest, found), np.maximum(highest, found)
        if highest[position] - lowest[position] < least:
            narrow.append(group[position])
    return np.array(narrow, dtype=int)


def _one(n: int, position: int, sign: float) -> np.ndarray:
    cost = np.zeros(n)
    cost[position] = sign
    return cost


def _moves(
    system: System, value: np.ndarray, group: np.ndarray, reach: float
) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """How the cells of a group may move from their true values, everything else standing still: a suppressed cell is at
    least 1 (zeros are shown), sums hold, and what is bounded stays within its bound."""
    place = np.full(system.n_cells, -1)
    place[group] = np.arange(len(group))
    sums = system.equalities[:, group]
    sums = sums[np.diff(sums.indptr) > 0]
    pairs = [(i, j) for i, j in system.bounds if place[i] >= 0 or place[j] >= 0]
    rows, columns, entries = [], [], []
    for number, (i, j) in enumerate(pairs):
        for cell, sign in ((i, 1.0), (j, -1.0)):
            if place[cell] >= 0:
                rows.append(number)
                columns.append(place[cell])
                entries.append(sign)
    bounds = sparse.csr_matrix((entries, (rows, columns)), shape=(len(pairs), len(group)))
    room = np.array([value[j] - value[i] for i, j in pairs], dtype=float)
    return (
        sparse.vstack([sums, bounds]).tocsr(),
        np.maximum(1.0 - value[group], -reach),
        np.full(len(group), reach),
        np.r_[np.zeros(sums.shape[0]), np.full(len(pairs), -np.inf)],
        np.r_[np.zeros(sums.shape[0]), room],
    )


def _complement(
    system: System,
    value: np.ndarray,
    width: np.ndarray,
    exposed: np.ndarray,
    suppressed: np.ndarray,
    known: np.ndarray,
    cost: np.ndarray,
    progress: Callable[[str, float, float], None],
) -> np.ndarray:
    """What is suppressed when every exposed cell has a witness."""
    suppressed = suppressed.copy()
    left = np.flatnonzero(exposed)
    n_exposed = len(left)
    witness = _Witness(system, value, width, np.flatnonzero(~known)) if n_exposed else None
    while witness and len(left):
        progress("Cells that would give small ones away", n_exposed - len(left), n_exposed)
        # From all over the place: cells of one row would ask for the same complements at once.
        batch = left[:: min(_BATCHES, len(left))]
        moved = witness.cheapest(batch, np.where(suppressed, 0.0, cost))
        candidates = (np.abs(moved) > _TINY) & ~suppressed
        if 1 < candidates.sum() <= _LARGEST_MIP:
            group = np.flatnonzero(suppressed | candidates)
            suppressed[_chosen(system, value, width, group, batch, candidates, cost)] = True
            left = np.setdiff1d(left, batch)
        else:
            suppressed |= candidates
            left = left[np.abs(moved[left]) < width[left] - _TINY]
    return suppressed


class _Witness:
    """One linear programme over all cells that may move, asked again for each batch."""

    def __init__(self, system: System, value: np.ndarray, width: np.ndarray, cells: np.ndarray) -> None:
        self._cells, self._width, self._n_cells = cells, width, system.n_cells
        matrix, low, self._up, rows_low, rows_high = _moves(system, value, cells, _REACH * float(width.max()))
        self._down = np.maximum(-low, 0.0)
        n = len(cells)
        self._solver = Solver(
            Programme(  # a move is what a cell goes up less what it goes down
                np.zeros(2 * n),
                sparse.hstack([matrix, -matrix]).tocsr(),
                rows_low,
                rows_high,
                np.zeros(2 * n),
                np.r_[self._up, self._down],
            )
        )

    def cheapest(self, batch: np.ndarray, price: np.ndarray) -> np.ndarray:
        """The moves of all cells in the cheapest table in which every cell of the batch has its width more."""
        n = len(self._cells)
        is_asked = np.isin(self._cells, batch)
        least = np.where(is_asked, self._width[self._cells], 0.0)
        self._solver.bound(np.r_[least, np.zeros(n)], np.r_[self._up, np.where(is_asked, 0.0, self._down)])
        found = self._solver.solve(np.r_[price[self._cells], price[self._cells]])
        if found is None:
            raise IassError("Some small cells cannot be protected: earlier releases show too much of their sums.")
        moves = np.zeros(self._n_cells)
        moves[self._cells] = found[:n] - found[n:]
        return moves


def _chosen(
    system: System,
    value: np.ndarray,
    width: np.ndarray,
    group: np.ndarray,
    batch: np.ndarray,
    candidates: np.ndarray,
    cost: np.ndarray,
) -> np.ndarray:
    """The candidates to suppress: all of them when the programme finds nothing better in its time."""
    matrix, low, high, rows_low, rows_high = _moves(system, value, group, _REACH * float(width.max()))
    low = np.where(np.isin(group, batch), width[group], low)
    choice = np.flatnonzero(candidates[group])
    n, k = len(group), len(choice)
    # move ≤ high · chosen and move ≥ low · chosen: a cell that is shown does not move.
    ones, each = np.ones(k), np.arange(k)
    up = sparse.csr_matrix((np.r_[ones, -high[choice]], (np.r_[each, each], np.r_[choice, n + each])), shape=(k, n + k))
    down = sparse.csr_matrix(
        (np.r_[ones, -low[choice]], (np.r_[each, each], np.r_[choice, n + each])), shape=(k, n + k)
    )
    found = Solver(
        Programme(
            np.r_[np.zeros(n), cost[group[choice]]],
            sparse.vstack([sparse.hstack([matrix, sparse.csr_matrix((matrix.shape[0], k))]), up, down]).tocsr(),
            np.r_[rows_low, np.full(k, -np.inf), np.zeros(k)],
            np.r_[rows_high, np.zeros(k), np.full(k, np.inf)],
            np.r_[low, np.zeros(k)],
            np.r_[high, np.ones(k)],
            np.r_[np.zeros(n, dtype=bool), np.ones(k, dtype=bool)],
        ),
        seconds=_SECONDS_A_BATCH,
        gap=_GAP,
    ).solve()
    return group[choice] if found is None else group[choice[found[n:] > 0.5]]
