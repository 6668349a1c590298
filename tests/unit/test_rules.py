"""Every rule of the catalogue is broken by its case, and a right file breaks none."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from rule_cases import CASES, context, put, right

from orchestration.intake import fiscal_code, keys
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


def test_the_birth_place_that_a_right_code_says_too_is_no_finding() -> None:
    """Nuxis was no comune in 1930, and the tax office gives its code all the same."""
    born = pl.Series([date(1930, 5, 12)])
    code = fiscal_code.encode(*(pl.Series([v]) for v in ("VERDI", "ALESSANDRA", "F")), born, pl.Series(["F991"])).item()
    frames = put("demand", birth_date="1930-05-12", birth_place_code="F991")(right("IASS"))
    assert "IASS-544" in set(found("IASS", frames)["rule_code"])
    codes = set(found("IASS", put("demand", identifier=code)(frames))["rule_code"])
    assert not codes & {"IASS-543", "IASS-544", "IASS-524", "IASS-525"}


@pytest.mark.parametrize("place", ["Z118", "Z135", "Z105", "Z111", "Z157", "Z221"])
def test_countries_that_are_no_more_are_birth_places(place: str) -> None:
    frames = put("demand", birth_date="1960-05-12", birth_place_code=place, identifier=None)(right("IASS"))
    assert not set(found("IASS", frames)["rule_code"]) & {"IASS-543", "IASS-544"}


@pytest.mark.parametrize(
    ("code", "is_flagged"), [("999", False), ("100", False), ("998", True), ("888", True), ("224", True)]
)
def test_no_record_is_lost_for_a_citizenship_that_registry_offices_write(code: str, is_flagged: bool) -> None:
    for flow, table in (("IASS", "demand"), ("SMAC", "contract"), ("SISAM", "case"), ("NAAR", "person")):
        findings = found(flow, put(table, citizenship_code=code)(right(flow))).filter(
            pl.col("field") == "citizenship_code"
        )
        assert findings["rule_code"].to_list() == [f"{flow}-570"] * is_flagged
    for flow, table in (("FAR1", "admission"), ("ADI1", "taking_in_charge")):
        findings = found(flow, put(table, citizenship_code=code)(right(flow))).filter(
            pl.col("field") == "citizenship_code"
        )
        assert findings["grade"].to_list() == ["ANOMALIA"] * is_flagged


@pytest.mark.parametrize("key", ["RSSMRA50A01A944C", "pratica_rssmra50a01a9qqr", "STP1234567890123", "12345678903"])
def test_an_identifier_that_is_a_key_becomes_a_token(key: str) -> None:
    for flow, table, field in (
        ("IASS", "contact", "contact_id"),
        ("SMAC", "contract", "contract_id"),
        ("SISAM", "case", "case_id"),
    ):
        contract, seen = load_contract(flow), context(flow)
        prepared = prepare(contract, put(table, **{field: key})(right(flow)), seen)
        made = prepared[table][field][0]
        assert made != key and re.fullmatch("[0-9a-f]{24}", made)
        again = prepare(contract, put(table, **{field: key})(right(flow)), seen)[table][field][0]
        assert made == again
        shown = keys.ledger_keys(prepared[table], contract, "2013-H1")["shown_key"]
        assert key not in shown.to_list()


@pytest.mark.parametrize("key", ["BO-2013-0001234", "12345678904", "A" * 16, "2013/000123456789"])
def test_a_key_of_ones_own_stays_as_it_is(key: str) -> None:
    prepared = prepare(load_contract("IASS"), put("contact", contact_id=key)(right("IASS")), context("IASS"))
    assert prepared["contact"]["contact_id"][0] == key
