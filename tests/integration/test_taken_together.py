"""Small files of several senders are taken in together: nothing of what is written may tell that from one by one."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from deliveries import iass, put, put_csv, row, rows

from orchestration.demo.generate import generate
from orchestration.intake import gate
from orchestration.intake.contract import flow_codes, load_contract
from orchestration.settings import Settings

#: Some districts, and all health authorities of which one takes in what others send of the same persons.
SENDERS = ("10502", "10503", "10101", "10102", "080105", "080101", "080102")
#: Codes that are right, of nobody.
PERSONS = ("RSSMRA50A01A944C", "BNCGLI03E50A944L", "VRDLSN03E50A944T", "RSSMRA85T10A562S", "VRDLSN35L52Z999Q")
NAME = "(select file_name || coalesce(sha256, '') from landing.delivery as d where d.delivery_id = t.delivery_id)"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two months of some senders, with all planted faults; a file that breaks off and one whose number has a gap."""
    generate(tmp_path / "region", scale=0.005, start_month=date(2013, 1, 1), months=2, seed=5)
    found = [path for path in (tmp_path / "region" / "landing").rglob("*_*") if path.parent.name in SENDERS]
    torn = iass("<Contatto>", sender="10104", period="2013-01")
    return [
        *(path for path in found if not path.name.startswith("NAAR")),
        put(tmp_path, "IASS_10104_2013-01_001.xml", torn[: len(torn) // 2]),
        put(tmp_path, "IASS_10201_2013-01_003.xml", iass(sender="10201", period="2013-01", progressive=3)),
    ]


def test_files_taken_together_leave_what_they_leave_one_by_one(
    new_settings: Any, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IASS_PSEUDONYM_KEY", "0" * 64)
    together, alone = new_settings(), new_settings()
    lines = [_line(result) for result in gate.intake(together, files)]
    monkeypatch.setattr(gate, "FILES_TOGETHER", 1)
    assert sorted(lines) == sorted(_line(result) for result in gate.intake(alone, files))
    assert {line[2] for line in lines} >= {"accepted", "refused"}
    one, other = _written(together), _written(alone)
    for table, written in one.items():
        assert written == other[table], f"{table} differs"
    assert sum(1 for written in one.values() if written) >= 12, "hardly anything was written"
    ids = rows(together, "select delivery_id from landing.delivery order by processed_at, delivery_id")
    assert ids == sorted(ids), "deliveries are not in the order of their numbers"


def test_a_file_that_shares_a_person_with_one_before_it_comes_after_the_others(
    new_settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contracts overlap over all senders: one by one, a file knows what those before it have told, and withdrawn."""

    def contracts(sender: str, progressive: int, *keys: tuple[str, str]) -> Path:
        """A file of some keys, each with its person; without one the key is cancelled."""
        told = [
            row("SMAC", id_contratto=key, identificativo=person, id_locale=f"{sender}-{person}")
            if person
            else {"operazione": "C", "id_contratto": key}
            for key, person in keys
        ]
        return put_csv(tmp_path, "SMAC", "2013-H1", *told, progressive=progressive, sender=sender)

    one, two, three, four, five = PERSONS
    files = [
        contracts("10501", 1, ("a", one)),
        contracts("10502", 1, ("b", two), ("b2", three)),
        contracts("10503", 1, ("c", four)),
        contracts("10504", 1, ("d", three)),  # overlaps b2
        contracts("10501", 2, ("a3", two)),  # overlaps b, which is withdrawn afterwards
        contracts("10502", 2, ("b", "")),
        contracts("10503", 2, ("c3", two)),  # overlaps a3, not b
        contracts("10504", 2, ("d3", five)),
    ]
    monkeypatch.setenv("IASS_PSEUDONYM_KEY", "0" * 64)
    together, alone = new_settings(), new_settings()
    gate.intake(together, files)
    monkeypatch.setattr(gate, "FILES_TOGETHER", 1)
    gate.intake(alone, files)
    overlaps = "select file_name, record_key from landing.finding inner join landing.delivery using (delivery_id)"
    overlaps += " where rule_code = 'SMAC-560' order by 1, 2"
    assert rows(together, overlaps) == [
        ("SMAC_10501_2013-H1_002.csv", "a3"),
        ("SMAC_10503_2013-H1_002.csv", "c3"),
        ("SMAC_10504_2013-H1_001.csv", "d"),
    ]
    assert _written(together) == _written(alone)
    transactions = "select string_agg(sender_code, ' ' order by delivery_id) from landing.delivery"
    transactions += " group by xmin::text, progressive order by progressive, 1"
    assert [line[0] for line in rows(together, transactions)] == [
        *("10501 10502 10503", "10504"),
        *("10501 10504", "10502", "10503"),
    ]


def _line(result: Any) -> tuple[Any, ...]:
    counts = (result.records_sent, result.records_accepted, result.records_discarded, result.records_flagged)
    return (result.file_name, result.sender_code or "", result.outcome, *counts)


def _written(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Every row that the gate has written, with the file in the place of the delivery's number."""
    queries = {
        "finding": f"select {NAME}, record_number, record_key, table_name, item, field, rule_code"
        " from landing.finding as t",
        "live_key": f"select {NAME}, sender_code, record_key, is_live, is_pending, record_number"
        " from landing.live_key as t",
        "pending_record": f"select {NAME}, record_number, sender_code, record_key, awaited_key, state, expires_on"
        " from landing.pending_record as t",
        "person": "select person_ref, sender_code, flow_code, identifier, base_identifier, family_name, local_id"
        " from vault.presented_person",
    }
    for flow in flow_codes():
        for table in load_contract(flow).tables:
            if flow != "NAAR":
                columns = [f.name for f in table.fields if f.is_in_raw and f.name != "delivery_id"]
                queries[table.physical_name] = (
                    f"select {NAME}, {', '.join(columns)} from raw.{table.physical_name} as t"
                )
    return {name: sorted(rows(settings, query), key=repr) for name, query in queries.items()}
