"""Every rule of the catalogue is broken by its case, and a right file breaks none."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from rule_cases import CASES, context, put, right

from orchestration.intake.check import check, prepare
from orchestration.intake.contract import GATE, POLARS_SQL, flow_codes, load_contract, rules

MINIMUM = {"IASS": 45, "NAAR": 25, "NOML": 12, "SISAM": 25, "SMAC": 25, "FAR1": 40, "FAR2": 40, "ADI1": 45, "ADI2": 45}
RANGES = {"FILE": range(1, 100), "SCARTO": range(100, 500), "ANOMALIA": range(500, 900)}


def found(flow: str, frames: dict[str, pl.DataFrame], code: str | None = None) -> pl.DataFrame:
    contract, seen = load_contract(flow), context(flow, code)
    return check(contract, prepare(contract, frames, seen), seen)


@pytest.mark.parametrize("flow", flow_codes())
def test_a_right_file_has_no_findings(flow: str) -> None:
    assert found(flow, right(flow)).rows() == []


@pytest.mark.parametrize("code", sorted(CASES))
def test_the_case_of_a_rule_breaks_it(code: str) -> None:
    flow = code.split("-")[0]
    rule = load_contract(flow).rule(code)
    hits = found(flow, CASES[code](right(flow)), code).filter(pl.col("rule_code") == code)
    assert len(hits) >= 1
    assert hits["grade"].unique().to_list() == [rule.grade]
    assert hits["table_name"].unique().to_list() == [rule.table]


def test_every_rule_on_columns_has_a_case() -> None:
    assert {r.code for r in rules() if r.engine == POLARS_SQL} == set(CASES)


@pytest.mark.parametrize("flow", flow_codes())
def test_an_empty_file_can_be_prepared_and_checked(flow: str) -> None:
    empty = {name: frame.clear() for name, frame in right(flow).items()}
    assert found(flow, empty).rows() == []


@pytest.mark.parametrize("flow", flow_codes())
def test_the_catalogue_is_well_kept(flow: str) -> None:
    contract = load_contract(flow)
    codes = [r.code for r in contract.rules]
    assert len(codes) == len(set(codes))
    assert sum(not r.is_file_rule for r in contract.rules) >= MINIMUM[flow]
    for rule in contract.rules:
        assert re.fullmatch(rf"{flow}-\d{{3}}", rule.code)
        assert int(rule.code[-3:]) in RANGES[rule.grade]
        assert rule.engine in (POLARS_SQL, GATE)
        assert rule.sentence_it.endswith(".") and rule.sentence_en.endswith(".")
        assert not rule.is_file_rule or contract.file_rule(rule.expression) is rule
    for table in contract.tables:
        assert {f.code_list for f in table.fields} - {None, "citizenship"} <= set(contract.code_lists)


@pytest.mark.parametrize("code", ["FAR1-510", "ADI1-510", "SISAM-501"])
def test_what_a_sender_opens_with_is_not_late_and_a_variation_never_is(code: str) -> None:
    flow = code.split("-")[0]
    contract, seen = load_contract(flow), context(flow, code)
    late = CASES[code](right(flow))
    opening = replace(seen, new_senders=frozenset({seen.sender_code}))
    assert code not in set(check(contract, prepare(contract, late, opening), opening)["rule_code"])
    varied = put(contract.tables[0].name, operation="V")(late)
    assert code not in set(check(contract, prepare(contract, varied, seen), seen)["rule_code"])


def test_all_findings_of_a_record_are_told() -> None:
    frames = put("demand", sex_code="2", birth_date="x", citizenship_code=None)(right("IASS"))
    assert {"IASS-181", "IASS-182", "IASS-190"} <= set(found("IASS", frames)["rule_code"])


def test_a_finding_names_the_place_and_no_value() -> None:
    frames = put("outcome", 1, destination_service_code="MARE")(right("IASS"))
    assert found("IASS", frames).rows() == [(1, "outcome", "1.2", "destination_service_code", "IASS-236", "SCARTO")]


def test_a_cancellation_may_carry_its_key_alone() -> None:
    frames = right("IASS")
    bare = {c: None for c in frames["contact"].columns if c not in ("record_number", "contact_id", "operation")}
    frames = {**put("contact", operation="C", **bare)(frames), "demand": frames["demand"].clear()}
    frames["outcome"] = frames["outcome"].clear()
    assert found("IASS", frames).rows() == []
    assert found("IASS", put("contact", contact_id=None)(frames))["rule_code"].to_list() == ["IASS-105"]


def test_an_anonymous_person_needs_neither_identifier_nor_sex() -> None:
    nothing = {c: None for c in ("identifier", "local_id", "family_name", "given_name", "sex_code", "birth_date")}
    frames = right("IASS")
    for row in (0, 1):
        frames = put("demand", row, identifier_type_code="98", **nothing)(frames)
    assert found("IASS", frames).rows() == []


def test_codes_outside_the_region_are_said_so() -> None:
    frames = put("demand", residence_comune_code="999999")(right("IASS"))
    assert found("IASS", frames).rows() == []


def test_ages_between_bands_are_no_anomaly() -> None:
    frames = put("demand", life_cycle_code="3")(right("IASS"))
    assert "IASS-545" not in set(found("IASS", frames)["rule_code"])


def test_a_comune_counts_from_the_day_it_was_made() -> None:
    contract = load_contract("IASS")
    frames = put("demand", residence_comune_code="037004")(right("IASS"))  # Bazzano, suppressed with 2013
    assert found("IASS", frames).rows() == []
    later = replace(
        context("IASS"), period_start=date(2014, 3, 1), period_end=date(2014, 3, 31), today=date(2014, 4, 2)
    )
    frames = put("contact", contact_on="2014-03-04")(frames)
    codes = set(check(contract, prepare(contract, frames, later), later)["rule_code"])
    assert "IASS-196" in codes


def test_the_mapped_code_travels_with_the_demand() -> None:
    frames = prepare(load_contract("IASS"), right("IASS"), context("IASS"))
    assert frames["demand"]["regional_code"].to_list() == ["03.04", "03.04"]
    assert frames["demand"]["age_years"].to_list() == [77, 77]
    assert frames["demand"]["birth_year"].to_list() == [1935, 1935]
    assert frames["outcome"]["demand_number"].to_list() == [1, 1, 2]
