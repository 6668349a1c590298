"""What happens to the residents between one snapshot and the next: about one row in a hundred differs.

Belongs here: births, deaths, moves, arrivals, departures, new doctors, new codes, and their monthly rates.
Does not: the first day (population.py); errors in files (faults.py).
"""

from collections.abc import Callable
from datetime import date

import numpy as np

from orchestration.demo import names
from orchestration.demo.population import (
    ACTIVE,
    DECEASED,
    NO_DATE,
    SUSPENDED,
    TRANSFERRED,
    Registry,
    day_number,
    foreign_citizenships,
)

# Monthly rates per resident. Together with the rows that leave they make about 1 %.
BIRTH_RATE = 0.00070
DEATH_RATE = 0.00092
MOVE_RATE = 0.00230
DOCTOR_RATE = 0.00360
ARRIVAL_RATE = 0.00050
DEPARTURE_RATE = 0.00040
SUSPENSION_RATE = 0.00030
NEW_CITIZEN_RATE = 0.00020
CORRECTION_RATE = 0.00015
GAP_RATE = 0.00003
# Rows of the dead and of those who left stay this long, so that every reader sees why they end.
DAYS_AFTER_LEAVING = 62
# Yearly risk of death roughly doubles every seven years of age.
DEATH_DOUBLING_YEARS = 7.0
# Draws n days of the month.
Days = Callable[[int], np.ndarray]


class MonthlyChanges:
    """Applies one month after the other to a registry."""

    def __init__(self, registry: Registry, rng: np.random.Generator) -> None:
        """Changes of `registry`, all drawn from `rng`."""
        self.registry, self.rng = registry, rng
        self.absent_for_a_month = np.zeros(0, dtype=np.int64)

    def apply(self, first: date, last: date, protected: np.ndarray, frailty: np.ndarray) -> int:
        """Carry the registry to `last`; protected people neither die nor leave, frail ones die more often than their
        age peers. Returns the rows touched."""
        registry, rng = self.registry, self.rng
        start, end = day_number(first), day_number(last)
        touched = self._close_rows(end) + self._return_from_gap()
        active = np.flatnonzero(registry["present"] & (registry["status"] <= SUSPENDED))
        free = active[~protected[active]]

        def some(pool: np.ndarray, rate: float, weights: np.ndarray | None = None) -> np.ndarray:
            """A share `rate` of all active residents, drawn from a pool without repetition."""
            n = min(_round(rng, rate * len(active)), len(pool))
            if weights is None:
                return rng.choice(pool, n, replace=False) if n else pool[:0]
            # Exponential races: the n smallest arrival times are a weighted sample without replacement.
            return pool[np.argpartition(rng.exponential(size=len(pool)) / weights, n - 1)[:n]] if n else pool[:0]

        def days(n: int) -> np.ndarray:
            return rng.integers(start, end + 1, n)

        # Deaths by age.
        age = (end - registry["birth"][free]) / 365.25
        dead = some(free, DEATH_RATE, 2.0 ** (age / DEATH_DOUBLING_YEARS) * frailty[free])
        on = np.maximum(days(len(dead)), registry["birth"][dead])
        registry["status"][dead], registry["status_on"][dead], registry["death_on"][dead] = DECEASED, on, on
        # Departures: foreigners leave six times as often.
        foreign = registry["citizenship"][free] != names.ITALY
        left = some(free[registry["status"][free] <= SUSPENDED], DEPARTURE_RATE, None)
        extra = some(free[foreign], DEPARTURE_RATE, None)
        gone = np.unique(np.concatenate([left[: len(left) // 2], extra[: len(extra) // 2]]))
        gone = gone[registry["status"][gone] != DECEASED]
        registry["status"][gone] = TRANSFERRED
        registry["status_on"][gone] = np.maximum(days(len(gone)), registry["birth"][gone])
        # Moves inside the region: half of them inside the district's hub.
        movers = some(active, MOVE_RATE)
        movers = movers[registry["status"][movers] <= SUSPENDED]
        units = rng.integers(0, len(registry.territory.units), len(movers))
        hub = registry.territory.hub_of_unit
        to = np.where(rng.random(len(movers)) < 0.5, hub[registry["unit"][movers]], hub[units])
        registry["unit"][movers], registry["assisted_in"][movers] = to, to
        registry["doctor"][movers] = registry.doctors(rng, to)
        # A new doctor, a suspension or its end.
        switchers = some(active, DOCTOR_RATE)
        registry["doctor"][switchers] = registry.doctors(rng, registry["assisted_in"][switchers])
        flipped = some(active, SUSPENSION_RATE)
        flipped = flipped[registry["status"][flipped] <= SUSPENDED]
        back = registry["status"][flipped] == SUSPENDED
        registry["status"][flipped] = np.where(back, ACTIVE, SUSPENDED)
        registry["status_on"][flipped] = np.maximum(days(len(flipped)), registry["birth"][flipped])
        # Foreigners who become Italian.
        foreigners = free[registry["citizenship"][free] != names.ITALY]
        registry["citizenship"][some(foreigners, NEW_CITIZEN_RATE)] = names.ITALY
        corrected = self._correct_codes(some(active, CORRECTION_RATE))
        touched += len(dead) + len(gone) + len(movers) + len(switchers) + len(flipped) + corrected
        touched += self._births(_round(rng, BIRTH_RATE * len(active)), active, days)
        touched += self._arrivals(_round(rng, ARRIVAL_RATE * len(active)), active, days, start)
        self.absent_for_a_month = some(free[registry["status"][free] == ACTIVE], GAP_RATE)
        registry["present"][self.absent_for_a_month] = False
        return touched + len(self.absent_for_a_month)

    def _close_rows(self, end: int) -> int:
        registry = self.registry
        over = (
            registry["present"]
            & (registry["status"] >= TRANSFERRED)
            & (registry["status_on"] < end - DAYS_AFTER_LEAVING)
        )
        registry["present"][over] = False
        return int(over.sum())

    def _return_from_gap(self) -> int:
        """People whom the registry had lost for one snapshot are there again."""
        self.registry["present"][self.absent_for_a_month] = True
        return len(self.absent_for_a_month)

    def _correct_codes(self, chosen: np.ndarray) -> int:
        """A misspelt name or birth day is set right: the codice fiscale changes and the old one becomes an alias."""
        registry, rng = self.registry, self.rng
        chosen = chosen[[int(p) not in registry.previous_code for p in chosen]] if len(chosen) else chosen
        chosen = chosen[registry["status"][chosen] <= SUSPENDED]
        renamed = rng.random(len(chosen)) < 0.6
        people = {field: registry[field][chosen] for field in ("unit", "sex", "birth", "citizenship")}
        if len(chosen):
            fresh = registry.people(rng, people["unit"], people["sex"], people["birth"], people["citizenship"])
            registry["given"][chosen[renamed]] = fresh["given"][renamed]
            registry["family"][chosen[~renamed]] = fresh["family"][~renamed]
            registry.recode(chosen)
        return len(chosen)

    def _births(self, n: int, active: np.ndarray, days: Days) -> int:
        """Children of residents: in their comune, with the citizenship of the mother; some are twins."""
        registry, rng = self.registry, self.rng
        age = (registry["birth"][active].max() - registry["birth"][active]) / 365.25
        mothers = rng.choice(active[(registry["sex"][active] == 1) & (age > 18) & (age < 44)], n)
        twin = np.flatnonzero(rng.random(n) < 0.015)
        mothers = np.concatenate([mothers, mothers[twin]])
        birth = days(n)
        birth = np.concatenate([birth, birth[twin]])
        sex = (rng.random(len(mothers)) < 0.486).astype(np.uint8)
        unit = registry["unit"][mothers]
        children = registry.people(rng, unit, sex, birth, registry["citizenship"][mothers])
        # Born here, whatever the citizenship: in the hospital town of the mother's district.
        hub_codes = registry.territory.units["belfiore_code"].gather(registry.territory.hub_of_unit[unit]).to_list()
        children["place"] = registry.places.position(hub_codes)
        children["family"] = registry["family"][mothers]
        children["family"][n:] = children["family"][twin]
        of_one_sex = twin[children["sex"][n:] == children["sex"][twin]]
        children["has_twin"][of_one_sex] = True
        children["has_twin"][n:] = children["has_twin"][twin]
        children["status"] = np.full(len(mothers), ACTIVE)
        children["status_on"] = birth
        registry.add(children)
        return len(mothers)

    def _arrivals(self, n: int, active: np.ndarray, days: Days, start: int) -> int:
        """People who settle in the region: seven in ten are foreigners of working age."""
        registry, rng = self.registry, self.rng
        unit = registry["unit"][rng.choice(active, n)]
        foreign = rng.random(n) < 0.7
        age = np.where(foreign, rng.gamma(6.0, 5.0, n), rng.gamma(4.0, 9.0, n)).clip(0, 90)
        birth = start - 1 - (age * 365.25).astype(np.int64)
        citizenship = np.where(foreign, foreign_citizenships(rng, n), names.ITALY)
        people = registry.people(rng, unit, (rng.random(n) < 0.52).astype(np.uint8), birth, citizenship)
        people["status"], people["status_on"] = np.full(n, ACTIVE), days(n)
        people["death_on"] = np.full(n, NO_DATE)
        registry.add(people)
        return n


def _round(rng: np.random.Generator, x: float) -> int:
    """Round up or down at random, so that small scales keep the rate on average."""
    return int(x + rng.random())
