"""Episodes of services from their own records, month by month: who is in charge, for how many days, at what cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from tests.oracle.reading import Received, Record, period_months, period_start
from tests.oracle.rules import (
    REGION,
    UNKNOWN,
    Coverage,
    Event,
    Persons,
    Place,
    add_months,
    age_on,
    ausl_of,
    band,
    bands_from,
    district_of,
    month_of,
    months_between,
    periods_of,
    places_of,
    successor,
)

DAY = timedelta(days=1)
FAMILIES = ("FAR", "ADI", "SMAC", "SISAM")
#: Openings and closures that a change of territory or of registration made, not a person.
ADMINISTRATIVE_ORIGIN = {"FAR": {"6", "7"}, "ADI": {"7", "8"}}
ADMINISTRATIVE_END = {"ADI": {"99"}}


@dataclass
class Episode:
    """A stay, a taking in charge, a contract or a case, with what is known of it."""

    family: str
    key: tuple[str, ...]
    sender: str
    person: int
    service: str
    begun: date
    ended: date | None
    last_in_charge: date
    record: Record
    reason: str = ""
    suspended: set[date] = field(default_factory=set)
    started: date | None = None
    accesses: list[dict[str, Any]] = field(default_factory=list)
    presence: dict[tuple[date, ...], float] = field(default_factory=dict)
    paid: dict[tuple[date, ...], tuple[int, int]] = field(default_factory=dict)
    tariffs: list[tuple[date, tuple[int, ...]]] = field(default_factory=list)
    observed_to: date = date.max
    reassessed: list[date] = field(default_factory=list)
    is_administrative_end: bool = False

    @property
    def district(self) -> str:
        """District that the episode counts in: of the person's residence on the first day, or that which sends."""
        if self.family in ("SMAC", "SISAM"):
            return self.sender
        return district_of(self.record["residence"], self.begun)

    def ausl(self, on: date) -> str:
        """AUSL on a day of the episode; of a stranger to the region that which sends, or took it over."""
        return successor(self.sender, on) if self.district == UNKNOWN else ausl_of(self.district, on)

    @property
    def days(self) -> list[date]:
        """Days in charge, suspended or not."""
        return [self.begun + DAY * n for n in range((self.last_in_charge - self.begun).days + 1)]

    @property
    def months(self) -> list[date]:
        """Months in charge; of a minor who was only reported none."""
        if self.started is None and self.family == "SISAM":
            return []
        return list(months_between(self.begun, max(self.last_in_charge, self.begun)))

    @property
    def is_administrative_start(self) -> bool:
        code = self.record.get("origin" if self.family == "FAR" else "applicant", "")
        return code in ADMINISTRATIVE_ORIGIN.get(self.family, ())

    @property
    def has_start(self) -> bool:
        """Whether the person began a service: one that an office opened goes on."""
        return not self.is_administrative_start


def last_told(received: Received, flow: str) -> dict[str, date]:
    """Last day that each sender has told of in a flow."""
    found: dict[str, date] = {}
    for delivery in received.deliveries:
        if delivery.flow == flow and delivery.is_loaded:
            end = add_months(period_months(delivery.period)[-1], 1) - DAY
            found[delivery.sender] = max(end, found.get(delivery.sender, end))
    return found


def first_told(received: Received, flow: str) -> dict[str, date]:
    found: dict[str, date] = {}
    for delivery in received.deliveries:
        if delivery.flow == flow and delivery.is_loaded:
            start = period_start(delivery.period)
            found[delivery.sender] = min(start, found.get(delivery.sender, start))
    return found


def _later(records: Iterable[Record]) -> list[Record]:
    """Records of one episode in the order of what they tell of."""
    return sorted(records, key=lambda record: (record["period"], record["delivery"], record["number"]))


def _days(intervals: Iterable[tuple[date | None, date | None]], until: date) -> set[date]:
    """Days of some intervals, both ends in; an open one goes on."""
    days = set()
    for start, end in intervals:
        if start:
            last = min(end or until, until)
            days |= {start + DAY * n for n in range((last - start).days + 1)}
    return days


def _intervals(told: Iterable[tuple[date | None, date | None, str]]) -> list[tuple[date | None, date | None]]:
    """What is told again later with an end takes the place of what was open."""
    found: dict[date | None, date | None] = {}
    for start, end, _ in told:
        found[start] = end
    return list(found.items())


def residential(received: Received, keys: dict[tuple[Any, ...], int]) -> list[Episode]:
    told_to = last_told(received, "FAR2")
    periods: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in received.records("FAR2"):
        periods[record["admission"]].append(record)
    episodes = []
    for key, record in received.live["FAR1"].items():
        mine = _later(periods[key])
        discharges = [found for item in mine for found in item["discharged"] if found[0]]
        ended, reason = discharges[-1] if discharges else (None, "")
        observed_to = told_to.get(record["sender"], record["on"])
        last = ended - DAY if ended else observed_to
        episode = Episode(
            "FAR", key, record["sender"], keys.get((record["delivery"], record["number"]), -1), f"FAR-{record['type']}",
            record["on"], ended, last, record, reason, observed_to=observed_to, started=record["on"],
        )  # fmt: skip
        episode.suspended = _days(_intervals(found for item in mine for found in item["suspended"]), last)
        episode.tariffs = sorted(found for item in mine for found in item["tariffs"] if found[0])
        episode.reassessed = [found for item in mine for found in item["assessed"] if found]
        for item in mine:
            if item["full_days"] is not None:
                episode.presence[tuple(period_months(item["period"]))] = item["full_days"] + item["part_days"]
        episodes.append(episode)
    return episodes


def home_care(received: Received, keys: dict[tuple[Any, ...], int]) -> list[Episode]:
    told_to = last_told(received, "ADI2")
    periods: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in received.records("ADI2"):
        periods[record["care"]].append(record)
    episodes = []
    for key, record in received.live["ADI1"].items():
        mine = _later(periods[key])
        closures = [found for item in mine for found in item["closed"] if found[0]]
        ended, reason = closures[-1] if closures else (None, "")
        observed_to = told_to.get(record["sender"], record["on"])
        last = ended if ended else observed_to
        episode = Episode(
            "ADI", key, record["sender"], keys.get((record["delivery"], record["number"]), -1), f"ADI-{record['type']}",
            record["on"], ended, last, record, reason, observed_to=observed_to,
        )  # fmt: skip
        episode.suspended = _days(_intervals(found for item in mine for found in item["suspended"]), last)
        episode.accesses = [access for item in mine for access in item["accesses"]]
        episode.started = min((access["on"] for access in episode.accesses), default=None)
        episode.reassessed = [found for item in mine for found in item["reassessed"] if found]
        episodes.append(episode)
    return episodes


def allowances(received: Received, keys: dict[tuple[Any, ...], int]) -> list[Episode]:
    contracts: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in received.records("SMAC"):
        contracts[record["sender"], record["contract"]].append(record)
    episodes = []
    for key, records in contracts.items():
        mine = _later(records)
        newest = mine[-1]
        half_year = period_months(newest["period"])
        observed_to = add_months(half_year[-1], 1) - DAY
        last = min(newest["end"] or observed_to, observed_to)
        episode = Episode(
            "SMAC", key, newest["sender"], keys.get((newest["delivery"], newest["number"]), -1),
            f"SMAC-{newest['area']}-{newest['level']}", newest["start"], newest["end"], last, newest, newest["reason"],
            observed_to=observed_to, started=newest["start"],
        )  # fmt: skip
        episode.paid = {tuple(period_months(record["period"])): (record["days"], record["cents"]) for record in mine}
        episodes.append(episode)
    return episodes


def minors(received: Received, keys: dict[tuple[Any, ...], int]) -> list[Episode]:
    told_to = last_told(received, "SISAM")
    episodes = []
    for key, record in received.live["SISAM"].items():
        charged = record["charged"]
        observed_to = told_to.get(record["sender"], record["reported"])
        last = record["closed"] or observed_to
        episodes.append(
            Episode(
                "SISAM",
                key,
                record["sender"],
                keys.get((record["delivery"], record["number"]), -1),
                f"SISAM-{record['intervention']}",
                charged or record["reported"],
                record["closed"],
                last,
                record,
                record["reason"],
                observed_to=observed_to,
                started=charged,
            )
        )
    return episodes


@dataclass
class MonthInCharge:
    """An episode in one month."""

    episode: Episode
    month: date
    starts: int
    ends: int
    days: int
    presence: float | None
    accesses: int
    cents: float | None

    @property
    def district(self) -> str:
        return self.episode.district

    @property
    def ausl(self) -> str:
        return self.episode.ausl(self.month)


def months_of(episode: Episode) -> list[MonthInCharge]:
    """The months in charge of an episode, with what was given in each."""
    in_charge: dict[date, int] = defaultdict(int)
    free: dict[date, list[date]] = defaultdict(list)
    for on in episode.days:
        if on not in episode.suspended:
            in_charge[month_of(on)] += 1
            free[month_of(on)].append(on)
    presence, cents = _given(episode, in_charge, free)
    accesses: dict[date, int] = defaultdict(int)
    for access in episode.accesses:
        accesses[month_of(access["on"])] += access["n"]
    started = (episode.started if episode.family == "SISAM" else episode.begun) if episode.has_start else None
    end_month = max(month_of(episode.last_in_charge), month_of(episode.begun)) if episode.ended else None
    if episode.is_administrative_end or (episode.ended and episode.ended > episode.observed_to):
        end_month = None
    return [
        MonthInCharge(
            episode,
            month,
            int(started is not None and month_of(started) == month),
            int(month == end_month),
            in_charge.get(month, 0),
            presence.get(month),
            accesses.get(month, 0),
            cents.get(month),
        )
        for month in episode.months
    ]


def _given(
    episode: Episode, in_charge: dict[date, int], free: dict[date, list[date]]
) -> tuple[dict[date, float], dict[date, float]]:
    """Days of presence and amount by month."""
    presence: dict[date, float] = {}
    cents: dict[date, float] = {}
    if episode.family == "FAR":
        if episode.service not in ("FAR-SR", "FAR-SRD"):
            presence = dict.fromkeys(episode.months, 0) | dict(in_charge)
        else:
            for quarter, declared in episode.presence.items():
                whole = sum(in_charge.get(month, 0) for month in quarter)
                for month in quarter:
                    if whole:
                        presence[month] = declared * in_charge.get(month, 0) / whole
        for month, n in presence.items():
            days = free.get(month, [])
            cents[month] = sum(sum(_tariff(episode, on)) for on in days) * n / len(days) if days else 0
    if episode.family == "SMAC":
        for months, (days, amount) in episode.paid.items():
            whole = sum(in_charge.get(month, 0) for month in months)
            for month in months:
                if whole:
                    presence[month] = days * in_charge.get(month, 0) / whole
                    cents[month] = amount * in_charge.get(month, 0) / whole
    return presence, cents


def _tariff(episode: Episode, on: date) -> tuple[int, ...]:
    """Tariff in force on a day: the newest that has begun."""
    found: tuple[int, ...] = (0, 0, 0)
    for start, shares in episode.tariffs:
        if start <= on:
            found = shares
    return found


# Tables


@dataclass
class Supply:
    """All months in charge that are known: not those before the first delivery of their sender."""

    episodes: list[Episode]
    months: list[MonthInCharge]

    @classmethod
    def of(cls, received: Received, episodes: list[Episode]) -> Supply:
        first = {family: first_told(received, flow) for family, flow in TOLD_BY.items()}
        months = [
            month
            for episode in episodes
            for month in months_of(episode)
            if month.month >= first[episode.family].get(episode.sender, date.max)
        ]
        return cls(episodes, months)


def mark_taken_over(episodes: list[Episode]) -> None:
    """An end is an office's when the reason says so, or when an office opened an episode of the same person and family
    on that day or the next."""
    opened = {
        (episode.person, episode.family, episode.begun)
        for episode in episodes
        if episode.is_administrative_start and episode.person > 0
    }
    for episode in episodes:
        if episode.ended:
            followed = {(episode.person, episode.family, episode.ended + DAY * n) for n in (0, 1)}
            by_reason = episode.reason in ADMINISTRATIVE_END.get(episode.family, ())
            episode.is_administrative_end = by_reason or bool(followed & opened)


#: The flow that tells how an episode goes on.
TOLD_BY = {"FAR": "FAR2", "ADI": "ADI2", "SMAC": "SMAC", "SISAM": "SISAM"}


def levels(month: MonthInCharge) -> list[tuple[str, str]]:
    """The service of a month in charge, and its family."""
    return [("service", month.episode.service), ("family", month.episode.family)]


def places(month: MonthInCharge) -> list[Place]:
    """Where a month in charge counts; of strangers to the region there is no district."""
    if month.district != UNKNOWN:
        return places_of(month.district, month.month)
    here = month.ausl
    today = successor(here, date.max)
    found: list[Place] = [("ausl", here), ("region", REGION)]
    return found if here == today else [*found, ("ausl_today", today)]


def event_of(episode: Episode) -> Event:
    record = episode.record
    return Event(
        episode.begun, episode.key, record["sex"], record["citizenship"], record["birth"], record["birth_year"]
    )


#: Sex and age band of a person in charge in a month.
InCharge = dict[tuple[date, int], tuple[str, str]]


def described_in(supply: Supply, persons: Persons) -> InCharge:
    """Sex by the registry, else the one that is known; age on the month's last day, of two the older one."""
    told: dict[tuple[date, int], list[Episode]] = defaultdict(list)
    for month in supply.months:
        if month.episode.person > 0:
            told[month.month, month.episode.person].append(month.episode)
    found: InCharge = {}
    for (month, person), episodes in told.items():
        on = add_months(month, 1) - DAY
        registry = persons.registered(person, on)
        birth = persons.birth(person)
        ages = [age_on(birth, episode.record["birth_year"], on) for episode in episodes]
        sexes = sorted({episode.record["sex"] for episode in episodes} - {""}, reverse=True)
        sex = (registry and registry["sex"]) or (sexes[0] if sexes else UNKNOWN)
        found[month, person] = (sex, band(max((age for age in ages if age is not None), default=None)))
    return found


def offer_monthly(supply: Supply, told: InCharge, coverage: Coverage) -> dict[Any, Any]:
    groups: dict[tuple[Any, ...], list[MonthInCharge]] = defaultdict(list)
    for month in supply.months:
        for period in periods_of(month.month):
            for place in places(month):
                for level in levels(month):
                    groups[(period, place, *level)].append(month)
    old = bands_from(75)
    figures = {}
    for key, mine in groups.items():
        persons = {month.episode.person for month in mine if month.episode.person > 0}
        episodes = {id(month.episode): month.episode for month in mine}.values()
        period, place, family = key[0], key[1], mine[0].episode.family
        n_old = len({month.episode.person for month in mine if _is_old(month, told)})
        covered = coverage.exposure(family, place, period)
        covered_old = coverage.exposure(family, place, period, old)
        expected, came = coverage.expected(place, period), coverage.received(family, place, period)
        figures[key] = {
            "n_months_expected": len(expected),
            "n_months_received": len(came),
            "is_whole": coverage.is_whole(family, period),
            "is_complete": len(expected) == len(came),
            "n_residents_covered": covered,
            "n_residents_75_covered": covered_old,
            "persons_per_1000": 1000 * len(persons) / covered if covered else None,
            "persons_75_per_1000": 1000 * n_old / covered_old if covered_old else None,
            "n_persons": len(persons),
            "n_persons_75": n_old,
            "n_episodes": len(episodes),
            "n_episodes_without_person": sum(episode.person <= 0 for episode in episodes),
            "n_starts": sum(month.starts for month in mine),
            "n_ends": sum(month.ends for month in mine),
            "in_charge_days": sum(month.days for month in mine),
            "presence_days": _sum(month.presence for month in mine),
            "n_accesses": sum(month.accesses for month in mine),
            "amount_eur": _sum(month.cents and month.cents / 100 for month in mine),
        }
    return figures


def _is_old(month: MonthInCharge, told: InCharge) -> bool:
    person = month.episode.person
    return person > 0 and told[month.month, person][1] in bands_from(75)


def _sum(values: Iterable[float | None]) -> float | None:
    """Of what nobody gives there is no sum."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def in_charge_monthly(supply: Supply, told: InCharge) -> dict[Any, Any]:
    groups: dict[tuple[Any, ...], set[int]] = defaultdict(set)
    for month in supply.months:
        person = month.episode.person
        if person <= 0:
            continue
        sex, age_band = told[month.month, person]
        for place in places(month):
            for level in levels(month):
                for sex_code in (sex, "TOT"):
                    for band_code in (age_band, "TOT"):
                        groups[(month.month, place, *level, sex_code, band_code)].add(person)
    return {key: {"n_persons": len(mine)} for key, mine in groups.items()}


def stays(supply: Supply, received: Received) -> dict[tuple[str, ...], dict[str, Any]]:
    """Whole and observed measures of each residential stay, by its key."""
    first = first_told(received, "FAR2")
    figures = {}
    for episode in supply.episodes:
        if episode.family != "FAR":
            continue
        from_on = first.get(episode.sender, date.max)
        months = months_of(episode)
        observed = [month for month in months if month.month >= from_on]
        figures[episode.key] = {
            "stay_days": len(episode.days),
            "suspension_days": len(episode.suspended),
            "observed_stay_days": sum(on >= from_on for on in episode.days),
            "presence_days": _sum(month.presence for month in months),
            "observed_presence_days": _sum(month.presence for month in observed),
            "amount_eur": sum(month.cents or 0 for month in months) / 100,
            "observed_amount_eur": sum(month.cents or 0 for month in observed) / 100,
            "has_administrative_start": episode.is_administrative_start,
            "has_administrative_end": episode.is_administrative_end,
        }
    return figures


def cares(supply: Supply, received: Received) -> dict[tuple[str, ...], dict[str, Any]]:
    """Wait and intensity of each taking in charge at home, by its key."""
    first = first_told(received, "ADI2")
    figures = {}
    for episode in supply.episodes:
        if episode.family != "ADI":
            continue
        from_on = first.get(episode.sender, date.max)
        free = [on for on in episode.days if on not in episode.suspended]
        is_known = episode.begun >= from_on and episode.has_start and episode.started is not None
        figures[episode.key] = {
            "wait_days": (episode.started - episode.begun).days if is_known and episode.started else None,
            "care_days": len(free),
            "observed_care_days": sum(on >= from_on for on in free),
            "suspension_days": len(episode.suspended),
            "access_days": len({access["on"] for access in episode.accesses}),
            "n_accesses": sum(access["n"] for access in episode.accesses),
            "has_administrative_start": episode.is_administrative_start,
            "has_administrative_end": episode.is_administrative_end,
        }
    return figures


#: Residential care by intensity, the most intensive first.
INTENSITY = {"FAR-R1": "R1", "FAR-R2": "R2", "FAR-R2D": "R2", "FAR-R3": "R3"}


def d33za(supply: Supply, persons: Persons, day_of_age: tuple[int, int] = (12, 31)) -> dict[Any, Any]:
    """Residents of 75 and more in residential care in a year, each once, at her highest intensity."""
    best: dict[tuple[int, Place, int], str] = {}
    events: dict[tuple[int, int], list[Event]] = defaultdict(list)
    for month in supply.months:
        intensity = INTENSITY.get(month.episode.service)
        person = month.episode.person
        if intensity is None or person <= 0 or month.district == UNKNOWN:
            continue
        year = month.month.year
        events[year, person].append(event_of(month.episode))
        for place in places(month):
            best[year, place, person] = min(intensity, best.get((year, place, person), intensity))
    old = bands_from(75)
    figures: dict[Any, Any] = defaultdict(lambda: {"n_persons": 0})
    for (year, place, person), intensity in best.items():
        if persons.described(person, date(year, *day_of_age), events[year, person])[2] in old:
            for code in (intensity, "TOT"):
                figures[year, place, code]["n_persons"] += 1
    return dict(figures)
