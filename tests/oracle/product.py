"""What the product says: whole tables read to be compared, and the person key of each record.

The only file here that knows the product's database. It reads columns of tables, and computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from tests.oracle.rules import REGION, Period, Place


class Product:
    """A connection that reads."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg.connect(dsn, autocommit=True)

    def close(self) -> None:
        self.connection.close()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql.encode()).fetchall()

    def table(self, name: str, key: Iterable[str], columns: Iterable[str], where: str = "true") -> dict[Any, Any]:
        """Rows of a table by their key."""
        keys, names = list(key), list(columns)
        found = {}
        for row in self.query(f"select {', '.join([*keys, *names])} from {name} where {where}"):
            place = tuple(row[: len(keys)])
            assert place not in found, (name, place)
            found[place] = dict(zip(names, row[len(keys) :], strict=True))
        return found

    def columns(self, table: str) -> set[str]:
        schema, name = table.split(".")
        where = f"table_schema = '{schema}' and table_name = '{name}'"
        found = self.query(f"select column_name from information_schema.columns where {where}")
        return {str(row[0]) for row in found}

    def rows_that_are_there(self, name: str, key: Iterable[str], columns: Iterable[str]) -> dict[Any, Any]:
        """Rows of a table with those of the columns that it has."""
        there = self.columns(name)
        return self.table(name, key, [column for column in columns if column in there])

    def person_keys(self, table: str, *columns: str, ref: str = "person_ref") -> dict[tuple[Any, ...], int]:
        """Person by record: delivery, number of the record in its file, and the part of the record that names her."""
        names = ("delivery_id", "record_number", *columns)
        joined = f"raw.{table} left join raw.identity__person as known on known.person_ref = {table}.{ref}"
        rows = self.query(f"select {', '.join(names)}, coalesce(person_key, -1) from {joined}")
        return {tuple(row[:-1]): int(row[-1]) for row in rows}

    def record_ids(self, table: str, column: str) -> dict[tuple[int, int], str]:
        """The product's own name of a record whose key holds an identifier."""
        return {
            (row[0], row[1]): row[2]
            for row in self.query(f"select delivery_id, record_number, {column} from raw.{table}")
        }

    def registry_keys(self) -> dict[str, int]:
        joined = "vault.registry_change inner join raw.identity__person using (person_ref)"
        rows = self.query(f"select registry_id, person_key from {joined}")
        return {str(row[0]): int(row[1]) for row in rows}

    # Facts, by keys that senders know

    def contact_rows(self) -> dict[Any, Any]:
        columns = (
            "contact_on",
            "district_code",
            "ausl_code",
            "contact_mode_code",
            "reporter_type_code",
            "reporter_person_key",
        )
        joined = f"core.fct_contact {_MODE} {_REPORTER}"
        return self.table(joined, ("sender_code", "contact_id"), (*columns, "n_contacts", "n_demands"))

    def demand_rows(self) -> dict[Any, Any]:
        columns = ("contact_on", "person_key", "sex_code", "age_band_code", "citizenship_code", "report_target_code")
        joined = f"core.fct_demand {_BAND} {_CITIZENSHIP} {_TARGET} {_TYPE} {_OUTCOME}"
        more = ("regional_code", "outcome_type_code", "n_outcomes")
        return self.table(joined, ("sender_code", "contact_id", "demand_number"), (*columns, *more))

    def outcome_rows(self) -> dict[Any, Any]:
        joined = f"core.fct_outcome as outcome {_OUTCOME} {_DESTINATION} {_DEMAND}"
        key = ("demand.sender_code", "demand.contact_id", "demand.demand_number", "outcome_number")
        found = self.table(joined, key, ("outcome_type_code", "destination_service_code", "wait_days"))
        for row in found.values():
            row["destination_service_code"] = row["destination_service_code"].replace("-3", "")
        return found

    def episode_names(self) -> dict[int, tuple[str, str, str]]:
        """Family, sender and sender's own name of every episode."""
        found = {}
        for family, table, name in _EPISODES:
            for key, sender, own in self.query(f"select distinct episode_key, sender_code, {name} from core.{table}"):
                found[int(key)] = (family, str(sender), str(own))
        return found

    def service_months(self) -> dict[Any, Any]:
        names = self.episode_names()
        columns = ("district_code", "ausl_code", "person_key", "service_code", "n_starts", "n_ends", "in_charge_days")
        joined = "core.fct_service_month inner join core.dim_service using (service_key)"
        more = ("presence_days", "n_accesses", "amount_eur")
        found = self.table(joined, ("episode_key", "month_on"), (*columns, *more))
        return {(*names[episode], month): row for (episode, month), row in found.items()}

    def accesses(self) -> dict[Any, Any]:
        """Accesses and services of each episode and day."""
        names = self.episode_names()
        found: dict[Any, Any] = {}
        rows = self.table(
            "core.fct_home_care_access", ("access_key",), ("episode_key", "access_on", "n_accesses", "n_services")
        )
        for row in rows.values():
            there = found.setdefault((*names[row["episode_key"]], row["access_on"]), {"n_accesses": 0, "n_services": 0})
            there["n_accesses"] += row["n_accesses"]
            there["n_services"] += row["n_services"]
        return found

    def requests(self, columns: Iterable[str]) -> dict[Any, Any]:
        there = self.columns("core.fct_pathway")
        names = [column for column in columns if column in there]
        return self.table(f"core.fct_pathway {_TYPE}", ("person_key", "regional_code", "contact_on"), names)


def _by(dimension: str) -> str:
    return f"inner join core.dim_{dimension} using ({dimension}_key)"


_MODE, _REPORTER, _BAND, _CITIZENSHIP, _TARGET, _TYPE, _OUTCOME, _DESTINATION = (
    _by(name)
    for name in (
        "contact_mode", "reporter_type", "age_band", "citizenship", "report_target", "demand_type", "outcome_type",
        "destination_service",
    )
)  # fmt: skip
_DEMAND = "inner join core.fct_demand as demand on demand.demand_key = outcome.demand_key"
_EPISODES = (
    ("FAR", "fct_residential_stay", "admission_id"),
    ("ADI", "fct_home_care_episode", "care_id"),
    ("SISAM", "fct_minor_case", "case_id"),
    ("SMAC", "fct_care_allowance", "contract_id"),
)


def cell(row_key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Period type, first day, territory level and code as period and place, the rest of the key behind."""
    period: Period = (row_key[0], row_key[1])
    place: Place = (row_key[2], REGION if row_key[2] == "region" else row_key[3])
    return (period, place, *row_key[4:])
