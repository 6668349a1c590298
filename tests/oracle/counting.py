"""Contacts, persons, demands and outcomes of the social desks, counted one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.oracle.reading import Received
from tests.oracle.rules import (
    UNKNOWN,
    Coverage,
    Event,
    Period,
    Persons,
    Place,
    age_on,
    ausl_of,
    band,
    last_day,
    month_of,
    outcome_rank,
    periods_of,
    places_of,
    target,
)

Cell = tuple[Period, Place]


@dataclass
class Demand:
    """One demand of a live contact, with the interested person."""

    key: tuple[str, str, int]
    contact: Contact
    person: int
    sex: str
    age: int | None
    citizenship: str
    event: Event
    target: str
    regional: str
    outcomes: list[dict[str, Any]]

    @property
    def level1(self) -> str:
        return self.regional[:2]

    @property
    def main_outcome(self) -> str:
        """The outcome that leads furthest."""
        return max((outcome["type"] for outcome in self.outcomes), key=lambda code: outcome_rank()[code])

    @property
    def is_identified(self) -> bool:
        return self.person > 0


@dataclass
class Contact:
    """One live contact. `official` is 1 for the first of a reporter, sender and day, else 0."""

    key: tuple[str, str]
    on: date
    district: str
    mode: str
    reporter_type: str
    reporter: int
    desk: str
    arrival: tuple[int, int]
    demands: list[Demand]
    official: int = 1

    @property
    def cells(self) -> list[Cell]:
        return [(period, place) for period in periods_of(self.on) for place in places_of(self.district, self.on)]


def contacts_of(
    received: Received,
    interested: dict[tuple[int, int, int], int],
    reporters: dict[tuple[int, int], int],
) -> list[Contact]:
    """Live contacts with their demands. Person keys come from outside: identity is not recomputed here."""
    contacts = []
    for record in received.records("IASS"):
        version = (record["delivery"], record["number"])
        on = record["on"]
        demands: list[Demand] = []
        contact = Contact(
            record["key"],
            on,
            record["sender"],
            record["mode"],
            record["reporter"],
            _person(reporters.get(version, -1), record),
            record["desk"],
            version,
            demands,
        )
        for asked in record["demands"]:
            demands.append(
                Demand(
                    (*record["key"], asked["number"]),
                    contact,
                    _person(interested.get((*version, asked["number"]), -1), asked),
                    asked["sex"] or UNKNOWN,
                    age_on(asked["birth"], asked["birth_year"], on),
                    asked["citizenship"],
                    Event(
                        on,
                        (*record["key"], asked["number"]),
                        asked["sex"],
                        asked["citizenship"],
                        asked["birth"],
                        asked["birth_year"],
                    ),
                    target(asked["life_cycle"], asked["condition"], on),
                    asked["regional"],
                    asked["outcomes"],
                )
            )
        # Who comes for herself without saying who she is, is the person of the first demand.
        if contact.reporter <= 0 and contact.reporter_type == "01" and demands:
            contact.reporter = demands[0].person
        contacts.append(contact)
    _count_officially(contacts)
    return contacts


def _person(key: int, said: dict[str, Any]) -> int:
    """-2 is who may not be asked, -1 is not known."""
    return -2 if key <= 0 and said["is_anonymous"] else key


def _count_officially(contacts: list[Contact]) -> None:
    """A reporter counts once per sender and day; one who is not identified counts each time."""
    seen: set[tuple[str, date, int]] = set()
    for contact in sorted(contacts, key=lambda contact: contact.key):
        if contact.reporter > 0:
            same = (contact.district, contact.on, contact.reporter)
            contact.official = 0 if same in seen else 1
            seen.add(same)


def by_cell(contacts: Iterable[Contact]) -> dict[Cell, list[Contact]]:
    found: dict[Cell, list[Contact]] = defaultdict(list)
    for contact in contacts:
        for cell in contact.cells:
            found[cell].append(contact)
    return found


def demands_by_cell(contacts: Iterable[Contact]) -> dict[Cell, list[Demand]]:
    return {
        cell: [demand for contact in mine for demand in contact.demands] for cell, mine in by_cell(contacts).items()
    }


def persons_of(demands: Iterable[Demand]) -> set[int]:
    return {demand.person for demand in demands if demand.is_identified}


def same_contact(contact: Contact) -> tuple[Any, ...]:
    """Contacts that are one official contact have this in common."""
    if contact.reporter > 0:
        return contact.district, contact.on, contact.reporter
    return contact.key


# Tables


def contact_monthly(contacts: list[Contact], coverage: Coverage, cells: Iterable[Cell]) -> dict[Cell, dict[str, Any]]:
    counted = by_cell(contacts)
    figures = {}
    for cell in cells:
        period, place = cell
        mine = counted.get(cell, [])
        demands = [demand for contact in mine for demand in contact.demands]
        expected = coverage.expected(place, period)
        received = coverage.received("IASS", place, period)
        row: dict[str, Any] = {
            "n_deliveries_expected": len(expected),
            "n_deliveries_received": len(received),
            "is_complete": len(received) == len(expected),
            "is_whole": coverage.is_whole("IASS", period),
        }
        if received:
            exposure = coverage.exposure("IASS", place, period)
            n_contacts = sum(contact.official for contact in mine)
            n_persons = len(persons_of(demands))
            row |= {
                "n_contacts": n_contacts,
                "n_demands": len(demands),
                "n_persons": n_persons,
                "n_reporters": len({contact.reporter for contact in mine if contact.reporter > 0}),
                "n_demands_without_person": sum(not demand.is_identified for demand in demands),
                "demands_per_contact": len(demands) / n_contacts if n_contacts else None,
                "contacts_per_1000": 1000 * n_contacts / exposure,
                "persons_per_1000": 1000 * n_persons / exposure,
            }
        figures[cell] = row
    return figures


def demand_monthly(contacts: list[Contact]) -> dict[tuple[Any, ...], dict[str, Any]]:
    figures = {}
    for cell, demands in demands_by_cell(contacts).items():
        for level1 in {demand.level1 for demand in demands}:
            mine = [demand for demand in demands if demand.level1 == level1]
            figures[(*cell, level1)] = {"n_demands": len(mine), "n_persons": len(persons_of(mine))}
    return figures


def outcome_monthly(contacts: list[Contact]) -> dict[tuple[Any, ...], dict[str, Any]]:
    figures: dict[tuple[Any, ...], dict[str, Any]] = {}
    for cell, demands in demands_by_cell(contacts).items():
        groups: dict[tuple[str, str], list[tuple[Demand, dict[str, Any]]]] = defaultdict(list)
        for demand in demands:
            for outcome in demand.outcomes:
                groups[outcome["type"], outcome["destination"]].append((demand, outcome))
        for (kind, destination), mine in groups.items():
            waits = [(outcome["on"] - demand.contact.on).days for demand, outcome in mine if outcome["on"]]
            figures[(*cell, kind, destination)] = {
                "n_outcomes": len(mine),
                "n_demands": len({demand.key for demand, _ in mine}),
                "n_persons": len(persons_of(demand for demand, _ in mine)),
                "mean_wait_days": sum(waits) / len(waits) if waits else None,
            }
    return figures


def described(demands: Iterable[Demand], persons: Persons, period: Period) -> dict[int, tuple[str, str, str]]:
    """Each identified person of some demands with the one sex, citizenship and age band that she has in the period."""
    events: dict[int, list[Event]] = defaultdict(list)
    for demand in demands:
        if demand.is_identified:
            events[demand.person].append(demand.event)
    return {person: persons.described(person, last_day(period), mine) for person, mine in events.items()}


def target_group_monthly(contacts: list[Contact], persons: Persons) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Persons by target, sex and age band; TOT is all of them."""
    figures: dict[tuple[Any, ...], dict[str, Any]] = {}
    by_period: dict[Period, list[Demand]] = defaultdict(list)
    for contact in contacts:
        for period in periods_of(contact.on):
            by_period[period].extend(contact.demands)
    told = {period: described(demands, persons, period) for period, demands in by_period.items()}
    for (period, place), demands in demands_by_cell(contacts).items():
        groups: dict[tuple[str, str, str], set[int]] = defaultdict(set)
        for demand in demands:
            if demand.is_identified:
                sex, _, age_band = told[period][demand.person]
                groups["TOT", "TOT", "TOT"].add(demand.person)
                for sex_code in (sex, "TOT"):
                    for band_code in (age_band, "TOT"):
                        groups[demand.target, sex_code, band_code].add(demand.person)
        for group, mine in groups.items():
            figures[(period, place, *group)] = {"n_persons": len(mine)}
    return figures


def contact_to_date(contacts: list[Contact], coverage: Coverage, keys: Iterable[tuple[date, Place]]) -> dict[Any, Any]:
    """From January to the end of each month."""
    figures = {}
    for month, place in keys:
        months = [date(month.year, number, 1) for number in range(1, month.month + 1)]
        cells = [cell for one in months for cell in coverage.expected(place, ("month", one))]
        received = [cell for cell in cells if cell in coverage.months["IASS"]]
        mine = [contact for contact in contacts if (contact.district, month_of(contact.on)) in set(cells)]
        demands = [demand for contact in mine for demand in contact.demands]
        row: dict[str, Any] = {"n_deliveries_expected": len(cells), "n_deliveries_received": len(received)}
        if received:
            row |= {
                "n_contacts": sum(contact.official for contact in mine),
                "n_demands": len(demands),
                "n_persons": len(persons_of(demands)),
            }
        figures[month, place] = row
    return figures


def contact_frequency(demands: Iterable[Demand]) -> dict[int, int]:
    """Official contacts in which something was asked for each person."""
    found: dict[int, set[tuple[Any, ...]]] = defaultdict(set)
    for demand in demands:
        if demand.is_identified:
            found[demand.person].add(same_contact(demand.contact))
    return {person: len(mine) for person, mine in found.items()}


def facts(contacts: list[Contact]) -> tuple[dict[Any, Any], dict[Any, Any], dict[Any, Any]]:
    """Every contact, demand and outcome by its own key."""
    contact_rows, demand_rows, outcome_rows = {}, {}, {}
    for contact in contacts:
        contact_rows[contact.key] = {
            "contact_on": contact.on,
            "district_code": contact.district,
            "ausl_code": ausl_of(contact.district, contact.on),
            "contact_mode_code": contact.mode,
            "reporter_type_code": contact.reporter_type,
            "reporter_person_key": contact.reporter,
            "n_contacts": contact.official,
            "n_demands": len(contact.demands),
        }
        for demand in contact.demands:
            demand_rows[demand.key] = {
                "contact_on": contact.on,
                "person_key": demand.person,
                "sex_code": demand.sex,
                "age_band_code": band(demand.age),
                "citizenship_code": demand.citizenship,
                "report_target_code": demand.target,
                "regional_code": demand.regional,
                "outcome_type_code": demand.main_outcome,
                "n_outcomes": len(demand.outcomes),
            }
            for number, outcome in enumerate(demand.outcomes, 1):
                outcome_rows[(*demand.key, number)] = {
                    "outcome_type_code": outcome["type"],
                    "destination_service_code": outcome["destination"],
                    "wait_days": (outcome["on"] - contact.on).days if outcome["on"] else None,
                }
    return contact_rows, demand_rows, outcome_rows


def share(part: float, whole: float, digits: int = 10) -> float | None:
    return round(100 * part / whole, digits) if whole else None


def frequencies(values: Iterable[Any]) -> Counter[Any]:
    return Counter(values)
