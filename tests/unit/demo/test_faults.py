"""The declared faults speak the language of the contracts and of the seeds."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl

from orchestration.demo import calibration, contacts, faults, nomenclature, rates, service_faults
from orchestration.intake import reference
from orchestration.intake.contract import load_contract

SEEDS = Path(__file__).parents[3] / "dbt_project" / "seeds"


def test_every_expected_rule_is_in_a_contract_with_the_expected_grade() -> None:
    rules = {rule.code: rule for flow in ("IASS", "NAAR", "NOML") for rule in load_contract(flow).rules}
    for fault in faults.RECORD_FAULTS:
        for code in fault.rules:
            assert rules[code].grade == ("ANOMALIA" if fault.fate == "kept" else "SCARTO"), fault
            assert rules[code].table == fault.place, fault
    for code in (faults.INSERT_LIVE_RULE, faults.CHANGE_MISSING_RULE, faults.BAD_NOMENCLATURE_RULE):
        assert rules[code].grade == "SCARTO"
    assert all(rules[code].grade == "ANOMALIA" for code in faults.IDENTITY_RULES["IASS"].values())
    assert rules[f"IASS-{faults.WRONG_PERIOD_RULE}"].grade == "FILE"


def test_every_fault_of_a_service_raises_rules_of_its_flow_and_of_its_fate() -> None:
    for flow, several in service_faults.SERVICE_FAULTS.items():
        rules = {rule.code: rule for rule in load_contract(flow).rules}
        for fault in several:
            grades = {rules[code].grade for _, code in fault.rules}
            assert ("SCARTO" in grades) == (fault.fate != "kept"), fault.name
        of_records = (service_faults.SECOND_RULES.get(flow), service_faults.TOLD_LATE_RULES.get(flow))
        for code in (*of_records, *faults.IDENTITY_RULES.get(flow, {}).values()):
            assert code is None or rules[code].grade == "ANOMALIA"
        assert len({fault.name for fault in several}) == len(several)


def test_events_can_arrive_before_what_they_belong_to() -> None:
    for admissions, events in (("FAR1", "FAR2"), ("ADI1", "ADI2")):
        windows = service_faults.WINDOWS
        assert windows[events].first[0] < windows[admissions].first[1]
        assert windows[admissions].first[1] < windows[admissions].late[0]


def test_services_of_kinds_and_ages_are_whole() -> None:
    for service in rates.SERVICES:
        assert abs(sum(share for _, _, share in service.ages) - 1) < 1e-9, service.code
        assert abs(sum(share for share, _, _ in rates.KINDS[service.code].values()) - 1) < 1e-9, service.code


def test_targets_come_out_of_the_map_that_the_reports_use() -> None:
    with (SEEDS / "target_group_map.csv").open(encoding="utf-8") as file:
        report_target = {
            (row["life_cycle_code"], row["condition_code"].removeprefix("00")): row["report_target_code"]
            for row in csv.DictReader(file)
        }
    cycles = {"FAM": "123", "ANZ": "4", "POV": "23", "IMM": "23", "DIS": "123"}
    for target, options in contacts.CONDITIONS.items():
        for condition, _ in options:
            for cycle in cycles[target]:
                assert report_target[(cycle, condition)] == target
    assert report_target[("1", "")] == "FAM"  # an adult of the family target who is written down as a child stays in it


def test_local_codes_point_to_the_published_regional_nomenclature() -> None:
    published = pl.read_csv(reference.REFERENCE_DIR / "regional_nomenclature_v1.csv", infer_schema=False)
    assert set(nomenclature.REGIONAL_CODES) == set(published["regional_code"])
    assert nomenclature.UNKNOWN_REGIONAL not in published["regional_code"]


def test_the_person_table_fits_all_published_margins_at_once() -> None:
    table = calibration.person_table()
    for share, wanted in zip(table.sum(axis=(1, 2, 3)), calibration.TARGETS.values(), strict=True):
        assert abs(share - wanted / 100) < 1e-4
    assert abs(table[:, 1].sum() - calibration.FOREIGN_SHARE) < 1e-4
    assert abs(table[:, 1, :9].sum() / table[:, 1].sum() - calibration.FOREIGN_UNDER_60) < 1e-4
    assert abs(table[..., 1].sum() / table[..., 0].sum() - calibration.WOMEN_PER_MAN) < 1e-3
