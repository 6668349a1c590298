"""The strategic indicators, each as a numerator and a denominator, with its limits."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any

from tests.oracle.counting import Contact, Demand, by_cell, contact_frequency, described, persons_of
from tests.oracle.reading import Received
from tests.oracle.rules import (
    REGION,
    Coverage,
    Period,
    Persons,
    Place,
    add_months,
    bands_from,
    comuni,
    members,
    months_in,
    periods_of,
    residents,
    rows,
)
from tests.oracle.services import FAMILIES, Supply, places
from tests.oracle.waiting import WINDOW, Request, answer, conversion, waiting_time

Cell = tuple[Period, Place]
QUANTILE = 1.959963984540054


@dataclass
class Value:
    """An indicator in one period and place."""

    numerator: float | None
    denominator: float | None
    multiplier: float = 100
    method: str = "none"
    value: float | None = None
    wider: float = 1

    def row(self) -> dict[str, Any]:
        value = self.value
        if value is None and self.numerator is not None and self.denominator:
            value = self.multiplier * self.numerator / self.denominator
        row = {"indicator_value": value, "numerator": self.numerator, "denominator": self.denominator}
        if self.method in ("wilson", "poisson") and value is not None:
            assert self.numerator is not None
            assert self.denominator
            limits = {"wilson": wilson, "poisson": poisson}[self.method](self.numerator, self.denominator)
            row["lower_limit"], row["upper_limit"] = (
                value + self.wider * (self.multiplier * limit - value) for limit in limits
            )
        return row


def wilson(n: float, of: float) -> tuple[float, float]:
    """Limits of a share at 95 %."""
    part, square = n / of, QUANTILE**2
    middle = part + square / (2 * of)
    width = QUANTILE * math.sqrt(part * (1 - part) / of + square / (4 * of * of))
    return (middle - width) / (1 + square / of), (middle + width) / (1 + square / of)


def poisson(n: float, of: float) -> tuple[float, float]:
    """Limits of a rate at 95 %: exact below ten cases, Byar's approximation from there."""
    count = round(n)
    if count >= 10:
        return _byar(count, -QUANTILE) / of, _byar(count + 1, QUANTILE) / of
    lower = _solve(lambda mean: 1 - _at_most(count - 1, mean), 0.025, count) if count else 0.0
    upper = _solve(lambda mean: -_at_most(count, mean), -0.025, count + 1)
    return lower / of, upper / of


def _byar(count: int, quantile: float) -> float:
    return count * (1 - 1 / (9 * count) + quantile / (3 * math.sqrt(count))) ** 3


def _at_most(n: int, mean: float) -> float:
    return math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(n + 1)) if mean else 1.0


def _solve(rising: Any, goal: float, near: float) -> float:
    low, high = 0.0, near * 3 + 20.0
    for _ in range(200):
        middle = (low + high) / 2
        if rising(middle) < goal:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def of_desks(
    contacts: list[Contact],
    coverage: Coverage,
    persons: Persons,
    registered: set[int],
    cells: Iterable[Cell],
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Indicators of access, demand and answer, in cells where somebody delivered."""
    counted = by_cell(contacts)
    by_period: dict[Period, list[Demand]] = defaultdict(list)
    for contact in contacts:
        for period in periods_of(contact.on):
            by_period[period].extend(contact.demands)
    told = {period: described(demands, persons, period) for period, demands in by_period.items()}
    figures = {}
    for cell in cells:
        period, place = cell
        if not coverage.received("IASS", place, period):
            continue
        mine = counted.get(cell, [])
        demands = [demand for contact in mine for demand in contact.demands]
        found = _desk_values(mine, demands, told.get(period, {}), coverage, cell, registered)
        figures |= {(code, *cell): value.row() for code, value in found.items()}
    return figures


def _desk_values(
    contacts: list[Contact],
    demands: list[Demand],
    told: dict[int, tuple[str, str, str]],
    coverage: Coverage,
    cell: Cell,
    registered: set[int],
) -> dict[str, Value]:
    period, place = cell
    exposure = coverage.exposure("IASS", place, period)
    n_contacts = sum(contact.official for contact in contacts)
    persons = persons_of(demands)
    n = len(persons)
    citizenships = [told[person][1] for person in persons]
    by_target: dict[str, set[int]] = defaultdict(set)
    for demand in demands:
        if demand.is_identified:
            by_target[demand.target].add(demand.person)

    def with_outcome(code: str) -> int:
        return sum(any(outcome["type"] == code for outcome in demand.outcomes) for demand in demands)

    waits = [
        (outcome["on"] - demand.contact.on).days
        for demand in demands
        for outcome in demand.outcomes
        if outcome["type"] == "5" and outcome["on"]
    ]
    n_repeated = sum(times > 1 for times in contact_frequency(demands).values())
    n_registered = sum(demand.person in registered for demand in demands)
    foreign = citizenships.count("straniera")
    return {
        "contacts_per_1000": Value(n_contacts, exposure, 1000, "poisson", wider=_wider(contacts)),
        "persons_per_1000": Value(n, exposure, 1000, "poisson"),
        "demands_per_contact": Value(len(demands), n_contacts, 1),
        "persons_repeated_percent": Value(n_repeated, n, method="wilson"),
        "persons_foreign_percent": Value(foreign, foreign + citizenships.count("italiana"), method="wilson"),
        "persons_family_percent": Value(len(by_target["FAM"]), n, method="wilson"),
        "persons_elderly_percent": Value(len(by_target["ANZ"]), n, method="wilson"),
        "demands_immediate_percent": Value(with_outcome("1"), len(demands), method="wilson"),
        "demands_assessment_percent": Value(with_outcome("4"), len(demands), method="wilson"),
        "median_days_to_interview": Value(None, len(waits) or None, value=median(waits) if waits else None),
        "demands_identified_percent": Value(
            sum(demand.is_identified for demand in demands), len(demands), method="wilson"
        ),
        "demands_registered_percent": Value(n_registered, len(demands), method="wilson"),
        **_desk_places(contacts, cell),
    }


def _wider(contacts: list[Contact]) -> float:
    """How much wider the limits of contacts are than of as many reporters, because some come again."""
    times: dict[Any, int] = defaultdict(int)
    for contact in contacts:
        times[contact.reporter if contact.reporter > 0 else contact.key] += contact.official
    n = sum(times.values())
    return math.sqrt(sum(n_times**2 for n_times in times.values()) / n) if n else 1


def _desk_places(contacts: list[Contact], cell: Cell) -> dict[str, Value]:
    """Comuni in which a desk had a contact, and their residents: those that have a population of their own."""
    period, place = cell
    on = period[1]
    mine = members(place, on)
    towns = {town.code for town in comuni() if town.district in mine and town.valid_from <= on <= town.valid_to}
    with_desk = {contact.desk[:6] for contact in contacts} & towns
    population: dict[str, int] = defaultdict(int)
    for row in rows("dbt_project/seeds/population.csv"):
        if row["reference_on"] == "2022-01-01":
            population[row["comune_code"]] += sum(int(n) for n in row["residents_by_age"].split())
    return {
        "comuni_with_desk_percent": Value(len(with_desk), len(towns)),
        "residents_with_desk_percent": Value(
            sum(population[town] for town in with_desk), sum(population[town] for town in towns)
        ),
    }


def of_deliveries(received: Received, coverage: Coverage, cells: Iterable[Cell]) -> dict[tuple[Any, ...], Any]:
    """Months that came, that came in time, and records that were discarded, of the social desks."""
    first: dict[tuple[str, date], date] = {}
    sent: dict[tuple[str, date], int] = defaultdict(int)
    discarded: dict[tuple[str, date], int] = defaultdict(int)
    for delivery in received.deliveries:
        if delivery.flow == "IASS":
            key = (delivery.sender, date(int(delivery.period[:4]), int(delivery.period[5:7]), 1))
            if delivery.is_loaded:
                first[key] = min(delivery.received_on, first.get(key, delivery.received_on))
            sent[key] += delivery.sent
            discarded[key] += len(delivery.discarded)
    figures = {}
    for period, place in cells:
        start, end = coverage.span("IASS")
        expected = [cell for cell in coverage.expected(place, period) if start <= cell[1] <= end]
        came = [cell for cell in expected if cell in first]
        timely = [cell for cell in came if first[cell] <= add_months(cell[1], 1) + timedelta(days=14)]
        n_sent = sum(sent[cell] for cell in expected)
        found = {
            "deliveries_received_percent": Value(len(came), len(expected)),
            "deliveries_timely_percent": Value(len(timely), len(expected)),
        }
        if came:
            n_discarded = sum(discarded[cell] for cell in expected)
            found["records_discarded_percent"] = Value(n_discarded, n_sent, method="wilson")
        figures |= {(code, period, place): value.row() for code, value in found.items()}
    return figures


def standardised(
    contacts: list[Contact], coverage: Coverage, persons: Persons, cells: Iterable[Cell]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Persons per 1,000 residents as they would be with the sex and age of the region, each person in one stratum."""
    counted = by_cell(contacts)
    figures = {}
    for period, place in cells:
        came = coverage.received("IASS", place, period)
        if not came:
            continue
        year = period[1].year
        region: dict[tuple[str, str], float] = defaultdict(float)
        for (_, sex, age_band), n in residents(year).items():
            region[sex, age_band] += n
        here: dict[tuple[str, str], float] = defaultdict(float)
        for district, _ in came:
            for (where, sex, age_band), n in residents(year).items():
                if where == district:
                    here[sex, age_band] += n / len(months_in(period))
        demands = [demand for contact in counted.get((period, place), []) for demand in contact.demands]
        everybody = [demand for contact in counted.get((period, ("region", REGION)), []) for demand in contact.demands]
        told = described(everybody, persons, period)
        strata: dict[tuple[str, str], int] = defaultdict(int)
        for person in persons_of(demands):
            strata[told[person][0], told[person][2]] += 1
        rate = sum(
            region[stratum] / sum(region.values()) * n / here[stratum] for stratum, n in strata.items() if here[stratum]
        )
        figures["persons_per_1000_standardised", period, place] = {"indicator_value": 1000 * rate}
    return figures


def of_supply(supply: Supply, older: dict[Any, Any], coverage: Coverage, cells: Iterable[Cell]) -> dict[Any, Any]:
    """Persons in charge of any service, euro, and older people in residential care."""
    persons: dict[Cell, set[int]] = defaultdict(set)
    cents: dict[Cell, float] = defaultdict(float)
    for month in supply.months:
        for period in periods_of(month.month):
            for place in places(month):
                if month.episode.person > 0:
                    persons[period, place].add(month.episode.person)
                cents[period, place] += month.cents or 0
    old = bands_from(75)
    figures = {}
    for cell in cells:
        period, place = cell
        found = {}
        exposure = coverage.exposure("services", place, period)
        if exposure:
            found["persons_in_charge_per_1000"] = Value(len(persons[cell]), exposure, 1000, "poisson")
        exposure = coverage.exposure("tariffs", place, period)
        if exposure:
            found["amount_per_resident_eur"] = Value(cents[cell] / 100, exposure, 1)
        exposure = coverage.exposure("FAR", place, period, old)
        if period[0] == "year" and exposure and coverage.is_whole("FAR", period):
            n = older.get((period[1].year, place, "TOT"), {"n_persons": 0})["n_persons"]
            found["d33za_per_1000"] = Value(n, exposure, 1000, "poisson")
        figures |= {(code, *cell): value.row() for code, value in found.items()}
    return figures


def of_requests(requests: list[Request], cells: Iterable[Cell]) -> dict[Any, Any]:
    """What follows requests: shares by Kaplan-Meier, medians of those who arrived, and what has no sequel."""
    shares, times, answers = conversion(requests), waiting_time(requests), answer(requests)
    figures = {}
    for period, place in cells:
        cut = (period[1].year, place, "all", "TOT")
        if period[0] != "year" or cut not in answers:
            continue
        for family in FAMILIES:
            share, time = shares[(*cut, family, WINDOW)], times[(*cut, family)]
            n_followed = share["n_requests"] - share["n_not_observed"]
            code = family.lower()
            if n_followed:
                figures[f"requests_to_{code}_percent", period, place] = {
                    "indicator_value": share["estimated_percent"],
                    "numerator": share["n_happened"],
                    "denominator": n_followed,
                    "lower_limit": share["estimated_percent_low"],
                    "upper_limit": share["estimated_percent_high"],
                }
            figures[f"median_days_to_{code}", period, place] = {
                "indicator_value": time["median_days"],
                "denominator": time["n_happened"],
            }
        row = answers[cut]
        figures["requests_without_sequel_percent", period, place] = {
            "indicator_value": row["without_sequel_percent"],
            "numerator": row["n_without_sequel"],
            "denominator": row["n_sequel_known"],
            "lower_limit": row["without_sequel_percent_low"],
            "upper_limit": row["without_sequel_percent_high"],
        }
    return figures
