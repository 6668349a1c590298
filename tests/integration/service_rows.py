"""Rows of the service flows put into raw and landing by hand, as the gate would; continues `warehouse_rows`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql

from tests.integration.warehouse_rows import Region, ref

Row = dict[str, Any]

#: Record table of each flow and the column of its key.
RECORDS = {
    "FAR1": ("far1__admission", "admission_id"),
    "FAR2": ("far2__period", "admission_id"),
    "ADI1": ("adi1__taking_in_charge", "care_id"),
    "ADI2": ("adi2__care", "care_id"),
    "SMAC": ("smac__contract", "contract_id"),
    "SISAM": ("sisam__case", "case_id"),
}
#: Flows that send a record of one key in every period.
PER_PERIOD = ("FAR2", "ADI2", "SMAC")
STARTS = {"Q1": "01-01", "Q2": "04-01", "Q3": "07-01", "Q4": "10-01", "H1": "01-01", "H2": "07-01"}


def period_start(period: str) -> str:
    """First day of a period as its files name it."""
    year, part = period.split("-")
    return f"{year}-{STARTS.get(part, part + '-01')}"


class Services:
    """Writes deliveries of services into a region. A record has `id`, `op` (I), `person` by name, parts as lists under
    the name of their table, and the columns of its own table."""

    def __init__(self, region: Region) -> None:
        self.region = region

    def deliver(self, flow: str, sender: str, period: str, records: Sequence[Row]) -> int:
        """One delivery; returns its number."""
        table, key = RECORDS[flow]
        start = period_start(period)
        delivery = self.region.delivery(flow, sender, period, start, len(records))
        for number, record in enumerate(records, 1):
            place = {"delivery_id": delivery, "record_number": number, "sender_code": sender}
            operation = record.get("op", "I")
            row = {**place, "operation": operation, key: record["id"]}
            if flow in (*PER_PERIOD, "SISAM"):
                row["period_start_on"] = start
            if operation != "C":
                if "person" in record:
                    row |= {"person_ref": ref(record["person"]), "identifier_type_code": "0"}
                own = {k: v for k, v in record.items() if k not in ("id", "op", "person") and not isinstance(v, list)}
                self._insert(table, row | own)
                for part, rows in ((k, v) for k, v in record.items() if isinstance(v, list)):
                    for index, each in enumerate(rows, 1):
                        self._insert(f"{flow.lower()}__{part}", {**place, f"{part}_number": index, **each})
            else:
                self._insert(table, row)
            live = f"{record['id']} {period}" if flow in PER_PERIOD else record["id"]
            self.region.conn.execute(
                """insert into landing.live_key
                    (flow_code, sender_code, record_key, is_live, delivery_id, record_number)
                values (%s, %s, %s, %s, %s, %s) on conflict (flow_code, sender_code, record_key) do update
                set is_live = excluded.is_live, delivery_id = excluded.delivery_id,
                    record_number = excluded.record_number""",
                [flow, sender, live, operation != "C", delivery, number],
            )
        return delivery

    def _insert(self, table: str, row: Mapping[str, Any]) -> None:
        self.region.conn.execute(
            sql.SQL("insert into raw.{} ({}) values ({})").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(sql.Placeholder() * len(row)),
            ),
            list(row.values()),
        )


PERSON = {"sex_code": "F", "birth_year": 1930, "residence_comune_code": "037006"}


def first_year(services: Services) -> None:
    """Services of Anna, who asked at Bologna on 4 November 2013, and of the others of the first load."""
    services.deliver(
        "ADI1",
        "080105",
        "2013-11",
        [
            {
                **PERSON,
                **{"id": "ADI-A", "person": "anna-adi", "started_on": "2013-11-12", "care_type_code": "1"},
                "applicant_type_code": "1",
                "assessment": [{"assessed_on": "2013-11-10", "cognitive_disorder_code": "2"}],
            },
            {**PERSON, "id": "ADI-D", "person": "dora-adi", "started_on": "2013-11-20", "care_type_code": "2"},
            # The only one of its district: cancelled later.
            {
                **PERSON,
                **{"id": "ADI-X", "person": "carla", "started_on": "2013-11-20", "care_type_code": "1"},
                "residence_comune_code": "037032",
            },
        ],
    )
    services.deliver(
        "ADI2",
        "080105",
        "2013-11",
        [
            {
                "id": "ADI-A",
                "started_on": "2013-11-12",
                "access": [
                    {"access_on": "2013-11-14", "n_accesses": 1, "operator_type_code": "3", "access_type_code": "1"},
                    {"access_on": "2013-11-14", "n_accesses": 2, "operator_type_code": "10", "access_type_code": "1"},
                    {"access_on": "2013-11-28", "n_accesses": 1, "operator_type_code": "3", "access_type_code": "1"},
                ],
                "suspension": [{"suspended_from_on": "2013-11-16", "suspended_to_on": "2013-11-20"}],
            },
            {"id": "ADI-X", "started_on": "2013-11-20", "access": [{"access_on": "2013-11-21", "n_accesses": 1}]},
        ],
    )
    services.deliver(
        "FAR1",
        "080105",
        "2013-Q4",
        [
            {
                **PERSON,
                **{"id": "FAR-D", "person": "dora", "facility_code": "S1", "service_type_code": "R3"},
                **{"admission_on": "2013-12-01", "applicant_type_code": "4"},
                "assessment": [{"assessed_on": "2013-11-30", "mobility_level_code": "3"}],
            },
            {
                **PERSON,
                **{"id": "FAR-S", "person": "bice", "facility_code": "S2", "service_type_code": "SR"},
                "admission_on": "2013-11-15",
            },
        ],
    )
    services.deliver(
        "FAR2",
        "080105",
        "2013-Q4",
        [
            {
                "id": "FAR-D",
                "tariff": [
                    {
                        "tariff_from_on": "2013-12-01",
                        **{"health_share_eur": 40.0, "user_share_eur": 50.0, "municipal_share_eur": 10.0},
                    }
                ],
                "suspension": [{"suspended_from_on": "2013-12-10", "suspended_to_on": "2013-12-14"}],
            },
            {
                "id": "FAR-S",
                **{"full_days": 20, "part_days": 3},
                "tariff": [
                    {
                        "tariff_from_on": "2013-11-15",
                        **{"health_share_eur": 20.0, "user_share_eur": 10.0, "municipal_share_eur": 0.0},
                    }
                ],
            },
        ],
    )
    services.deliver(
        "SMAC",
        "10502",
        "2013-H2",
        [
            {
                **PERSON,
                **{"id": "SM-B", "person": "bice", "care_area_code": "A", "care_level_code": "B"},
                **{"daily_amount_eur": 10, "start_on": "2013-12-01", "paid_days": 31, "paid_amount_eur": 310},
            }
        ],
    )
    services.deliver(
        "SISAM",
        "10502",
        "2013-Q4",
        [
            {
                **PERSON,
                **{"id": "MI-C", "person": "carla", "report_on": "2013-11-10", "reporter_type_code": "06"},
                **{"report_reason_code": "2", "taking_in_charge_on": "2013-11-25", "intervention_code": "2"},
            },
            {**PERSON, "id": "MI-R", "person": "dora", "report_on": "2013-12-10", "reporter_type_code": "09"},
        ],
    )
    # Of a flow in two files, one: months of before the other are known until it comes.
    alone = {**PERSON, "person": "nora", "residence_comune_code": "033032", "started_on": "2013-11-20"}
    services.deliver("ADI1", "080101", "2013-11", [{**alone, "id": "ADI-E", "care_type_code": "1"}])
    services.region.identity({"anna-adi": 11, "dora-adi": 14})
    _before_the_reform(services)


def _before_the_reform(services: Services) -> None:
    """Services at Lugo, which passes from AUSL Ravenna to Romagna with 2014: Hanna's and Ivo's stays and Hanna's home
    care are closed by the office on the last day, allowance and minor go on."""
    lugo = {**PERSON, "residence_comune_code": "039001"}
    place = {"facility_code": "S1", "service_type_code": "R3", "admission_on": "2013-11-15"}
    stays = {"FAR-H": "hanna", "FAR-I": "ivo"}
    services.deliver(
        "FAR1", "080110", "2013-Q4", [{**lugo, **place, "id": stay, "person": who} for stay, who in stays.items()]
    )
    discharge = [{"discharged_on": "2013-12-31", "discharge_reason_code": "9"}]
    services.deliver("FAR2", "080110", "2013-Q4", [{"id": stay, "discharge": discharge} for stay in stays])
    care = {**lugo, "id": "ADI-H", "person": "hanna", "care_type_code": "1"}
    services.deliver("ADI1", "080110", "2013-12", [{**care, "started_on": "2013-10-20"}])
    closed = [{"closed_on": "2013-12-31", "closure_reason_code": "99"}]
    access = [{"access_on": "2013-12-10", "n_accesses": 1}]
    services.deliver("ADI2", "080110", "2013-12", [{"id": "ADI-H", "access": access, "closure": closed}])
    contract = {"care_area_code": "A", "care_level_code": "B", "daily_amount_eur": 10, "start_on": "2013-12-01"}
    services.deliver("SMAC", "11404", "2013-H2", [{**lugo, **contract, "id": "SM-H", "person": "hanna"}])
    case = {"report_on": "2013-11-10", "taking_in_charge_on": "2013-11-25", "intervention_code": "2"}
    services.deliver("SISAM", "11404", "2013-Q4", [{**lugo, **case, "id": "MI-H", "person": "ivo"}])
    services.region.identity({"hanna": 31, "ivo": 32})


def _after_the_reform(services: Services) -> None:
    """Romagna opens again what was closed; of Hanna's stay nobody knows yet that it is hers."""
    lugo = {**PERSON, "residence_comune_code": "039001"}
    place = {"facility_code": "S1", "service_type_code": "R3", "admission_on": "2014-01-01", "origin_type_code": "7"}
    services.deliver(
        "FAR1",
        "080114",
        "2014-Q1",
        [
            {**lugo, **place, "id": "FAR-H2", "person": "hanna-far"},
            {**lugo, **place, "id": "FAR-I2", "person": "ivo"},
        ],
    )
    services.deliver("FAR2", "080114", "2014-Q1", [{"id": "FAR-H2"}, {"id": "FAR-I2"}])
    care = {**lugo, "id": "ADI-H2", "person": "hanna", "care_type_code": "1", "applicant_type_code": "7"}
    services.deliver("ADI1", "080114", "2014-01", [{**care, "started_on": "2014-01-01"}])
    access = [{"access_on": "2014-01-10", "n_accesses": 1}]
    services.deliver("ADI2", "080114", "2014-01", [{"id": "ADI-H2", "access": access}])
    contract = {"care_area_code": "A", "care_level_code": "B", "daily_amount_eur": 10, "start_on": "2013-12-01"}
    services.deliver("SMAC", "11404", "2014-H1", [{**lugo, **contract, "id": "SM-H", "person": "hanna"}])
    services.deliver("SISAM", "11404", "2014-Q1", [])


def hurtful(services: Services) -> None:
    """Late variations, cancellations, new months with and without gaps, ends that come with the month after."""
    services.deliver(
        "ADI2", "080105", "2014-01", [{"id": "ADI-A", "access": [{"access_on": "2014-01-07", "n_accesses": 1}]}]
    )
    services.deliver(
        "ADI1",
        "080105",
        "2014-01",
        [
            {"id": "ADI-X", "op": "C"},
            *(
                {**PERSON, "id": f"ADI-{care}", "person": "vera", "started_on": "2013-11-20", "care_type_code": "1"}
                for care in "LMNO"
            ),
        ],
    )
    for month in ("2013-11", "2013-12", "2014-01"):
        access = [{"access_on": f"{month}-25", "n_accesses": 1}]
        services.deliver("ADI2", "080105", month, [{"id": f"ADI-{care}", "access": access} for care in "LMNO"])
    services.deliver(
        "ADI2",
        "080105",
        "2013-11",
        [
            {
                "id": "ADI-A",
                "op": "V",
                "access": [{"access_on": "2013-11-18", "n_accesses": 1}],
                "reassessment": [{"reassessed_on": "2013-11-18"}],
            }
        ],
    )
    services.deliver(
        "FAR2",
        "080105",
        "2014-Q1",
        [
            # The discharge on the first day of the quarter ends December.
            {"id": "FAR-D", "discharge": [{"discharged_on": "2014-01-01", "discharge_reason_code": "4"}]},
            {
                "id": "FAR-S",
                "full_days": 40,
                # A tariff that changes months of the quarter before.
                "tariff": [
                    {
                        "tariff_from_on": "2013-11-20",
                        "health_share_eur": 25.0,
                        "user_share_eur": 10.0,
                        "municipal_share_eur": 0.0,
                    }
                ],
            },
        ],
    )
    services.deliver(
        "SMAC",
        "10502",
        "2014-H1",
        [
            {
                **PERSON,
                **{
                    "id": "SM-B",
                    "person": "bice",
                    "care_area_code": "A",
                    "care_level_code": "C",
                    "daily_amount_eur": 8,
                },
                **{"start_on": "2013-12-01", "end_on": "2014-03-15", "end_reason_code": "2"},
                **{"paid_days": 74, "paid_amount_eur": 592},
            }
        ],
    )
    # An open case stays in charge for another quarter, though nothing of it is sent; others are taken in charge.
    minor = {**PERSON, "report_on": "2013-12-10", "reporter_type_code": "09"}
    minor |= {"taking_in_charge_on": "2014-01-20", "intervention_code": "1"}
    services.deliver(
        "SISAM",
        "10502",
        "2014-Q1",
        [{**minor, "id": "MI-R", "op": "V", "person": "dora"}, {**minor, "id": "MI-L", "person": "livia"}],
    )
    services.deliver(
        "FAR1",
        "080105",
        "2014-Q1",
        [
            {
                **PERSON,
                **{"id": f"FAR-{stay}", "person": person, "facility_code": "S1", "service_type_code": service},
                "admission_on": "2013-12-05",
            }
            for stay, person, service in (
                *(("L", "livia", "R3"), ("M", "marta", "R3"), ("N", "livia", "R3"), ("O", "livia", "SR")),
                *(("P", "livia", "SR"), ("Q", "livia", "R3"), ("R", "livia", "R3")),
            )
        ],
    )
    for quarter in ("2013-Q4", "2014-Q1"):
        stays: list[Row] = [{"id": f"FAR-{stay}"} for stay in "LMNQR"]
        services.deliver("FAR2", "080105", quarter, [*stays, {"id": "FAR-O", "full_days": 20}])
    # A quarter that waited for its admission for too long.
    services.deliver("FAR2", "080105", "2014-Q1", [{"id": "FAR-P"}])
    services.region.conn.execute("update landing.live_key set is_live = false where record_key = 'FAR-P 2014-Q1'")
    _after_the_reform(services)


def more(services: Services) -> None:
    """A quarter and a month after a gap, a cancelled quarter, a cancelled admission with quarters, a closed case.
    What is told of a month, or a quarter, too late, each time of another episode: an end on a first day ends the month
    before, and days that a quarter declares are spread over fewer. A quarter after one that was never taken in."""
    tariff = {"health_share_eur": 25.0, "user_share_eur": 10.0, "municipal_share_eur": 0.0}
    services.deliver(
        "ADI2",
        "080105",
        "2014-02",
        [
            {"id": "ADI-L", "closure": [{"closed_on": "2013-12-10", "closure_reason_code": "1"}]},
            {"id": "ADI-M", "reassessment": [{"reassessed_on": "2013-11-28"}]},
            {"id": "ADI-N", "suspension": [{"suspended_from_on": "2013-12-10", "suspended_to_on": "2013-12-14"}]},
            {"id": "ADI-O", "access": [{"access_on": "2013-12-10", "n_accesses": 1}]},
        ],
    )
    services.deliver(
        "FAR2",
        "080105",
        "2014-Q2",
        [
            {"id": "FAR-L", "discharge": [{"discharged_on": "2014-01-20", "discharge_reason_code": "4"}]},
            {"id": "FAR-M", "assessment": [{"assessed_on": "2014-01-05", "mobility_level_code": "3"}]},
            {"id": "FAR-N", "discharge": [{"discharged_on": "2014-01-01", "discharge_reason_code": "4"}]},
            {"id": "FAR-O", "discharge": [{"discharged_on": "2014-02-20", "discharge_reason_code": "4"}]},
            {"id": "FAR-P"},
            {"id": "FAR-Q", "suspension": [{"suspended_from_on": "2014-03-10", "suspended_to_on": "2014-03-14"}]},
            {"id": "FAR-R", "tariff": [{"tariff_from_on": "2013-12-15", **tariff}]},
        ],
    )
    services.deliver("FAR2", "080105", "2014-Q1", [{"id": "FAR-S", "op": "C"}])
    # Ivo was not taken over, after all.
    services.deliver("FAR1", "080114", "2014-Q2", [{"id": "FAR-I2", "op": "C"}])
    services.deliver("FAR2", "080105", "2014-Q3", [{"id": "FAR-S", "full_days": 10}])
    services.deliver(
        "ADI2",
        "080105",
        "2014-05",
        [{"id": "ADI-A", "closure": [{"closed_on": "2014-05-05", "closure_reason_code": "1"}]}],
    )
    services.deliver("FAR1", "080105", "2014-Q3", [{"id": "FAR-D", "op": "C"}])
    services.deliver("SMAC", "10502", "2013-H2", [{"id": "SM-B", "op": "C"}])
    services.deliver(
        "SISAM",
        "10502",
        "2014-Q2",
        [
            {
                **PERSON,
                **{"id": "MI-C", "op": "V", "person": "carla", "report_on": "2013-11-10", "reporter_type_code": "06"},
                **{"taking_in_charge_on": "2013-11-25", "intervention_code": "4", "closed_on": "2014-05-01"},
                "closure_reason_code": "1",
            }
        ],
    )


def known_up_to_the_last_of_2013(services: Services) -> None:
    """Services of Tina and Ulla, of whom the registry changes something on that day. Each reaches it by one thing only:
    the period of its beginning, a period after that, its closure; a case that nobody closes goes on."""
    tina, ulla = ({**PERSON, "person": person} for person in ("tina-r", "ulla-r"))
    services.deliver(
        "ADI1",
        "080105",
        "2013-12",
        [
            {**tina, "id": "ADI-T", "started_on": "2013-11-20", "care_type_code": "1"},
            {**ulla, "id": "ADI-U", "started_on": "2013-12-05", "care_type_code": "1"},
        ],
    )
    services.deliver("ADI2", "080105", "2013-12", [{"id": "ADI-T"}])
    place = {"facility_code": "S1", "service_type_code": "R3"}
    services.deliver(
        "FAR1",
        "080105",
        "2013-Q4",
        [
            {**tina, **place, "id": "FAR-T", "admission_on": "2013-09-20"},
            {**ulla, **place, "id": "FAR-U", "admission_on": "2013-10-05"},
        ],
    )
    services.deliver("FAR2", "080105", "2013-Q4", [{"id": "FAR-T"}])
    contract = {"care_area_code": "A", "care_level_code": "B", "daily_amount_eur": 10, "start_on": "2013-09-01"}
    services.deliver("SMAC", "10502", "2013-H2", [{**tina, **contract, "id": "SM-T"}])
    case = {"report_on": "2013-09-10", "taking_in_charge_on": "2013-09-25", "intervention_code": "2"}
    closed = {"closed_on": "2013-12-31", "closure_reason_code": "1"}
    services.deliver(
        "SISAM", "10502", "2013-Q4", [{**tina, **case, **closed, "id": "MI-T"}, {**ulla, **case, "id": "MI-U"}]
    )
