"""Episodes of a service over time: stays, takings in charge, contracts, cases. Who is in, since when, until when.

Belongs here: drawing people and lengths, starts, ends by plan, death, departure or move. Does not: what a sender writes
about an episode (far.py, adi.py, smac.py, sisam.py), the order of services (services.py).
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from orchestration.demo import calibration as cal
from orchestration.demo import rates
from orchestration.demo.population import ACTIVE, DECEASED, NO_DATE, TRANSFERRED, Registry, day_number

PLANNED, DIED, LEFT, MOVED, ADMITTED, OF_AGE, REORGANISED = range(7)
END_REASONS = ("as planned", "death", "left the region", "moved", "residential care", "of age", "other AUSL")
NO_DEMAND = NO_DOUBLE = -1


@dataclass(frozen=True)
class Pool:
    """Residents of a month who can start a service, with their age at the end of it."""

    registry: Registry
    age: np.ndarray
    is_able: np.ndarray

    @classmethod
    def of(cls, registry: Registry, last: date) -> "Pool":
        able = registry["present"] & (registry["status"] == ACTIVE)
        return cls(registry, registry.age(np.arange(len(registry)), day_number(last)).astype(np.int16), able)

    def draw(self, rng: np.random.Generator, service: rates.Service, n: int, busy: np.ndarray) -> np.ndarray:
        """n different residents by the service's shares of age and sex; fewer where the region is too small."""
        table = [(low, high, share, sex) for low, high, share in service.ages for sex in (0, 1)]
        weight = np.array([share * (service.women if sex else 1 - service.women) for _, _, share, sex in table])
        chosen = []
        free = self.is_able & ~busy
        women = self.registry["sex"] == 1
        for (low, high, _, sex), k in zip(table, cal.quota(weight, n), strict=True):
            pool = np.flatnonzero(free & (self.age >= low) & (self.age < high) & (women == bool(sex)))
            chosen.append(rng.choice(pool, min(int(k), len(pool)), replace=False))
        return rng.permutation(np.concatenate(chosen)) if chosen else np.zeros(0, dtype=np.int64)


class Episodes:
    """Episodes of one service as parallel arrays; position = episode, for ever."""

    FIELDS: tuple[tuple[str, type], ...] = (
        ("source", np.uint8),
        ("position", np.int64),
        ("start", np.int32),
        ("planned", np.int32),
        ("end", np.int32),
        ("reason", np.int8),
        ("unit", np.int16),
        ("kind", np.int8),
        ("trait", np.uint32),
        ("demand", np.int64),
        ("fault", np.int8),
        ("double", np.int64),
        ("is_told", np.bool_),
        ("is_reopened", np.bool_),
    )

    def __init__(self, rng: np.random.Generator, service: rates.Service, registry: Registry, outside: Registry) -> None:
        """No episode yet."""
        self.rng, self.service, self.registry, self.outside = rng, service, registry, outside
        self.kinds = list(rates.KINDS[service.code])
        self.columns: dict[str, np.ndarray] = {name: np.zeros(0, dtype=dtype) for name, dtype in self.FIELDS}
        self.owed = 0.0

    def __len__(self) -> int:
        return len(self.columns["start"])

    def __getitem__(self, field: str) -> np.ndarray:
        return self.columns[field]

    def running(self, first: int, last: int) -> np.ndarray:
        """Real episodes with a day in a stretch."""
        end = self["end"]
        return np.flatnonzero((self["start"] <= last) & ((end == NO_DATE) | (end >= first)) & (self["fault"] == 0))

    def open_residents(self) -> np.ndarray:
        """Registry positions of those who are in now."""
        return self["position"][(self["end"] == NO_DATE) & (self["source"] == 0) & (self["fault"] == 0)]

    def busy(self, day: int) -> np.ndarray:
        """Residents who may not start now: they are in, or their last episode ended a short while ago."""
        mask = np.zeros(len(self.registry), dtype=bool)
        end = self["end"]
        recent = (end == NO_DATE) | (end > day - self.service.quiet_days) | (self["double"] != NO_DOUBLE)
        recent &= self["source"] == 0
        mask[self["position"][recent]] = True
        return mask

    def stock(self, pool: Pool, scale: float, first: date) -> None:
        """Who is in already on the first day: long stays are over-represented, as in any census of a day."""
        shares = np.array([share for share, _, _ in rates.KINDS[self.service.code].values()])
        kind = cal.exact_draw(self.rng, shares, 60_000)
        length = self._lengths(kind)
        weight = np.minimum(length, self.service.stock_days * 3).astype(np.float64)
        n = round(self.service.starts_a_year / 365.25 * weight.mean() * scale)
        picked = np.searchsorted(weight.cumsum(), self.rng.random(n) * weight.sum(), side="right")
        who = pool.draw(self.rng, self.service, n, np.zeros(len(self.registry), dtype=bool))
        kind, length = kind[picked][: len(who)], length[picked][: len(who)]
        reach = np.minimum(length, self.service.stock_days)
        elapsed = (self.rng.random(len(who)) * reach).astype(np.int64) + 1
        start = day_number(first) - elapsed
        # Nobody starts in a comune that is not there yet, nor before birth.
        since = self.registry.territory.unit_since(self.registry["unit"][who])
        start = np.maximum(np.maximum(start, since), self.registry["birth"][who] + 2)
        self.add(np.zeros(len(who)), who, start, np.maximum(start + length, day_number(first) + 1), kind)

    def routine(self, pool: Pool, scale: float, first: date, last: date, already: int) -> np.ndarray:
        """Starts of the month that no demand at a desk led to: what is left of the quota."""
        self.owed += self.service.starts_a_year * scale / 12
        n = max(0, int(self.owed) - already)
        self.owed -= n + already
        start, busy = day_number(first), self.busy(day_number(first))
        again = self._returning(round(n * rates.RETURNING_SHARE * self.rng.random() * 2), pool, busy)
        busy[again] = True
        who = np.concatenate([again, pool.draw(self.rng, self.service, n - len(again), busy)])
        days = self._days(start, day_number(last), len(who))
        days = np.maximum(days, self.registry["birth"][who] + 1)
        return self.begin(np.zeros(len(who), dtype=np.int64), who, days)

    def begin(self, source: np.ndarray, position: np.ndarray, start: np.ndarray) -> np.ndarray:
        """New episodes of people at their days; kind and length are drawn."""
        shares = np.array([share for share, _, _ in rates.KINDS[self.service.code].values()])
        kind = cal.exact_draw(self.rng, shares, len(start))
        return self.add(source, position, start, start + self._lengths(kind), kind)

    def add(
        self, source: np.ndarray, position: np.ndarray, start: np.ndarray, planned: np.ndarray, kind: np.ndarray
    ) -> np.ndarray:
        """Append episodes; returns their numbers."""
        n, before = len(start), len(self)
        position = np.asarray(position, dtype=np.int64)
        inside = np.asarray(source) == 0
        unit = np.zeros(n, dtype=np.int16)
        unit[inside] = self.registry["unit"][position[inside]]
        unit[~inside] = self.outside["unit"][position[~inside]]
        new = {
            "source": source,
            "position": position,
            "start": start,
            "planned": planned,
            "end": np.full(n, NO_DATE),
            "reason": np.full(n, PLANNED),
            "unit": unit,
            "kind": kind,
            "trait": self.rng.integers(0, 2**32, n, dtype=np.uint32),
            "demand": np.full(n, NO_DEMAND),
            "fault": np.zeros(n),
            "double": np.full(n, NO_DOUBLE),
            "is_told": np.zeros(n),
            "is_reopened": np.zeros(n),
        }
        for name, dtype in self.FIELDS:
            self.columns[name] = np.concatenate([self.columns[name], np.asarray(new[name]).astype(dtype)])
        return np.arange(before, before + n)

    def close(
        self, first: date, last: date, area: np.ndarray | None, sender: np.ndarray, sender_next: np.ndarray
    ) -> None:
        """End what ends in the month. `area` of each unit: a move to another one ends the episode; where the sender is
        another one from the next month on, the episode is ended and opened again there."""
        start, end = day_number(first), day_number(last)
        open_ = np.flatnonzero((self["end"] == NO_DATE) & (self["start"] <= end))
        over = open_[self["planned"][open_] <= end]
        self.finish(over, PLANNED, self["planned"][over])
        inside = open_[self["source"][open_] == 0]
        position = self["position"][inside]
        status, on = self.registry["status"][position], self.registry["status_on"][position]
        for gone, reason in ((status == DECEASED, DIED), (status == TRANSFERRED, LEFT)):
            self.finish(inside[gone & (on <= end)], reason, on[gone & (on <= end)])
        if area is not None:
            moved = inside[area[self.registry["unit"][position]] != area[self["unit"][inside]]]
            self.finish(moved, MOVED, self._days(start, end, len(moved)))
        stays = (self["end"][open_] == NO_DATE) & (self["fault"][open_] == 0)
        over = open_[stays & (sender_next != sender)[self["unit"][open_]]]
        if len(over):
            self.finish(over, REORGANISED, np.full(len(over), end))
            begins = np.full(len(over), end + 1)
            again = self.add(
                self["source"][over], self["position"][over], begins, self["planned"][over], self["kind"][over]
            )
            self["is_reopened"][again] = True

    def end_for(self, persons: np.ndarray, on: np.ndarray, reason: int) -> None:
        """End the open episodes of residents who were taken in elsewhere on a day."""
        by_person = dict(zip(persons.tolist(), on.tolist(), strict=True))
        mine = np.flatnonzero((self["end"] == NO_DATE) & (self["source"] == 0) & np.isin(self["position"], persons))
        if len(mine):
            self.finish(mine, reason, np.array([by_person[p] for p in self["position"][mine].tolist()]))

    def finish(self, episodes: np.ndarray, reason: int, on: np.ndarray) -> None:
        """End episodes, each on its day, unless it ended before."""
        open_ = (self["end"][episodes] == NO_DATE) | (on < self["end"][episodes])
        chosen = episodes[open_]
        self["end"][chosen] = np.maximum(on[open_], self["start"][chosen])
        self["reason"][chosen] = reason

    def _lengths(self, kind: np.ndarray) -> np.ndarray:
        table = list(rates.KINDS[self.service.code].values())
        median = np.array([m for _, m, _ in table])[kind]
        spread = np.array([s for _, _, s in table])[kind]
        return np.maximum(3, np.exp(np.log(median) + spread * self.rng.standard_normal(len(kind)))).astype(np.int64)

    def _days(self, start: int, end: int, n: int) -> np.ndarray:
        return self.rng.integers(start, end + 1, n)

    def _returning(self, n: int, pool: Pool, busy: np.ndarray) -> np.ndarray:
        """People whose last episode ended a while ago and who come back."""
        former = np.unique(self["position"][(self["end"] != NO_DATE) & (self["source"] == 0) & (self["fault"] == 0)])
        low, high = self.service.ages[0][0], self.service.ages[-1][1]
        former = former[pool.is_able[former] & ~busy[former]]
        former = former[(pool.age[former] >= low) & (pool.age[former] < high)]
        return self.rng.choice(former, min(n, len(former)), replace=False)
