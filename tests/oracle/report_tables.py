"""Tables T1-T17 of the activity report, each from the contacts of a period in one place."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from tests.oracle.counting import Contact, Demand, contact_frequency, described, persons_of
from tests.oracle.rules import (
    REGION,
    Coverage,
    Period,
    Persons,
    Place,
    add_months,
    ausl_of,
    comuni,
    members,
    months_in,
    residents_of,
    rows,
)

Table = dict[str, dict[str, Any]]

MONTHS = (
    "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno",
    "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre",
)  # fmt: skip


@cache
def labels(name: str) -> dict[str, str]:
    """Italian label by code of a code list."""
    return {row["code"]: row["label_it"] for row in rows(f"dbt_project/seeds/code_{name}.csv")}


@cache
def categories() -> dict[str, str]:
    found = rows("expectations/reference/regional_nomenclature_v1.csv")
    return {row["level1_code"]: row["level1_label"] for row in found}


@cache
def targets() -> dict[str, str]:
    return {
        row["report_target_code"]: row["report_target_label"] for row in rows("dbt_project/seeds/report_target.csv")
    }


@cache
def bands() -> dict[str, str]:
    return {row["age_band_code"]: row["age_band_label"] for row in rows("dbt_project/seeds/age_band.csv")}


@cache
def place_labels() -> dict[str, str]:
    """Label of each place as reports write it: of two districts of one name, with the AUSL behind."""
    found, auslnames = {}, {}
    for row in rows("dbt_project/seeds/territory.csv"):
        found[row["district_code"]] = row["district_label"]
        auslnames[row["ausl_code"]] = row["ausl_label"]
    twice = {label for label, n in Counter(found.values()).items() if n > 1}
    named = {
        row["district_code"]: f"{row['district_label']} ({row['ausl_label'].removeprefix('AUSL ')})"
        if row["district_label"] in twice
        else row["district_label"]
        for row in rows("dbt_project/seeds/territory.csv")
    }
    return {**named, **auslnames, REGION: "Emilia-Romagna"}


@dataclass
class Year:
    """What tables of a report need: all contacts, the deliveries, the persons, a period and a place."""

    contacts: list[Contact]
    coverage: Coverage
    persons: Persons
    period: Period
    place: Place

    def of(self, place: Place, period: Period | None = None) -> list[Contact]:
        months = {month: set(members(place, month)) for month in months_in(period or self.period)}
        return [contact for contact in self.contacts if contact.district in months.get(contact.on.replace(day=1), ())]

    def demands(self, place: Place, period: Period | None = None) -> list[Demand]:
        return [demand for contact in self.of(place, period) for demand in contact.demands]

    @property
    def places(self) -> list[Place]:
        """The places of a table with a row for each: those below the report's own, and itself."""
        level, code = self.place
        month = self.period[1]
        region: Place = ("region", REGION)
        if level == "district":
            return [self.place, ("ausl", ausl_of(code, month)), region]
        return [
            *{("ausl", ausl_of(district, month)) for district in members(self.place, month)},
            *(("district", district) for district in members(self.place, month)),
            region,
        ]


def percent(part: float, whole: float) -> float | None:
    return 100 * part / whole if whole else None


def tables(year: Year) -> dict[str, Table]:
    """The tables of one report, by the label of a row."""
    contacts = year.of(year.place)
    demands = [demand for contact in contacts for demand in contact.demands]
    n_contacts = sum(contact.official for contact in contacts)
    told = described(
        [demand for contact in year.of(("region", REGION)) for demand in contact.demands], year.persons, year.period
    )
    return {
        "T1": _t1(year),
        "T1bis": _t1bis(year),
        "T2": _t2(year),
        "T3": _shares(contacts, lambda contact: labels("contact_mode")[contact.mode]),
        "T4": _shares(contacts, lambda contact: labels("reporter_type")[contact.reporter_type]),
        "T5": _t5(year),
        "T6": _t6(demands),
        "T6bis": {
            place_labels()[place[1]]: {name: row["n"] for name, row in _t6(year.demands(place)).items()}
            for place in year.places
            if year.coverage.received("IASS", place, year.period)
        },
        "T7": _persons_table(demands, told, _band_label, {"female": (0, "F"), "male": (0, "M")}, share=True),
        "T8": _persons_table(demands, told, _band_label, CITIZENSHIP),
        "T9": _persons_table(demands, told, _sex_label, CITIZENSHIP),
        "T10": _t10(demands),
        "T10bis": _t10bis(demands),
        "T11": _t11(demands, n_contacts),
        "T12": _cross(demands, lambda demand: categories()[demand.level1], lambda demand: targets()[demand.target]),
        "T13": {
            place_labels()[place[1]]: {
                **Counter(categories()[demand.level1] for demand in year.demands(place)),
                "Totale": len(year.demands(place)),
            }
            for place in year.places
            if year.coverage.received("IASS", place, year.period)
        },
        "T14": _t14(demands),
        "T15": _cross(demands, lambda demand: categories()[demand.level1], _main_outcome),
        "T16a": _t16(year, "Contatti"),
        "T16b": _t16(year, "Persone interessate"),
        "T16c": _t16(year, "Domande"),
        "T17": _t17(year),
        "T15bis": _cross(demands, lambda demand: targets()[demand.target], _main_outcome),
    }


#: Tables whose columns are the values that occur.
CROSSED = ("T6bis", "T12", "T13", "T15", "T15bis")
CITIZENSHIP = {"italian": (1, "italiana"), "foreign_": (1, "straniera"), "unknown": (1, "non disponibile")}


def _band_label(of_person: tuple[str, str, str]) -> str:
    return bands().get(of_person[2], "Non noto")


def _sex_label(of_person: tuple[str, str, str]) -> str:
    return {"F": "Donne", "M": "Uomini"}.get(of_person[0], "Non noto")


def _main_outcome(demand: Demand) -> str:
    return labels("outcome_type")[demand.main_outcome]


def _t1(year: Year) -> Table:
    region = sum(contact.official for contact in year.of(("region", REGION)))
    table: Table = {}
    for place in year.places:
        n_received = len(year.coverage.received("IASS", place, year.period))
        n_expected = len(year.coverage.expected(place, year.period))
        n = sum(contact.official for contact in year.of(place)) if n_received else None
        exposure = year.coverage.exposure("IASS", place, year.period)
        table[place_labels()[place[1]]] = {
            "n_contacts": n,
            "region_percent": None if n is None else percent(n, region),
            "contacts_per_1000": None if n is None else 1000 * n / exposure,
            "status": "non pervenuto"
            if not n_received
            else "completo"
            if n_received == n_expected
            else f"{n_received} mesi su {n_expected}",
        }
    return table


def _t1bis(year: Year) -> Table:
    """Contacts by month of three years, in the districts that the place has in the report's own period."""
    table: Table = {}
    for month in months_in(year.period):
        row = {}
        for back in range(3):
            came = _came(year, year.place, [add_months(month, -12 * back)])
            row[f"year_{back}"] = sum(contact.official for contact in _in(year.contacts, came)) if came else None
        table[MONTHS[month.month - 1]] = row
    return table


def _came(year: Year, place: Place, months: list[date]) -> set[tuple[str, date]]:
    """District months that came, in the districts that a place has in the report's own period."""
    wanted = {(district, month) for month in months for district in members(place, year.period[1])}
    return wanted & year.coverage.months["IASS"]


def _in(contacts: Iterable[Contact], came: set[tuple[str, date]]) -> list[Contact]:
    return [contact for contact in contacts if (contact.district, contact.on.replace(day=1)) in came]


def _measures(year: Year, came: set[tuple[str, date]], n: int) -> dict[str, float | None]:
    """Measures over district months, with rates over as many months of a period."""
    contacts = _in(year.contacts, came)
    demands = [demand for contact in contacts for demand in contact.demands]
    n_contacts, n_persons = sum(contact.official for contact in contacts), len(persons_of(demands))
    exposure = sum(residents_of(district, month.year) for district, month in came) / n
    return {
        "Contatti": n_contacts,
        "Persone interessate": n_persons,
        "Domande": len(demands),
        "Domande per contatto": len(demands) / n_contacts if n_contacts else None,
        "Contatti per 1.000 residenti": 1000 * n_contacts / exposure,
        "Persone per 1.000 residenti": 1000 * n_persons / exposure,
    }


#: A change from fewer cases than these is not shown.
MIN_CASES = 20


def _compared(year: Year, place: Place, months: list[date]) -> Table:
    """Measures of some months of three years, and their change over the same months of the same districts."""
    came = [_came(year, place, [add_months(month, -12 * back) for month in months]) for back in range(3)]
    measured = [_measures(year, mine, len(months)) if mine else {} for mine in came]
    same = {(district, month) for district, month in came[0] if (district, add_months(month, -12)) in came[1]}
    after = _measures(year, same, len(months)) if same else {}
    before = (
        _measures(year, {(district, add_months(month, -12)) for district, month in same}, len(months)) if same else {}
    )
    table: Table = {}
    for name in measured[0]:
        then, now = before.get(name), after.get(name)
        cases = before.get("Persone interessate" if name.startswith("Persone") else _CASES.get(name, "Contatti"))
        table[name] = {f"year_{back}": measured[back].get(name) for back in range(3)}
        is_shown = then and now is not None and cases is not None and cases >= MIN_CASES
        table[name]["change"] = 100 * (now - then) / then if is_shown and then and now is not None else None
        table[name]["compared"] = f"{len(same)} su {len(members(place, year.period[1])) * len(months)}"
    return table


_CASES = {"Domande": "Domande"}


def _t16(year: Year, measure: str) -> Table:
    """First half-years of three years, of each place."""
    first_half = [date(year.period[1].year, month, 1) for month in range(1, 7)]
    return {
        place_labels()[place[1]]: _compared(year, place, first_half)[measure]
        for place in year.places
        if _came(year, place, first_half)
    }


def _t17(year: Year) -> Table:
    table = _compared(year, year.place, months_in(year.period))
    for row in table.values():
        del row["year_2"]
    return table


def _t2(year: Year) -> Table:
    table: Table = {}
    on = year.period[1]
    for place in year.places:
        received = year.coverage.received("IASS", place, year.period)
        expected = year.coverage.expected(place, year.period)
        mine = members(place, on)
        towns = {
            comune.code for comune in comuni() if comune.district in mine and comune.valid_from <= on <= comune.valid_to
        }
        with_desk = {contact.desk[:6] for contact in year.of(place)} & towns
        table[place_labels()[place[1]]] = {
            "n_connected": len({district for district, _ in received}),
            "n_districts": len(mine),
            "received_percent": percent(len(received), len(expected)),
            "n_comuni": len(with_desk) if received else None,
            "comuni_percent": percent(len(with_desk), len(towns)) if received else None,
        }
    return table


def _shares(contacts: Iterable[Contact], label: Any) -> Table:
    counted: Counter[str] = Counter()
    for contact in contacts:
        counted[label(contact)] += contact.official
    whole = sum(counted.values())
    return {name: {"n": n, "share": percent(n, whole)} for name, n in counted.items() if n}


def _t5(year: Year) -> Table:
    table: Table = {}
    for place in year.places:
        demands = year.demands(place)
        received = year.coverage.received("IASS", place, year.period)
        n = len(persons_of(demands))
        exposure = year.coverage.exposure("IASS", place, year.period)
        table[place_labels()[place[1]]] = {
            "n_persons": n if received else None,
            "per_100": 100 * n / exposure if received else None,
            "persons_per_1000": 1000 * n / exposure if received else None,
            "excluded_percent": percent(sum(not demand.is_identified for demand in demands), len(demands))
            if received
            else None,
        }
    return table


def _t6(demands: list[Demand]) -> Table:
    groups: dict[str, list[Demand]] = defaultdict(list)
    for demand in demands:
        groups[targets()[demand.target]].append(demand)
    whole = len(persons_of(demands))
    counted = {name: len(persons_of(mine)) for name, mine in groups.items()}
    counted["Totale persone"] = whole
    return {name: {"n": n, "share": percent(n, whole)} for name, n in counted.items() if n}


def _persons_table(
    demands: list[Demand],
    told: dict[int, tuple[str, str, str]],
    label: Any,
    columns: dict[str, tuple[int, str]],
    share: bool = False,
) -> Table:
    persons = persons_of(demands)
    table: Table = {}
    for name in (*sorted({label(told[person]) for person in persons}), "Totale persone"):
        mine = [person for person in persons if name in ("Totale persone", label(told[person]))]
        table[name] = {
            column: sum(told[person][which] == value for person in mine) for column, (which, value) in columns.items()
        }
        table[name]["total"] = len(mine)
        if share:
            table[name]["share"] = percent(len(mine), len(persons))
    return table if persons else {}


def _t10(demands: list[Demand]) -> Table:
    frequency = contact_frequency(demands)
    counted = Counter("5 e più" if n >= 5 else str(n) for n in frequency.values())
    counted["Totale persone"] = len(frequency)
    return {name: {"n": n, "share": percent(n, len(frequency))} for name, n in counted.items() if n}


def _t10bis(demands: list[Demand]) -> Table:
    groups: dict[str, list[Demand]] = defaultdict(list)
    for demand in demands:
        groups[targets()[demand.target]].append(demand)
        groups["Totale persone"].append(demand)
    table: Table = {}
    for name, mine in groups.items():
        frequency = contact_frequency(mine)
        if frequency:
            table[name] = {"n_persons": len(frequency), "mean": sum(frequency.values()) / len(frequency)}
    return table


def _t11(demands: list[Demand], n_contacts: int) -> Table:
    groups: dict[str, list[Demand]] = defaultdict(list)
    for demand in demands:
        groups[categories()[demand.level1]].append(demand)
        groups["Totale domande"].append(demand)
    return {
        name: {
            "n": len(mine),
            "share": percent(len(mine), len(demands)),
            "n_persons": len(persons_of(mine)),
            "per_contact": len(mine) / n_contacts if n_contacts else None,
        }
        for name, mine in groups.items()
    }


def _cross(demands: list[Demand], line: Any, column: Any) -> Table:
    table: Table = defaultdict(Counter)  # type: ignore[arg-type]
    for demand in demands:
        for name in (line(demand), "Totale domande"):
            table[name][column(demand)] += 1
            table[name]["Totale"] += 1
    return dict(table)


def _t14(demands: list[Demand]) -> Table:
    counted: Counter[str] = Counter()
    asked: dict[str, set[Any]] = defaultdict(set)
    for demand in demands:
        for outcome in demand.outcomes:
            name = labels("outcome_type")[outcome["type"]]
            counted[name] += 1
            asked[name].add(demand.key)
    whole = sum(counted.values())
    return {name: {"n": n, "share": percent(n, whole), "n_demands": len(asked[name])} for name, n in counted.items()}
