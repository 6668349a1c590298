"""What the figures stand on: calendar, territory, residents, targets, age bands, and who a person is in a period.

Belongs here: the definitions of the counting rules (docs/analysts/README.md) that more than one figure uses. Reference
data are read as data from `expectations/reference` and the seeds.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests.oracle.reading import Received, Record, period_months

ROOT = Path(__file__).resolve().parents[2]
REGION = "080"
PERIOD_MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
UNKNOWN = "-1"

Period = tuple[str, date]
Place = tuple[str, str]


def rows(path: str) -> list[dict[str, str]]:
    with (ROOT / path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# Calendar


def month_of(on: date) -> date:
    return on.replace(day=1)


def add_months(month: date, n: int) -> date:
    place = month.year * 12 + month.month - 1 + n
    return date(place // 12, place % 12 + 1, 1)


def period_of(on: date, period_type: str) -> date:
    """First day of the period in which a day lies."""
    length = PERIOD_MONTHS[period_type]
    return date(on.year, (on.month - 1) // length * length + 1, 1)


def months_in(period: Period) -> list[date]:
    return [add_months(period[1], place) for place in range(PERIOD_MONTHS[period[0]])]


def last_day(period: Period) -> date:
    return add_months(period[1], PERIOD_MONTHS[period[0]]) - timedelta(days=1)


def periods_of(on: date) -> list[Period]:
    return [(kind, period_of(on, kind)) for kind in PERIOD_MONTHS]


def months_between(first: date, last: date) -> Iterator[date]:
    month = month_of(first)
    while month <= last:
        yield month
        month = add_months(month, 1)


# Territory


@dataclass(frozen=True)
class Comune:
    code: str
    district: str
    ausl: str
    valid_from: date
    valid_to: date


@cache
def comuni() -> tuple[Comune, ...]:
    return tuple(
        Comune(
            row["comune_code"],
            row["district_code"],
            row["ausl_code"],
            date.fromisoformat(row["valid_from"]),
            date.fromisoformat(row["valid_to"]),
        )
        for row in rows("dbt_project/seeds/territory.csv")
    )


@cache
def districts() -> tuple[str, ...]:
    return tuple(sorted({comune.district for comune in comuni()}))


@cache
def ausl_of(district: str, on: date) -> str:
    """AUSL of a district on a day."""
    (found,) = {
        comune.ausl for comune in comuni() if comune.district == district and comune.valid_from <= on <= comune.valid_to
    }
    return found


@cache
def district_of(comune_code: str, on: date) -> str:
    """District of a comune on a day, -1 outside the region."""
    for comune in comuni():
        if comune.code == comune_code and comune.valid_from <= on <= comune.valid_to:
            return comune.district
    return UNKNOWN


def places_of(district: str, on: date) -> list[Place]:
    """The places in which a row of a district counts, its AUSL of today too while that was not there."""
    here = ausl_of(district, on)
    today = ausl_of(district, date.max)
    found: list[Place] = [("district", district), ("ausl", here), ("region", REGION)]
    return found if here == today else [*found, ("ausl_today", today)]


@cache
def successor(ausl: str, on: date) -> str:
    """The AUSL that has the districts of an AUSL on a day."""
    if any(comune.ausl == ausl and comune.valid_from <= on <= comune.valid_to for comune in comuni()):
        return ausl
    had = {comune.district for comune in comuni() if comune.ausl == ausl}
    return min((ausl_of(district, on) for district in had), default=ausl)


@cache
def members(place: Place, month: date) -> tuple[str, ...]:
    """Districts of a place in a month."""
    level, code = place
    return tuple(
        district
        for district in districts()
        if level == "region"
        or (level == "district" and district == code)
        or (level == "ausl" and ausl_of(district, month) == code)
        or (level == "ausl_today" and code == ausl_of(district, date.max) != ausl_of(district, month))
    )


# Residents


@cache
def _structure(year: int) -> dict[tuple[str, str, str], int]:
    """Residents by district, sex and age band on the day nearest to the start of a year of which ages are known."""
    found: dict[tuple[str, str, str], int] = defaultdict(int)
    population = rows("dbt_project/seeds/population.csv")
    reference = min({row["reference_on"] for row in population}, key=lambda on: abs(int(on[:4]) - year))
    for row in population:
        district = district_of(row["comune_code"], date.fromisoformat(row["reference_on"]))
        if row["reference_on"] == reference and district != UNKNOWN:
            for age, n in enumerate(row["residents_by_age"].split()):
                found[district, row["sex_code"], band(age)] += int(n)
    return dict(found)


@cache
def _totals(year: int) -> dict[str, int]:
    """Residents of each district on the day nearest to the start of a year, of ages known or not."""
    by_day: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    if (ROOT / DISTRICT_POPULATION).exists():
        for row in rows(DISTRICT_POPULATION):
            by_day[row["residents_on"]][row["district_code"]] += int(row["n_residents"])
    for row in rows("dbt_project/seeds/population.csv"):
        district = district_of(row["comune_code"], date.fromisoformat(row["reference_on"]))
        by_day[row["reference_on"]][district] += sum(int(n) for n in row["residents_by_age"].split())
    return dict(by_day[min(by_day, key=lambda on: abs(int(on[:4]) - year))])


DISTRICT_POPULATION = "dbt_project/seeds/district_population.csv"


@cache
def residents(year: int) -> dict[tuple[str, str, str], float]:
    """Residents by district, sex and age band: the total of the year, in the proportions that are known."""
    structure, totals = _structure(year), _totals(year)
    whole: dict[str, int] = defaultdict(int)
    for (district, _, _), n in structure.items():
        whole[district] += n
    return {key: n * totals[key[0]] / whole[key[0]] for key, n in structure.items()}


@cache
def residents_of(district: str, year: int, age_bands: tuple[str, ...] = ()) -> float:
    if not age_bands:
        return _totals(year)[district]
    return sum(n for (where, _, age_band), n in residents(year).items() if where == district and age_band in age_bands)


# Demands


@cache
def _targets() -> tuple[tuple[str, str, str, date, date], ...]:
    return tuple(
        (
            row["life_cycle_code"],
            row["condition_code"],
            row["report_target_code"],
            date.fromisoformat(row["valid_from"]),
            date.fromisoformat(row["valid_to"]),
        )
        for row in rows("dbt_project/seeds/target_group_map.csv")
    )


@cache
def target(life_cycle: str, condition: str, on: date) -> str:
    for cycle, state, code, start, end in _targets():
        if (cycle, state) == (life_cycle, condition) and start <= on <= end:
            return code
    return UNKNOWN


@cache
def outcome_rank() -> dict[str, int]:
    return {row["outcome_type_code"]: int(row["outcome_rank"]) for row in rows("dbt_project/seeds/outcome_rank.csv")}


@cache
def _bands() -> tuple[tuple[str, int, int], ...]:
    return tuple(
        (row["age_band_code"], int(row["age_from"]), int(row["age_to"]))
        for row in rows("dbt_project/seeds/age_band.csv")
    )


@cache
def band(age: int | None) -> str:
    if age is not None:
        for code, start, end in _bands():
            if start <= age <= end:
                return code
    return UNKNOWN


@cache
def bands_from(age: int) -> tuple[str, ...]:
    return tuple(code for code, start, _ in _bands() if start >= age)


def age_on(birth: date | None, birth_year: int | None, on: date) -> int | None:
    """Completed years on a day; of a year alone, the years between."""
    if birth:
        return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
    return on.year - birth_year if birth_year else None


def citizenship_group(code: str) -> str:
    if code == "100":
        return "italiana"
    known = {row["citizenship_code"] for row in rows("dbt_project/seeds/citizenship.csv")}
    return "straniera" if code in known and code != "999" else "non disponibile"


citizenship_group = cache(citizenship_group)  # type: ignore[assignment]


# Deliveries


#: The flows that tell of a subject: of a family in two files both.
SUBJECTS = {
    "IASS": ("IASS",),
    "FAR": ("FAR1", "FAR2"),
    "ADI": ("ADI1", "ADI2"),
    "SMAC": ("SMAC",),
    "SISAM": ("SISAM",),
}
#: Subjects of several families, of which one at least came.
JOINT = {"services": ("FAR", "ADI", "SMAC", "SISAM"), "tariffs": ("FAR", "SMAC")}
SENT_BY_AUSL = ("FAR1", "FAR2", "ADI1", "ADI2")


class Coverage:
    """Which months of which districts were received, and over which months anybody sent."""

    def __init__(self, received: Received) -> None:
        self.sent: dict[str, set[tuple[str, date]]] = defaultdict(set)
        for delivery in received.deliveries:
            if delivery.is_loaded and delivery.flow not in ("NAAR", "NOML"):
                self.sent[delivery.flow] |= {(delivery.sender, month) for month in period_months(delivery.period)}
        self.months = {subject: self._months(flows) for subject, flows in SUBJECTS.items()}
        for subject, families in JOINT.items():
            self.months[subject] = set.union(*(self.months[family] for family in families))

    def _months(self, flows: tuple[str, ...]) -> set[tuple[str, date]]:
        """District months of which all flows came."""
        came = []
        for flow in flows:
            months = self.sent[flow]
            if flow in SENT_BY_AUSL:
                all_months = {month for _, month in months}
                months = {
                    (district, month)
                    for month in all_months
                    for district in districts()
                    if (ausl_of(district, month), month) in months
                }
            came.append(months)
        return set.intersection(*came)

    def span(self, subject: str) -> tuple[date, date]:
        """First and last month of which anybody sent something, of a family in two files of which both did."""
        spans = [{month for _, month in self.sent[flow]} for flow in SUBJECTS[subject]]
        return max(min(months) for months in spans), min(max(months) for months in spans)

    def is_whole(self, subject: str, period: Period) -> bool:
        first, last = self.span(subject)
        months = months_in(period)
        return first <= months[0] and months[-1] <= last

    def expected(self, place: Place, period: Period) -> list[tuple[str, date]]:
        """District months of a place and period, those that nobody could send among them."""
        return [(district, month) for month in months_in(period) for district in members(place, month)]

    def received(self, subject: str, place: Place, period: Period) -> list[tuple[str, date]]:
        return [cell for cell in self.expected(place, period) if cell in self.months[subject]]

    def exposure(self, subject: str, place: Place, period: Period, age_bands: tuple[str, ...] = ()) -> float:
        """Residents of the districts and months that came, as residents of the whole period."""
        cells = self.received(subject, place, period)
        return (
            sum(residents_of(district, period[1].year, age_bands) for district, _ in cells) / PERIOD_MONTHS[period[0]]
        )


# Persons


@dataclass(frozen=True)
class Event:
    """What a sender said of a person on a day."""

    on: date
    place: tuple[Any, ...]
    sex: str
    citizenship: str
    birth: date | None
    birth_year: int | None


class Persons:
    """Sex, citizenship, birth, death and residence of a person: by the registry, else by what senders said."""

    def __init__(self, received: Received, registry_keys: dict[str, int]) -> None:
        self.versions: dict[int, list[Record]] = defaultdict(list)
        for snapshot in sorted(received.snapshots, key=lambda delivery: (delivery.period, delivery.number)):
            for record in snapshot.records:
                if record["number"] not in snapshot.discarded:
                    key = registry_keys.get(record["registry_id"])
                    if key is not None:
                        self.versions[key].append(record)

    def registered(self, person: int, on: date) -> Record | None:
        """What the registry said of a person on a day: the newest snapshot with her up to then."""
        found = None
        for record in self.versions.get(person, ()):
            if record["on"] <= on:
                found = record
        return found

    def birth(self, person: int) -> date | None:
        """Day of birth, if the registry ever told one."""
        days = [record["birth"] for record in self.versions.get(person, ()) if record["birth"]]
        return days[-1] if days else None

    def described(self, person: int, on: date, events: Iterable[Event]) -> tuple[str, str, str]:
        """Sex, group of citizenship and age band of a person of a period that ends on a day."""
        last = max(events, key=lambda event: (event.on, event.place))
        registry = self.registered(person, on)
        sex = (registry and registry["sex"]) or last.sex or UNKNOWN
        citizenship = (registry and registry["citizenship"]) or last.citizenship
        if registry and registry["birth"]:
            age = age_on(registry["birth"], None, on)
        elif (on.month, on.day) == (12, 31):
            age = age_on(None, last.birth_year, on)
        else:
            # Of who is in no registry the day of birth is not kept: her age is the one that was said.
            age = age_on(last.birth, last.birth_year, last.on)
        return sex, citizenship_group(citizenship), band(age)
