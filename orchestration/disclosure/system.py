"""The linear system that ties published cells together: what somebody can know who adds and subtracts.

A cell equals the sum of its parts in every direction in which all parts are published: months of a quarter, quarters of
a half-year, districts of an AUSL, AUSL of the region, members of a dimension. Persons are not additive, but they are
bounded: a part is at most the whole, and whoever protects them pretends that the overlap is known (see `Relation`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import polars as pl
from scipy import sparse

from orchestration.disclosure.cells import REGION
from orchestration.disclosure.tables import TOTAL, Measure, Plan

#: Where a period lies: the longer periods, nearest first.
_LONGER = {
    "month": ("quarter", "half_year", "year"),
    "quarter": ("half_year", "year"),
    "half_year": ("year",),
    "year": (),
}


@dataclass(frozen=True)
class Relation:
    """whole = sum of parts, or for persons: each part ≤ whole ≤ sum of parts."""

    whole: int
    parts: tuple[int, ...]
    is_distinct: bool


@dataclass(frozen=True)
class System:
    """Cells by number, how they are tied, and which are never larger than which others."""

    n_cells: int
    relations: tuple[Relation, ...]
    at_most: tuple[tuple[int, int], ...]
    """(i, j): cell i is at most cell j, of another measure with the same coordinates."""

    @cached_property
    def equalities(self) -> sparse.csr_matrix:
        """A row for each relation: parts minus whole."""
        rows: list[int] = []
        columns: list[int] = []
        values: list[float] = []
        for number, relation in enumerate(self.relations):
            members = (*relation.parts, relation.whole)
            rows += [number] * len(members)
            columns += members
            values += [1.0] * len(relation.parts) + [-1.0]
        return sparse.csr_matrix((values, (rows, columns)), shape=(len(self.relations), self.n_cells))

    @cached_property
    def bounds(self) -> tuple[tuple[int, int], ...]:
        """All pairs (smaller, larger): those of `at_most`, and parts of persons with their wholes."""
        pairs = {(part, each.whole) for each in self.relations if each.is_distinct for part in each.parts}
        return tuple(sorted(pairs | set(self.at_most)))


def build(cells: pl.DataFrame, plan: Plan, ausl_of: Mapping[str, str]) -> System:
    """The system of these cells; row numbers of the frame are the numbers of cells. Cells that are not
    listed are zero."""
    names = list(plan.dimensions)
    keys = [tuple(row) for row in cells.select("measure", "period_type", "period", "level", "place", *names).rows()]
    number = {key: place for place, key in enumerate(keys)}
    parts: dict[tuple[int, str], list[int]] = defaultdict(list)
    for key, place in number.items():
        for direction, whole in _wholes(key, ausl_of, names):
            found = next((number[each] for each in whole if each in number), None)
            if found is not None:
                parts[found, direction].append(place)
    relations = tuple(
        Relation(whole, tuple(members), _is_distinct(plan.measures[keys[whole][0]], direction))
        for (whole, direction), members in sorted(parts.items())
    )
    # What a person is at the end of the year is not what was said at each of her demands.
    at_most = tuple(
        (place, number["demands", *key[1:]])
        for key, place in number.items()
        if key[0] != "demands"
        and ("demands", *key[1:]) in number
        and all(
            member == TOTAL or name not in plan.measures[key[0]].one_of
            for name, member in zip(names, key[5:], strict=True)
        )
    )
    return System(len(keys), relations, at_most)


def _is_distinct(measure: Measure, direction: str) -> bool:
    """Whether parts may be more than their whole: of persons, but for what each of them is one of."""
    return measure.is_distinct and direction.removeprefix("over ") not in measure.one_of


def _wholes(
    key: tuple[str, ...], ausl_of: Mapping[str, str], names: Sequence[str]
) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """What a cell is a part of, one direction at a time: the candidates from the nearest; the first that is
    published counts."""
    measure, period_type, period, level, place, *members = key
    longer = [(each, _enclosing(period_type, period, each)) for each in _LONGER[period_type]]
    yield f"from {period_type}", [(measure, each, code, level, place, *members) for each, code in longer]
    if level == "district":
        ausl = ausl_of.get(place)
        up = [("ausl", ausl)] if ausl else []
        yield "from district", [(measure, period_type, period, *each, *members) for each in (*up, ("region", REGION))]
    elif level == "ausl":
        yield "from ausl", [(measure, period_type, period, "region", REGION, *members)]
    for position, member in enumerate(members):
        if member != TOTAL:
            whole = [*members[:position], TOTAL, *members[position + 1 :]]
            yield f"over {names[position]}", [(measure, period_type, period, level, place, *whole)]


def _enclosing(period_type: str, period: str, longer: str) -> str:
    year = period[:4]
    if longer == "year":
        return year
    month = int(period[5:]) if period_type == "month" else 3 * int(period[-1])
    return f"{year}-Q{(month + 2) // 3}" if longer == "quarter" else f"{year}-H{1 + (month > 6)}"


def components(system: System, unknown: np.ndarray) -> list[np.ndarray]:
    """Cells that are unknown, in groups that no relation or bound ties to each other."""
    numbers = np.flatnonzero(unknown)
    if not len(numbers):
        return []
    place = np.full(system.n_cells, -1)
    place[numbers] = np.arange(len(numbers))
    links: list[tuple[int, int]] = []
    for relation in system.relations:
        tied = [place[each] for each in (relation.whole, *relation.parts) if place[each] >= 0]
        links += list(pairwise(tied))
    links += [(place[i], place[j]) for i, j in system.bounds if place[i] >= 0 and place[j] >= 0]
    pairs = np.array(links, dtype=int).reshape(-1, 2)
    graph = sparse.coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(numbers),) * 2)
    n_groups, group = sparse.csgraph.connected_components(graph, directed=False)
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=n_groups))[:-1]
    return [numbers[each] for each in np.split(order, ends)]
