"""Events wait for their admission or taking in charge, whichever file comes first, and never for ever."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from deliveries import rows
from services_files import ADI_ID, FAR_ID, MARKS, SENDER, everything_but_the_vault, example, joined, put_file, visible

from orchestration.intake import gate
from orchestration.settings import Settings
from orchestration.warehouse import connection, reconciliation

PAIRS = {"FAR2": ("FAR1", FAR_ID), "ADI2": ("ADI1", ADI_ID)}


def _balances(settings: Settings) -> None:
    with connection.connect(settings, "transformer") as conn:
        assert [b for b in reconciliation.reconcile(conn) if not b.holds] == []


def _findings(settings: Settings, flow: str) -> list[str]:
    query = "select rule_code from landing.finding where rule_code like %s order by 1"
    return [code for (code,) in rows(settings, query, f"{flow}-%")]


def _counts(settings: Settings, flow: str) -> tuple[int, ...]:
    [found] = rows(
        settings,
        "select sum(records_sent)::int, sum(records_accepted)::int, sum(records_discarded)::int,"
        " sum(records_flagged)::int from landing.delivery where flow_code = %s",
        flow,
    )
    return found


def _two_records(flow: str) -> str:
    """A right record, and one of another key that its admission will contradict."""
    other = PAIRS[flow][1].replace("2013-", "2012-")
    wrong = {
        "FAR2": ("<TipoPrestazione>R3<", "<TipoPrestazione>R2<"),
        "ADI2": ('<PresaInCarico data="2013-03-04"', '<PresaInCarico data="2013-03-01"'),
    }[flow]
    first = {"ADI2": ('data="2013-03-05"', 'data="2013-03-02"')}.get(flow)
    changes = [(PAIRS[flow][1], other), wrong, *([first] if first else [])]
    return joined(flow, example(flow), example(flow, *changes))


def _two_awaited(flow: str) -> str:
    awaited, key = PAIRS[flow]
    # another person, so that no anomaly about a second stay depends on the order
    other = [(key, key.replace("2013-", "2012-"))]
    other.append((">VRDLSN35L52A944A</", ">RSSMRA50A01A944C</"))
    return joined(awaited, example(awaited), example(awaited, *other))


@pytest.mark.parametrize("flow", PAIRS)
def test_the_order_of_the_two_files_does_not_matter(
    new_settings: Callable[[], Settings], tmp_path: Path, flow: str
) -> None:
    awaited = PAIRS[flow][0]
    files = [
        put_file(tmp_path, awaited, _two_awaited(flow)),
        put_file(tmp_path, flow, _two_records(flow)),
    ]
    states = []
    for order in (files, files[::-1]):
        settings = new_settings()
        settings.secrets_dir.mkdir(parents=True, exist_ok=True)
        (settings.secrets_dir / "pseudonym_key").write_text("one key for both homes of this test, long enough")
        for file in order:
            gate.intake(settings, [file])
            _balances(settings)
        states.append((visible(settings, awaited), visible(settings, flow), _findings(settings, flow)))
        assert _counts(settings, flow)[:3] == (2, 1, 1)
    assert states[0] == states[1]
    assert all(rows for rows in states[0][1].values()), "a part is missing, so its order was not compared"


@pytest.mark.parametrize("flow", PAIRS)
def test_a_record_waits_by_name_then_is_discarded(settings: Settings, tmp_path: Path, flow: str) -> None:
    [result] = gate.intake(settings, [put_file(tmp_path, flow, example(flow))])
    assert (result.records_accepted, result.records_discarded, result.records_flagged) == (1, 0, 1)
    assert _findings(settings, flow) == [f"{flow}-590"]
    assert rows(settings, "select state, record_number from landing.pending_record") == [("waiting", 1)]
    assert not any(visible(settings, flow).values())
    receipt = json.loads((result.receipt_dir / "receipt.json").read_text())
    assert receipt["waiting"]["records"] == 1
    assert "1 record in attesa" in (result.receipt_dir / "receipt.html").read_text()
    [(until,)] = rows(settings, "select expires_on from landing.pending_record")
    gate.intake(settings, [], today=until)
    assert _findings(settings, flow) == [f"{flow}-590"], "the last day of waiting is not over"

    gate.intake(settings, [], today=until + timedelta(1))
    assert _findings(settings, flow) == [f"{flow}-199"]
    assert _counts(settings, flow) == (1, 0, 1, 0)
    receipt = json.loads((result.receipt_dir / "receipt.json").read_text())
    assert receipt["counts"] == {"sent": 1, "accepted": 0, "discarded": 1, "flagged": 0}
    assert receipt["waiting"]["records"] == 0
    assert f"{flow}-199" in (result.receipt_dir / "findings.csv").read_text()
    _balances(settings)
    again = put_file(tmp_path, flow, example(flow), 2)
    assert gate.intake(settings, [again])[0].records_discarded == 0, "the key is free again"


def test_waiting_ends_with_the_correction_window_unless_the_file_itself_is_late() -> None:
    from orchestration.intake.contract import load_contract
    from orchestration.intake.pending import last_day

    far, end = load_contract("FAR2"), date(2013, 3, 31)
    assert last_day(far, end, date(2013, 4, 20)) == date(2013, 5, 15)
    assert last_day(far, end, date(2013, 5, 14)) == date(2013, 5, 29)


@pytest.mark.parametrize("flow", PAIRS)
def test_a_cancelled_admission_makes_its_events_wait(settings: Settings, tmp_path: Path, flow: str) -> None:
    awaited = PAIRS[flow][0]
    gate.intake(settings, [put_file(tmp_path, awaited, example(awaited)), put_file(tmp_path, flow, example(flow))])
    assert all(visible(settings, flow).values()) and _findings(settings, flow) == []
    tipo = ('tipo="I"', 'tipo="{}"') if awaited == "ADI1" else ('operazione="I"', 'operazione="{}"')
    gate.intake(settings, [put_file(tmp_path, awaited, example(awaited, (tipo[0], tipo[1].format("C"))), 2)])
    assert not any(visible(settings, flow).values())
    assert _findings(settings, flow) == [f"{flow}-590"]
    _balances(settings)
    gate.intake(settings, [put_file(tmp_path, awaited, example(awaited), 3)])
    assert all(visible(settings, flow).values()) and _findings(settings, flow) == []
    assert [s for (s,) in rows(settings, "select state from landing.pending_record")] == ["released"]
    _balances(settings)


def test_a_new_version_takes_the_place_of_one_that_waits(settings: Settings, tmp_path: Path) -> None:
    gate.intake(settings, [put_file(tmp_path, "FAR2", example("FAR2"))])
    gate.intake(settings, [put_file(tmp_path, "FAR2", example("FAR2", ('operazione="I"', 'operazione="V"')), 2)])
    found = rows(settings, "select state from landing.pending_record order by delivery_id")
    assert found == [("superseded",), ("waiting",)]
    gate.intake(settings, [put_file(tmp_path, "FAR2", example("FAR2", ('operazione="I"', 'operazione="C"')), 3)])
    found = rows(settings, "select state from landing.pending_record order by delivery_id")
    assert found == [("superseded",), ("superseded",)]
    _balances(settings)


def test_no_identifier_leaves_the_vault(settings: Settings, tmp_path: Path) -> None:
    """Not in raw, ledger and receipts, though the sender's own id ends with it."""
    files = [put_file(tmp_path / "in", flow, example(flow)) for flow in ("FAR1", "FAR2", "ADI1", "ADI2")]
    broken = put_file(tmp_path / "in", "FAR1", example("FAR1", ("<Genere>2", "<Genere>X")), 2)
    results = gate.intake(settings, [*files, broken])
    assert sorted(r.outcome for r in results) == ["accepted"] * 4 + ["nothing_loaded"]
    assert sum(r.records_discarded for r in results) == 1
    held = everything_but_the_vault(settings)
    written = "".join(f.read_text() for f in settings.receipts_dir.rglob("*") if f.is_file())
    for mark in MARKS:
        assert mark not in held, f"{mark} is outside the vault"
        assert mark not in written, f"{mark} is in a receipt"
    assert "080105/000123/" in written, "the sender finds her record by provider codes and token"
    presented = rows(
        settings, "select flow_code, identifier, sex_code, birth_year from vault.presented_person order by 1"
    )
    assert presented == [("ADI1", MARKS[0], "F", 1935), ("FAR1", MARKS[0], "F", None)]


def test_the_same_key_is_another_record_in_another_period(settings: Settings, tmp_path: Path) -> None:
    gate.intake(settings, [put_file(tmp_path, "FAR1", example("FAR1")), put_file(tmp_path, "FAR2", example("FAR2"))])
    later = example("FAR2", ("2013-03-", "2013-05-"), ('dataInizio="2013-02-10"', 'dataInizio="2013-04-01"'))
    [result] = gate.intake(settings, [put_file(tmp_path, "FAR2", later, period="2013-Q2")])
    assert (result.outcome, result.records_accepted) == ("accepted", 1)
    assert _findings(settings, "FAR2") == ["FAR2-540"], "a discharge was already told for the first quarter"
    assert SENDER == "080105"
