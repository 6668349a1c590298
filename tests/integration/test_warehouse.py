"""The dbt project on a small region: what the facts count, and that incremental and full builds give the same."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import psycopg
import pytest

from orchestration.errors import IassError
from orchestration.settings import Settings
from orchestration.warehouse import connection, dbt
from tests.integration import service_rows
from tests.integration.service_rows import Services
from tests.integration.warehouse_rows import BOLOGNA, IMOLA, Region

#: Whom the registry's end of November moves to Bologna, and to a comune that changes its AUSL with the year.
MOVED = [
    *((name, "change", "037006") for name in ("bice-r", "fania-r", "gaia-r")),
    ("rita-r", "change", "039001"),
]


def _everything(settings: Settings) -> dict[str, list[Any]]:
    """Every row of every table that people read, and of every one that a build keeps, as text and sorted. What a build
    has taken away is of that build alone."""
    manifest = settings.state_dir / "dbt" / "target" / "manifest.json"
    nodes = json.loads(manifest.read_text())["nodes"].values()
    kept = [
        f"{node['schema']}.{node['name']}"
        for node in nodes
        if node["resource_type"] == "model"
        and (
            (node["config"]["materialized"] == "incremental" and not node["name"].endswith("__place_before"))
            or (node["config"]["materialized"] == "table" and node["schema"] != "intermediate")
        )
    ]
    with connection.connect(settings, "transformer") as conn:
        return {
            name: sorted(row[0] for row in conn.execute(f"select to_jsonb(t)::text from {name} as t").fetchall())
            for name in sorted(kept)
        }


def _one(settings: Settings, query: str) -> Any:
    with connection.connect(settings, "analyst") as conn:
        row = conn.execute(query).fetchone()  # type: ignore[arg-type]
        return row[0] if row and len(row) == 1 else row


def _first_load(conn: psycopg.Connection[Any]) -> Region:
    region = Region(conn)
    region.nomenclature()
    others = ("bice-r", "fania-r", "gaia-r", "nora-r", "rita-r", "tina-r", "ulla-r")
    region.snapshot("2013-10-31", None, [("anna-r", "open", "037006"), *((name, "open", "037032") for name in others)])
    region.iass(
        BOLOGNA,
        "2013-11",
        [
            # Anna comes twice on a day: one contact, two demands; once more on another day.
            {"id": "A1", "on": "2013-11-04", "demands": [{"person": "anna", "outcomes": ["1", "3"]}]},
            {"id": "A2", "on": "2013-11-04", "demands": [{"person": "anna", "condition": "05"}]},
            {"id": "A3", "on": "2013-11-05", "demands": [{"person": "anna", "code": "03.01", "outcomes": ["5", "6"]}]},
            # Two reporters whom nobody identified count one each.
            {"id": "U1", "on": "2013-11-04", "type": "07", "demands": [{"person": "carla", "life_cycle": "4"}]},
            {"id": "U2", "on": "2013-11-04", "type": "07", "demands": [{"person": "carla", "life_cycle": "4"}]},
            # Anonymous by law: an anonymous reporter and person.
            {"id": "N1", "on": "2013-11-06", "demands": [{"id_type": "98", "life_cycle": "1"}]},
            {"id": "W1", "on": "2013-11-07", "demands": [{"person": "dora"}]},
            {"id": "V1", "on": "2013-11-08", "reporter": "bice", "type": "02", "demands": [{"person": "dora"}] * 2},
        ],
    )
    region.iass(IMOLA, "2013-11", [{"id": "A1", "on": "2013-11-04", "demands": [{"person": "anna"}]}])
    region.identity({"anna": 11, "anna-r": 11, "bice": 12, "bice-r": 12, "carla": 13, "dora": 14})
    region.identity({"fania-r": 18, "gaia-r": 19, "rita": 22, "rita-r": 22, "tina-r": 24, "ulla-r": 26})
    service_rows.first_year(Services(region))
    return region


@pytest.fixture
def region(settings: Settings) -> Any:
    """The first load, not built yet."""
    with connection.connect_admin(settings, database=settings.database_name) as conn:
        yield _first_load(conn)


def test_counts_follow_the_official_rules_and_incremental_equals_full(settings: Settings, region: Region) -> None:
    first = dbt.build(settings, include_unit_tests=True)
    assert first.is_full_refresh and not first.is_skipped
    assert sum(node.resource_type == "unit_test" for node in first.nodes) >= 15
    _grains_are_held(settings)

    # Anna 1 + 1, the unidentified 2, anonymous 1, Dora 1, Bice 1 at Bologna.
    assert _one(settings, "select sum(n_contacts) from core.fct_contact where district_code = '10502'") == 7
    assert _one(settings, "select count(*) from core.fct_contact") == 9
    assert _one(settings, "select count(*), sum(n_demands) from core.fct_demand") == (10, 10)
    # The person at two districts is one person in the region.
    persons = (
        "select n_persons from mart_demand.contact_monthly where period_type = 'month'"
        " and period_start_on = '2013-11-01' and territory_code = '{}'"
    )
    assert _one(settings, persons.format("10502")) == 3
    assert _one(settings, persons.format("080")) == 3
    assert _one(settings, "select count(*) from core.fct_contact where reporter_person_key = -2") == 1
    assert _one(
        settings,
        "select outcome_type_label from mart_demand.demand where contact_id = 'A1' and district_code = '10502'",
    ) == ("procedimento del servizio sociale")
    assert (
        _one(
            settings,
            "select count(distinct report_target_code) from mart_target_group.person_month where person_key = 11",
        )
        == 2
    )
    # A district that sent nothing has no number, not zero.
    assert _one(settings, persons.format("10101")) is None
    assert (
        _one(
            settings, "select count(*) from quality.dq_coverage where coverage_status = 'silent' and flow_code = 'IASS'"
        )
        == 36
    )
    assert _one(settings, "select n_residents from core.fct_registry_month where district_code = '10502'") == 1

    again = dbt.build(settings)
    assert again.is_skipped and again.seconds < 5

    _services_and_paths(settings)
    changes = (
        _hurtful_deliveries,
        _late_snapshot,
        _cancelled_services,
        _persons_merge,
        lambda region: service_rows.more(Services(region)),
        _late_word,
    )
    for change in changes:
        change(region)
        if change in (_cancelled_services, _late_word):
            _dies_between_facts_and_aggregates(settings)
        if change is _late_word:
            _rows_that_no_build_made(settings)
        built = dbt.build(settings)
        assert not built.is_full_refresh and not built.is_skipped
    # Expected and covered mean the same months.
    assert _one(
        settings,
        "select count(*), min(period_start_on), max(period_start_on) from quality.dq_coverage"
        " where flow_code = 'IASS' and sender_code = '10101'",
    ) == (30, date(2011, 10, 1), date(2014, 3, 1))
    assert (
        _one(
            settings,
            "select sum(n_deliveries_expected) from mart_demand.contact_monthly where period_type = 'month'"
            " and territory_level = 'district' and territory_code = '10101'",
        )
        == 30
    )
    # What was moved to another person is hers alone.
    assert _one(
        settings,
        "select count(*) filter (where person_key = 14), count(*) filter (where person_key = 17)"
        " from core.fct_home_care_episode where care_id = 'ADI-D'",
    ) == (0, 1)
    assert _one(settings, "select count(*) from core.fct_person_event where person_key = 15") == 0
    assert _one(
        settings,
        "select pathway.person_key, path_codes from core.fct_pathway as pathway"
        " inner join core.fct_demand using (demand_key) where contact_id = 'W1'",
    ) == (16, "DOM>FAR>SMAC>FINE-SMAC")
    # Who is met late brings what the registry told before; who is met no longer takes it along.
    events = (
        "select string_agg(event_type_code, ' ' order by event_number) from core.fct_person_event where person_key = {}"
    )
    assert _one(settings, events.format(18)) == "contact move contact demand outcome"
    assert _one(settings, events.format(19)) is None
    _a_reform_is_crossed(settings)
    # Of whom only the method changed that found her, no fact is written again.
    with connection.connect(settings, "transformer") as conn:
        touched = conn.execute("select sender_code, contact_on from intermediate.int_iass__touched_day").fetchall()
    assert (BOLOGNA, date(2013, 11, 4)) in touched
    assert (IMOLA, date(2013, 11, 4)) not in touched
    incremental = _everything(settings)
    dbt.build(settings, full_refresh=True)
    full = _everything(settings)
    assert len(full) > 60 and sum(map(bool, full.values())) > 55, [name for name, rows in full.items() if not rows]
    differing = {
        table: (sorted(set(incremental[table]) - set(rows))[:3], sorted(set(rows) - set(incremental[table]))[:3])
        for table, rows in full.items()
        if incremental[table] != rows
    }
    assert not differing, differing
    _paths_add_up(settings)
    _a_key_without_member_is_named(settings, region)


def _dies_between_facts_and_aggregates(settings: Settings) -> None:
    """What a build has taken away from the facts is known to the next when this one dies: the marks are the same."""
    cells = [f"intermediate.int_{domain}__touched_cell" for domain in ("iass", "service", "pathway")]
    with connection.connect(settings, "transformer", autocommit=True) as conn:
        conn.execute(
            "create function intermediate.die() returns trigger language plpgsql"
            " as $$ begin raise exception 'the build dies here'; end $$"
        )
        for cell in cells:
            conn.execute(
                f"create trigger die before insert on {cell} for each statement execute function intermediate.die()"
            )
        with pytest.raises(IassError, match="the build dies here"):
            dbt.build(settings)
        conn.execute("drop function intermediate.die cascade")


def _rows_that_no_build_made(settings: Settings) -> None:
    """Of a table that is made anew as a whole some are gone, some others than they were, some too many."""
    with connection.connect(settings, "transformer", autocommit=True) as conn:
        for spoil in (
            "delete from {table} where indicator_code = 'contacts_per_1000'",
            "update {table} set indicator_value = -1 where indicator_code = 'persons_per_1000'",
            'insert into {table} select (jsonb_populate_record(known, \'{{"territory_code": "nowhere"}}\')).*'
            " from {table} as known where indicator_code = 'demands_per_contact' and territory_level = 'region'",
        ):
            assert conn.execute(spoil.format(table="mart_indicator.indicator_value")).rowcount > 0  # type: ignore[arg-type]


def _grains_are_held(settings: Settings) -> None:
    """Of each fact, and of each table of marts and quality: an index that takes no row twice, over columns never null.
    What lists deliveries, or observations, has no grain of its own."""
    without = _one(
        settings,
        """
        select array_agg(relname order by relname) from (
            select relation.relname
            from pg_class as relation
            left join pg_index as held on held.indrelid = relation.oid and held.indisunique
                and not exists (
                    select from pg_attribute as part
                    where part.attrelid = relation.oid and part.attnum = any(held.indkey) and not part.attnotnull
                )
            where relation.relkind = 'r'
                and (relation.relnamespace::regnamespace::text ~ '^(mart_|quality)' or relation.relname like 'fct_%')
            group by relation.relname
            having count(held.indexrelid) = 0
        ) as relation
        """,
    )
    assert without == ["dq_delivery", "dq_observation"], f"rows may stand twice in {without}"


def _a_reform_is_crossed(settings: Settings) -> None:
    """Lugo is in AUSL Ravenna up to 2013 and in Romagna from 2014, whenever its services began; what the office closed
    and opened again goes on, but for Ivo's stay, which nobody took over."""
    assert _one(
        settings,
        "select string_agg(distinct to_char(month_on, 'YYYY') || ' ' || ausl_code, ', ') from core.fct_service_month"
        " where district_code = '11404'",
    ) == ("2013 080110, 2014 080114")
    starts_and_ends = (
        "select string_agg(service_family_code || ' ' || event_type_code || ' ' || event_on, ', '"
        " order by service_family_code, event_on) from core.fct_person_event"
        " where event_type_code in ('service_start', 'service_end') and person_key = {}"
    )
    assert _one(settings, starts_and_ends.format(31)) == ("FAR service_start 2013-11-15, SMAC service_start 2013-12-01")
    assert _one(settings, starts_and_ends.format(32)) == (
        "FAR service_start 2013-11-15, FAR service_end 2013-12-31, SISAM service_start 2013-11-25"
    )
    assert (
        _one(
            settings,
            "select count(*) from (select ausl.ausl_code, day.period_start_on, day.service_code, max(day.n_episodes)"
            " filter (where day.territory_level = 'ausl') as own, sum(day.n_episodes)"
            " filter (where day.territory_level = 'district') as of_districts from mart_offer.offer_monthly as day"
            " inner join core.dim_territory as ausl on day.territory_level = ausl.territory_level"
            " and day.territory_code = ausl.territory_code and day.period_start_on between valid_from and valid_to"
            " where day.period_type = 'month' and day.territory_level in ('ausl', 'district')"
            " group by 1, 2, 3) as month where own is distinct from of_districts",
        )
        == 0
    )
    # On its borders of 2014 Romagna was there before.
    assert (
        _one(
            settings,
            "select string_agg(territory_level || ' ' || year_number || ' ' || n_persons, ', ' order by year_number)"
            " from mart_offer.offer_monthly where period_type = 'year' and territory_code = '080114'"
            " and service_level = 'family' and service_code = 'SMAC'",
        )
        == "ausl_today 2013 1, ausl 2014 1"
    )


def _paths_add_up(settings: Settings) -> None:
    """Every request lies in one cell of each type of cut, at each level of territory."""
    n_requests = _one(settings, "select count(*) from core.fct_pathway")
    assert _one(
        settings,
        "select count(*), min(n_requests), max(n_requests) from (select sum(n_requests) as n_requests"
        " from mart_pathway.answer group by territory_level, cut_type) as answer",
    ) == (12, n_requests, n_requests)


def _a_key_without_member_is_named(settings: Settings, region: Region) -> None:
    """In a row of long ago, which the build does not write again: only the versions of its person."""
    with connection.connect(settings, "transformer") as conn:
        conn.execute(
            "update core.fct_demand set person_version_key = 42, desk_key = 43"
            " where contact_id = 'A2' and contact_on = '2013-11-04'"
        )
    region.snapshot("2014-03-31", "2013-12-31", [("anna-r", "change", "037032")])
    with pytest.raises(IassError) as failed:
        dbt.build(settings)
    said = (
        "assert_fct_demand_points_to_members failed for desk_key on 1 rows, for person_version_key on 1 rows. A key of"
    )
    assert said in str(failed.value), failed.value


def _services_and_paths(settings: Settings) -> None:
    """What the services of the first load count, and where the requests led."""
    assert _one(
        settings,
        "select stay_days, suspension_days, presence_days, amount_eur from core.fct_residential_stay"
        " where admission_id = 'FAR-D'",
    ) == (31, 5, 26, 2600)
    # A day centre is paid by the days that it declares.
    assert _one(
        settings, "select presence_days, amount_eur from core.fct_residential_stay where admission_id = 'FAR-S'"
    ) == (23, 690)
    assert _one(
        settings,
        "select wait_days, care_days, suspension_days, access_days, n_accesses, is_open from core.fct_home_care_episode"
        " where care_id = 'ADI-A'",
    ) == (2, 14, 5, 2, 4, True)
    accesses = "select sum(n_accesses) from core.fct_home_care_access where sender_code = '080105'"
    assert _one(settings, accesses) == 5
    # Anna's three demands of one type within four days are one request, wherever she asked; her fourth is another.
    assert _one(
        settings,
        "select count(*), sum(n_demands) from core.fct_pathway where person_key = 11 and district_code = '10502'",
    ) == (2, 4)
    assert _one(
        settings,
        "select assessment_days, charge_days, adi_days, adi_link_source_code, far_status_code, path_codes"
        " from core.fct_pathway where person_key = 11 and n_demands = 3",
    ) == (6, 8, 10, "applicant", "observation_end", "DOM>VAL>PIC-ADI>ADI")
    # A referral to ADI is the strongest link there is.
    assert _one(
        settings,
        "select adi_link_source_code from core.fct_pathway where person_key = 11 and is_referred",
    ) == ("destination")
    assert (
        _one(
            settings,
            "select string_agg(event_type_code, ' ' order by event_number) from core.fct_person_event"
            " where person_key = 14",
        )
        == "contact demand outcome demand demand outcome outcome taking_in_charge assessment service_start report"
        " suspension"
    )


def _hurtful_deliveries(region: Region) -> None:
    """A cancellation, a variation that moves the day, a first contact that goes, a new year, the next snapshots."""
    region.iass(
        BOLOGNA,
        "2013-12",
        [
            {"id": "A1", "op": "C"},
            {"id": "A3", "op": "V", "on": "2013-12-02", "desk": "037006-02", "demands": [{"person": "anna"}]},
            {
                "id": "Z9",
                "on": "2013-12-03",
                "reporter": "elsa",
                "type": "02",
                "demands": [{"person": "dora", "age": 64}],
            },
            {"id": "R1", "on": "2013-12-04", "demands": [{"person": "rita"}]},
            # Rita asks for herself, and reports elsewhere, on the very day on which the registry moves her.
            {"id": "R2", "on": "2013-12-31", "demands": [{"person": "rita"}]},
        ],
    )
    region.iass(
        IMOLA,
        "2014-02",
        [
            {"id": "R3", "on": "2013-12-31", "reporter": "rita", "demands": [{"id_type": "98", "life_cycle": "1"}]},
            {"id": "B1", "on": "2014-02-03", "demands": [{"person": "elsa", "citizenship": "436"}]},
        ],
    )
    # Earlier than all before: the year between becomes expected, and silent, though nothing of it was delivered.
    region.iass(IMOLA, "2011-10", [{"id": "E1", "on": "2011-10-03", "demands": [{"person": "elsa"}]}])
    region.snapshot("2013-11-30", "2013-10-31", MOVED)
    region.snapshot("2013-12-31", "2013-11-30", [("bice-r", "close", "037006"), ("dora-r", "open", "037032")])
    region.identity({"elsa": 15, "dora-r": 14})


def _late_snapshot(region: Region) -> None:
    """The registry's middle of November comes after the end of it: a segment is split. More services come."""
    service_rows.known_up_to_the_last_of_2013(Services(region))
    until = region.segment_to("2013-11-30")
    late = region.snapshot("2013-11-05", "2013-10-31", [("anna-r", "change", "037032")], supersedes=until)
    region.segment(late, "2013-11-05", "2013-11-30", [("anna-r", "change", "037006"), *MOVED])


def _cancelled_services(region: Region) -> None:
    """And two whom the registry moved long ago come to a desk for the first time, one of them not identified yet; a
    third, in the registry from its first day, is identified now."""
    service_rows.hurtful(Services(region))
    region.iass(
        IMOLA,
        "2014-02",
        [
            {"id": "F1", "on": "2014-02-10", "demands": [{"person": "fania"}]},
            {"id": "G1", "on": "2014-02-10", "demands": [{"person": "gaia"}]},
        ],
    )
    region.identity({"fania": 18, "livia": 20, "marta": 21, "vera": 25, "nora-r": 23})


def _persons_merge(region: Region) -> None:
    """Carla turns out to be Anna, and Bice's desk identity another person than the registered one. Gaia is found, and
    so is who was opened again at Lugo."""
    region.identity({"carla": 11, "bice": 16, "gaia": 19, "hanna-far": 31})


def _late_word(region: Region) -> None:
    """When the next year has long begun: a variation of a contact of last year, which changes who asked, for whom and
    for what, and a cancellation of another; a split of somebody in a service, a merge of one who asked with one in a
    service. Anna's codes are old ones. The registry's end of the year comes again: Bice has not left it, Rita moves,
    Tina left long ago and Ulla died. A quarter of a stay comes after the next one, and what another told of the quarter
    before is withdrawn."""
    region.iass(
        BOLOGNA,
        "2013-11",
        [
            {
                **{"id": "W1", "op": "V", "on": "2013-11-11", "desk": "037006-02", "reporter": "fania", "type": "02"},
                "demands": [{"person": "bice", "code": "03.01", "outcomes": ["4"]}],
            },
            {"id": "U2", "op": "C"},
        ],
    )
    # The only contacts of their month and district: nothing is left there but what was counted. Gaia was never met.
    region.iass(IMOLA, "2014-03", [{"id": "B1", "op": "C"}, {"id": "G1", "op": "C"}])
    # The first of a district: nothing was there that could have changed.
    region.iass("10102", "2014-03", [{"id": "N1", "on": "2014-03-05", "demands": [{"person": "carla"}]}])
    region.identity({"dora-adi": 17, "elsa": 16})
    for token in ("anna", "anna-adi"):
        region.found_by(token, "alias")
    again = [
        ("dora-r", "open", "037032"),
        ("rita-r", "change", "037006"),
        ("tina-r", "change", "037032", "T", "2013-10-15"),
        ("ulla-r", "change", "037032", "D", "2013-10-20"),
    ]
    region.snapshot("2013-12-31", "2013-11-30", again, supersedes=region.segment_to("2013-12-31"))
    services = Services(region)
    # A sender's days begin earlier, and those of another, whose second file is new, later: so do the known months.
    services.deliver("SISAM", "10502", "2013-Q3", [])
    services.deliver("ADI2", "080101", "2013-12", [])
    services.deliver("FAR2", "080105", "2013-Q4", [{"id": "FAR-P", "full_days": 20}])
    services.deliver("FAR2", "080105", "2014-Q2", [{"id": "FAR-L", "op": "V"}])
