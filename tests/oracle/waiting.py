"""Requests, what followed each of them, and how long one waits: request by request, and Kaplan-Meier day by day."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median
from typing import Any

from tests.oracle.counting import Contact, Demand
from tests.oracle.reading import Received
from tests.oracle.rules import Persons, ausl_of, places_of, rows
from tests.oracle.services import FAMILIES, Episode, last_told

DAY = timedelta(days=1)
MERGE_DAYS = 4
WINDOWS = (28, 90, 180)
WINDOW = 180
RETURN_DAYS = 365
#: Outcomes that answer at once, and those that are a step of the desk's own.
AT_ONCE, PROCESS = {"1", "2"}, {"3", "4", "5", "6"}
#: Answers that a flow of services shows.
BY_FLOWS = ("service", "charge", "assessment")
ANSWERED_BY = "dbt_project/seeds/demand_service.csv"
#: The flows that must both come for a family to be known.
FLOWS = {"FAR": ("FAR1", "FAR2"), "ADI": ("ADI1", "ADI2"), "SMAC": ("SMAC",), "SISAM": ("SISAM",)}
#: Families whose records tell of a milestone.
MILESTONES = {
    "assessment": ("FAR", "ADI"),
    "charge": ("ADI", "SISAM"),
    "service": FAMILIES,
    "FAR": ("FAR",),
    "ADI": ("ADI",),
    "SMAC": ("SMAC",),
    "SISAM": ("SISAM",),
}
QUANTILE = 1.959963984540054


@dataclass
class Followed:
    """What came of a request at one milestone: happened, or why it did not, and the days for which one looked."""

    status: str
    days: int | None
    on: date | None = None
    links: set[str] = field(default_factory=set)


@dataclass
class Request:
    """What one person asks of one type, within days."""

    first: Demand
    demands: list[Demand]
    reached: dict[str, Followed] = field(default_factory=dict)
    answer: str = ""
    cut: str = ""
    is_followable: bool = False
    is_window_closed: bool = False
    previous_gap: int | None = None
    previous_end: int | None = None

    @property
    def person(self) -> int:
        return self.first.person

    @property
    def on(self) -> date:
        return self.first.contact.on

    @property
    def district(self) -> str:
        return self.first.contact.district

    @property
    def sequel(self) -> str:
        """Whether the flows can say what came of it, or why not: it does not depend on how early something came."""
        if not self.is_followable:
            return "not_followable"
        if self.cut and self.answer not in BY_FLOWS:
            return self.cut
        return "known" if self.is_window_closed else "open"

    @property
    def is_sequel_known(self) -> bool:
        return self.sequel == "known"

    @property
    def is_without_sequel(self) -> bool:
        """Known, and the flows show nothing after the desk's own step."""
        return self.is_sequel_known and self.answer in ("desk_process", "none")

    @property
    def outcomes(self) -> set[str]:
        return {outcome["type"] for demand in self.demands for outcome in demand.outcomes}


def requests_of(contacts: Iterable[Contact]) -> list[Request]:
    """Demands of one person and type that follow each other within four days are one request."""
    asked: dict[tuple[int, str], list[Demand]] = defaultdict(list)
    for contact in contacts:
        for demand in contact.demands:
            if demand.is_identified:
                asked[demand.person, demand.regional].append(demand)
    requests = []
    for demands in asked.values():
        demands.sort(key=lambda demand: (demand.contact.on, demand.key))
        latest: Request | None = None
        for demand in demands:
            if latest and (demand.contact.on - latest.demands[-1].contact.on).days <= MERGE_DAYS:
                latest.demands.append(demand)
                continue
            gap = (demand.contact.on - latest.demands[-1].contact.on).days if latest else None
            latest = Request(demand, [demand], previous_gap=gap)
            requests.append(latest)
    return requests


class Observation:
    """Until when the services of a district are told of, and when its people died or left."""

    def __init__(self, received: Received, persons: Persons) -> None:
        self.last = {flow: last_told(received, flow) for flows in FLOWS.values() for flow in flows}
        self.persons = persons
        self.last_snapshot = max((snapshot.records[0]["on"] for snapshot in received.snapshots), default=date.min)
        self.snapshots = sorted({snapshot.records[0]["on"] for snapshot in received.snapshots})

    def until(self, family: str, district: str, on: date) -> date | None:
        """Last day known of a family of services in a district: by itself, or by whichever AUSL had it."""
        senders = {district} if family in ("SMAC", "SISAM") else {ausl_of(district, on), ausl_of(district, date.max)}
        days = []
        for flow in FLOWS[family]:
            told = [self.last[flow][sender] for sender in senders if sender in self.last[flow]]
            if not told:
                return None
            days.append(max(told))
        return min(days)

    def death(self, person: int) -> date | None:
        days = [record["death"] for record in self.persons.versions.get(person, ()) if record["death"]]
        return days[-1] if days else None

    def departures(self, person: int) -> list[date]:
        """Days on which a person left the region: she was transferred, or the registry holds her no more."""
        versions = self.persons.versions.get(person, ())
        found = []
        previous = None
        for record in versions:
            if record["status"] == "T" and (previous is None or previous["status"] != "T"):
                found.append(record["status_on"] or record["on"])
            previous = record
        if previous and previous["status"] not in ("T", "D") and previous["on"] < self.last_snapshot:
            found.append(min(on for on in self.snapshots if on > previous["on"]))
        return found


def follow(requests: list[Request], episodes: Iterable[Episode], observation: Observation) -> None:
    """Say of each request what it reached in the last window, and what ended the waiting where it reached nothing."""
    events: dict[int, list[tuple[str, date]]] = defaultdict(list)
    ends: dict[int, list[date]] = defaultdict(list)
    for episode in episodes:
        if episode.person <= 0:
            continue
        for milestone, on in _milestones(episode):
            events[episode.person].append((milestone, on))
        if episode.ended and not episode.is_administrative_end:
            ends[episode.person].append(episode.ended)
    for request in requests:
        for milestone in MILESTONES:
            request.reached[milestone] = _followed(request, milestone, events[request.person], observation)
        before = [on for on in ends[request.person] if on < request.on]
        request.previous_end = (request.on - max(before)).days if before else None
        request.is_followable, request.is_window_closed, request.cut = _observed(request, observation)
        request.answer = answer_of(request)


def _observed(request: Request, observation: Observation) -> tuple[bool, bool, str]:
    """Whether a flow that comes can answer the request, whether its window is closed, and whether death or departure
    cut it short."""
    told = {family: observation.until(family, request.district, request.on) for family in FAMILIES}
    can = {row["service_family_code"] for row in rows(ANSWERED_BY) if row["regional_code"] == request.first.regional}
    last = request.on + DAY * WINDOW
    days = [until for until in told.values() if until]
    death = observation.death(request.person)
    cuts = [(death, "died")] if death else []
    cuts += [(on, "moved") for on in observation.departures(request.person)]
    inside = sorted((on, why) for on, why in cuts if request.on <= on < last)
    return (
        any(told[family] for family in can),
        bool(days) and min(days) >= last,
        inside[0][1] if inside else "",
    )


def _milestones(episode: Episode) -> list[tuple[str, date]]:
    """What an episode tells of, each with its day."""
    found = []
    record = episode.record
    assessed = [*record.get("assessed", ()), *episode.reassessed]
    found += [("assessment", on) for on in assessed]
    if episode.is_administrative_start:
        return found
    if episode.family == "ADI":
        found.append(("charge", episode.begun))
    if episode.family == "SISAM" and episode.started:
        found.append(("charge", episode.started))
    if episode.started:
        found += [("service", episode.started), (episode.family, episode.started)]
    return found


def _followed(request: Request, milestone: str, events: list[tuple[str, date]], observation: Observation) -> Followed:
    last = request.on + DAY * WINDOW
    reached = min((on for code, on in events if code == milestone and request.on <= on <= last), default=None)
    if reached:
        return Followed("happened", (reached - request.on).days, reached)
    told = [
        until
        for until in (observation.until(family, request.district, request.on) for family in MILESTONES[milestone])
        if until is not None
    ]
    if not told:
        return Followed("not_observed", None)
    cuts = [(min(told), 2, "observation_end")]
    death = observation.death(request.person)
    if death and death >= request.on:
        cuts.append((death, 0, "died"))
    cuts += [(on, 1, "moved") for on in observation.departures(request.person) if on >= request.on]
    on, _, status = min(cuts)
    if on >= last:
        return Followed("nothing", WINDOW)
    return Followed(status, max((on - request.on).days, 0))


def answer_of(request: Request) -> str:
    """The strongest answer of a request."""
    for milestone in ("service", "charge", "assessment"):
        if request.reached[milestone].status == "happened":
            return milestone
    if request.outcomes & PROCESS:
        return "desk_process"
    if request.outcomes & AT_ONCE:
        return "desk"
    if not request.is_followable:
        return "not_followable"
    if request.cut in ("died", "moved"):
        return request.cut
    return "none" if request.is_window_closed else "open"


# Limits that know that requests of one person go together


def design_effect(requests: list[Request], has_it: Callable[[Request], bool]) -> float:
    """By how much the variance of a share is larger than of as many requests of different persons."""
    n = len(requests)
    part = sum(has_it(request) for request in requests) / n
    if part in (0, 1):
        # Nothing tells how they go together: as if those of a person always did.
        return sum(times**2 for times in Counter(request.person for request in requests).values()) / n
    together: dict[int, float] = defaultdict(float)
    for request in requests:
        together[request.person] += has_it(request) - part
    return max(1, sum(departure**2 for departure in together.values()) / (n * part * (1 - part)))


def wilson(n: int, of: int, effect: float) -> tuple[float, float]:
    """Limits of a percentage on the effective number of requests."""
    part, whole, square = n / of, of / effect, QUANTILE**2
    middle = part + square / (2 * whole)
    width = QUANTILE * math.sqrt(part * (1 - part) / whole + square / (4 * whole * whole))
    return 100 * (middle - width) / (1 + square / whole), 100 * (middle + width) / (1 + square / whole)


# Kaplan-Meier


@dataclass
class Estimate:
    """Share still waiting after each day on which somebody reached the milestone."""

    days: list[int]
    at_risk: list[int]
    happened: list[int]
    waiting: list[float]
    greenwood: list[float]
    longest: int

    def after(self, day: int) -> tuple[float, float]:
        """Share still waiting after a day and the sum of Greenwood's terms."""
        share, terms = 1.0, 0.0
        for place, reached in enumerate(self.days):
            if reached <= day:
                share, terms = self.waiting[place], self.greenwood[place]
        return share, terms

    def reached_by(self, part: float) -> int | None:
        """First day on which so large a part has reached the milestone."""
        for place, day in enumerate(self.days):
            if 1 - self.waiting[place] >= part - 1e-12:
                return day
        return None


def kaplan_meier(followed: Iterable[Followed]) -> Estimate:
    mine = [item for item in followed if item.status != "not_observed"]
    days = sorted({item.days for item in mine if item.status == "happened"})
    share, terms = 1.0, 0.0
    estimate = Estimate(days, [], [], [], [], max((item.days for item in mine), default=-1))
    for day in days:
        at_risk = sum(item.days >= day for item in mine)
        happened = sum(item.status == "happened" and item.days == day for item in mine)
        share *= 1 - happened / at_risk
        terms += happened / (at_risk * (at_risk - happened)) if at_risk > happened else math.inf
        estimate.at_risk.append(at_risk)
        estimate.happened.append(happened)
        estimate.waiting.append(share)
        estimate.greenwood.append(terms)
    return estimate


def band(share: float, terms: float) -> tuple[float | None, float | None]:
    """Lower and upper end of the 95 % log-log band of a share still waiting."""
    if not 0 < share < 1 or math.isinf(terms):
        return None, None
    error = QUANTILE * math.sqrt(terms) / abs(math.log(share))
    return share ** math.exp(error), share ** math.exp(-error)


# Tables

Cut = tuple[int, tuple[str, str], str, str]


def cuts_of(request: Request) -> list[Cut]:
    """The cells of the tables of paths in which a request counts."""
    demand = request.first
    named = [
        ("all", "TOT"),
        ("demand_level1", demand.level1),
        ("demand_type", demand.regional),
        ("report_target", demand.target),
    ]
    return [
        (request.on.year, place, kind, code)
        for place in places_of(request.district, request.on)
        for kind, code in named
    ]


def by_cut(requests: Iterable[Request]) -> dict[Cut, list[Request]]:
    found: dict[Cut, list[Request]] = defaultdict(list)
    for request in requests:
        for cut in cuts_of(request):
            found[cut].append(request)
    return found


def _ends(followed: list[Followed]) -> dict[str, int]:
    return {
        f"n_{status}": sum(item.status == status for item in followed)
        for status in ("nothing", "died", "moved", "observation_end", "not_observed")
    }


def waiting_time(requests: Iterable[Request]) -> dict[Any, Any]:
    figures = {}
    for cut, mine in by_cut(requests).items():
        for milestone in MILESTONES:
            followed = [request.reached[milestone] for request in mine]
            days = [item.days for item in followed if item.status == "happened"]
            estimate = kaplan_meier(followed)
            figures[(*cut, milestone)] = {
                "n_requests": len(mine),
                "n_happened": len(days),
                "n_persons_happened": len(
                    {request.person for request in mine if request.reached[milestone].status == "happened"}
                ),
                **_ends(followed),
                "mean_days": sum(days) / len(days) if days else None,
                "median_days": median(days) if days else None,
                "quarter_reached_days": estimate.reached_by(0.25),
                "half_reached_days": estimate.reached_by(0.5),
            }
    return figures


def conversion(requests: Iterable[Request]) -> dict[Any, Any]:
    figures = {}
    for cut, mine in by_cut(requests).items():
        for milestone in MILESTONES:
            estimate = kaplan_meier(request.reached[milestone] for request in mine)
            effect = _effect(mine, milestone)
            for window in WINDOWS:
                followed = [_within(request.reached[milestone], window) for request in mine]
                n_happened = sum(item.status == "happened" for item in followed)
                row: dict[str, Any] = {
                    "n_requests": len(mine),
                    "n_happened": n_happened,
                    "n_persons_happened": len(
                        {
                            request.person
                            for request, item in zip(mine, followed, strict=True)
                            if item.status == "happened"
                        }
                    ),
                    **_ends(followed),
                    "n_at_risk": sum(item.days == window for item in followed),
                    "estimated_percent": None,
                    "estimated_percent_low": None,
                    "estimated_percent_high": None,
                }
                share, terms = estimate.after(window)
                if row["n_at_risk"] or (estimate.days and math.isclose(share, 0, abs_tol=1e-12)):
                    row["estimated_percent"] = 100 * (1 - share)
                    low, high = band(share, terms * effect)
                    if low is not None and high is not None:
                        row["estimated_percent_low"] = 100 * (1 - high)
                        row["estimated_percent_high"] = 100 * (1 - low)
                figures[(*cut, milestone, window)] = row
    return figures


def _effect(requests: list[Request], milestone: str) -> float:
    mine = [request for request in requests if request.reached[milestone].status != "not_observed"]
    return design_effect(mine, lambda request: request.reached[milestone].status == "happened") if mine else 1


def answer_month(requests: Iterable[Request]) -> dict[Any, Any]:
    """Requests of each month, and whether the windows of all that a flow can answer are closed."""
    groups: dict[Any, list[Request]] = defaultdict(list)
    for cut, mine in by_cut(requests).items():
        for request in mine:
            groups[(*cut, request.on.replace(day=1))].append(request)
    return {
        key: {
            "n_requests": len(mine),
            "n_sequel_known": sum(request.is_sequel_known for request in mine),
            "n_without_sequel": sum(request.is_without_sequel for request in mine),
            "is_closed": all(request.is_window_closed for request in mine if request.is_followable),
        }
        for key, mine in groups.items()
    }


def _within(item: Followed, window: int) -> Followed:
    """What came of a request within a shorter window."""
    if item.status == "not_observed" or item.days < window or (item.status == "happened" and item.days == window):
        return item
    return Followed("nothing", window)


def answer(requests: Iterable[Request]) -> dict[Any, Any]:
    figures = {}
    for cut, mine in by_cut(requests).items():
        row = {f"n_answer_{code}": sum(request.answer == code for request in mine) for code in ANSWERS}
        known = [request for request in mine if request.is_sequel_known]
        without = [request for request in known if request.is_without_sequel]
        low, high = (None, None)
        if known:
            low, high = wilson(
                len(without), len(known), design_effect(known, lambda request: request.is_without_sequel)
            )
        on = [request.on for request in known]
        figures[cut] = {
            "n_requests": len(mine),
            "n_persons": len({request.person for request in mine}),
            **row,
            **{f"n_known_{code}": sum(request.answer == code for request in known) for code in ANSWERS[:6]},
            **{f"n_sequel_{code}": sum(request.sequel == code for request in mine) for code in SEQUELS},
            "n_without_sequel": len(without),
            "known_from_on": min(on, default=None),
            "known_to_on": max(on, default=None),
            "n_persons_without_sequel": len({request.person for request in without}),
            "n_repeated": sum(request.previous_gap is not None and request.previous_gap <= WINDOW for request in mine),
            "n_returns": sum(
                request.previous_end is not None and request.previous_end <= RETURN_DAYS for request in mine
            ),
            "without_sequel_percent": 100 * len(without) / len(known) if known else None,
            "without_sequel_percent_low": low,
            "without_sequel_percent_high": high,
        }
    return figures


ANSWERS = (
    "service", "charge", "assessment", "desk_process", "desk", "none", "died", "moved", "not_followable", "open",
)  # fmt: skip
SEQUELS = ("known", "open", "died", "moved", "not_followable")
