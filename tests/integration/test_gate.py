"""The way of a delivery through the gate: what is loaded, what is refused, what the sender is answered."""

from __future__ import annotations

import csv
import json

import pytest
from deliveries import SENDER, contact, iass, put, put_iass, put_noml, rows, state

from orchestration.intake import gate, ledger, nomenclature, receipt
from orchestration.warehouse import connection


@pytest.fixture
def inbox(settings, tmp_path):
    """A folder outside the home, with the sender's nomenclature already taken in."""
    folder = tmp_path / "inbox"
    gate.intake(settings, [put_noml(tmp_path / "noml")])
    return folder


def _outcomes(results):
    return [(r.outcome, r.records_sent, r.records_accepted, r.records_discarded) for r in results]


def _codes(settings, delivery_id):
    return sorted(
        {r[0] for r in rows(settings, "select rule_code from landing.finding where delivery_id = %s", delivery_id)}
    )


def test_a_good_delivery_is_loaded_whole(settings, inbox):
    [result] = gate.intake(settings, [put_iass(inbox, contact("a"), contact("b"))])
    assert _outcomes([result]) == [("accepted", 2, 2, 0)]
    assert rows(settings, "select contact_id, contact_on::text, desk_code from raw.iass__contact order by 1") == [
        ("a", "2013-03-04", "037006-01"),
        ("b", "2013-03-04", "037006-01"),
    ]
    assert rows(settings, "select distinct local_item_code, regional_code, birth_year from raw.iass__demand") == [
        ("A", "03.04", 1935)
    ]
    # one token for each identity as presented: the interested person and the reporter, each twice
    [(persons, demand, reporter)] = rows(
        settings,
        "select (select count(*) from vault.presented_person), (select count(distinct person_ref) from"
        " raw.iass__demand), (select count(distinct reporter_ref) from raw.iass__contact)",
    )
    assert (persons, demand, reporter) == (2, 1, 1)


def test_operations_follow_each_other_over_deliveries(settings, inbox):
    gate.intake(settings, [put_iass(inbox, contact("a"), contact("b"))])
    second = [contact("a", "V"), contact("b", "C"), contact("c", "V"), contact("a", "I")]
    [result] = gate.intake(settings, [put_iass(inbox, *second, progressive=2)])
    assert _outcomes([result]) == [("accepted", 4, 2, 2)]
    assert rows(settings, "select record_number, rule_code from landing.finding where grade = 'SCARTO' order by 1") == [
        (3, "IASS-104"),
        (4, "IASS-107"),
    ]
    assert rows(settings, "select record_key, is_live, record_number from landing.live_key order by 1") == [
        ("a", True, 1),
        ("b", False, 2),
    ]
    [third] = gate.intake(settings, [put_iass(inbox, contact("b", "I"), progressive=3)])
    assert third.records_accepted == 1


def test_a_cancellation_needs_and_keeps_its_key_only(settings, inbox):
    gate.intake(settings, [put_iass(inbox, contact("a"))])
    bare = '<Contatto operazione="C"><IdContatto>a</IdContatto></Contatto>'
    [result] = gate.intake(settings, [put_iass(inbox, bare, progressive=2)])
    assert result.records_accepted == 1
    [full] = gate.intake(settings, [put_iass(inbox, contact("a"), contact("a", "C"), progressive=3)])
    assert full.records_accepted == 2
    assert rows(settings, "select distinct contact_on, reporter_ref from raw.iass__contact where operation = 'C'") == [
        (None, None)
    ]


def test_one_discard_refuses_the_record_and_its_other_findings_are_told_too(settings, inbox):
    bad = contact("a", "V", item="unmapped").replace("<Modalita>1", "<Modalita>8")
    [result] = gate.intake(settings, [put_iass(inbox, bad, contact("b"))])
    assert _outcomes([result]) == [("accepted", 2, 1, 1)]
    assert {"IASS-104", "IASS-131", "IASS-212"} <= set(_codes(settings, result.delivery_id))
    assert rows(settings, "select contact_id from raw.iass__contact") == [("b",)]


def test_the_same_bytes_again_change_nothing(settings, inbox):
    path = put_iass(inbox, contact("a"))
    [first] = gate.intake(settings, [path])
    before = state(settings)
    [second] = gate.intake(settings, [path])
    assert (second.outcome, second.delivery_id, second.receipt_dir) == (
        "repeated",
        first.delivery_id,
        first.receipt_dir,
    )
    assert state(settings) == before
    assert rows(settings, "select count(*) from landing.delivery_repeat") == [(1,)]
    assert json.loads((second.receipt_dir / "receipt.json").read_text())["is_repeat"] is True


def test_progressives_have_no_gap_and_no_second_content(settings, inbox):
    late = put_iass(inbox, contact("b"), progressive=2)
    [gap] = gate.intake(settings, [late])
    assert (gap.outcome, _codes(settings, gap.delivery_id)) == ("refused", ["IASS-014"])
    gate.intake(settings, [put_iass(inbox, contact("a"))])
    [now] = gate.intake(settings, [late])
    assert now.outcome == "accepted"
    [reused] = gate.intake(settings, [put_iass(inbox, contact("z"))])
    assert (reused.outcome, _codes(settings, reused.delivery_id)) == ("refused", ["IASS-013"])
    assert reused.receipt_dir.name == f"IASS_{SENDER}_2013-03_001_2"


def test_a_refusal_sent_again_is_a_repeat_only_while_its_reason_holds(settings, inbox):
    late = put_iass(inbox, contact("b"), progressive=2)
    [first] = gate.intake(settings, [late])
    [second] = gate.intake(settings, [late])
    assert (second.outcome, second.delivery_id) == ("repeated", first.delivery_id)
    gate.intake(settings, [put_iass(inbox, contact("a"))])
    assert gate.intake(settings, [late])[0].outcome == "accepted"


def test_a_file_broken_in_a_later_batch_leaves_nothing(settings, inbox, monkeypatch):
    from orchestration.intake import read_xml

    monkeypatch.setattr(read_xml, "BYTES_PER_BATCH", 1500)
    before = state(settings)
    content = iass(*(contact(f"k{i}") for i in range(7)))[:-30]
    [result] = gate.intake(settings, [put(inbox, f"IASS_{SENDER}_2013-03_001.xml", content)])
    assert result.outcome == "refused"
    after = state(settings)
    for table in ("contact", "demand", "outcome", "live_key", "person"):
        assert after[table] == before[table]
    assert _codes(settings, result.delivery_id) == ["IASS-016"]


def test_keys_are_followed_over_the_batches_of_a_file(settings, inbox, monkeypatch):
    from orchestration.intake import read_xml

    monkeypatch.setattr(read_xml, "BYTES_PER_BATCH", 1500)
    records = [contact("a"), contact("b"), contact("a"), contact("b", "C"), contact("b"), contact("a", "V")]
    [result] = gate.intake(settings, [put_iass(inbox, *records)])
    assert rows(settings, "select record_number, rule_code from landing.finding where grade = 'SCARTO' order by 1") == [
        (3, "IASS-107")
    ]
    assert result.records_accepted == 5
    assert rows(settings, "select record_key, is_live, record_number from landing.live_key order by 1") == [
        ("a", True, 6),
        ("b", True, 5),
    ]


def test_landing_files_go_in_order_and_leave_when_they_are_answered(settings):
    landing = settings.landing_dir / SENDER
    put_iass(landing, contact("b", "V"), progressive=2)
    put_iass(landing, contact("b"))
    put_noml(landing)
    put(landing, "IASS_10502_2013-03_003.xml.part", "half")
    assert [p.name[:4] for p in gate.pending(settings)] == ["NOML", "IASS", "IASS"]
    seen = []
    results = gate.intake(settings, gate.pending(settings), on_delivery=seen.append)
    assert [r.outcome for r in results] == ["accepted"] * 3
    assert seen == results
    assert gate.pending(settings) == []
    assert [p.name for p in landing.iterdir()] == ["IASS_10502_2013-03_003.xml.part"]


def test_a_receipt_that_a_dead_gate_owes_is_written_by_the_next(settings, inbox):
    import shutil

    [result] = gate.intake(settings, [put_iass(inbox, contact("a"))])
    shutil.rmtree(result.receipt_dir)
    gate.intake(settings, [])
    assert (result.receipt_dir / "receipt.json").exists()


def test_receipts_say_what_happened_and_cells_are_no_formulas(settings, inbox):
    records = [contact("-key", item="unmapped"), contact("ok")]
    [result] = gate.intake(settings, [put_iass(inbox, *records)])
    content = json.loads((result.receipt_dir / "receipt.json").read_text())
    assert content["counts"] == {"sent": 2, "accepted": 1, "discarded": 1, "flagged": content["counts"]["flagged"]}
    assert {r["rule_code"] for r in content["rules"]} == set(_codes(settings, result.delivery_id))
    with (result.receipt_dir / "findings.csv").open(newline="") as file:
        lines = list(csv.DictReader(file, delimiter=";"))
    assert {line["record_key"] for line in lines} >= {"'-key"}
    assert all(line["sentence"] for line in lines)
    page = (result.receipt_dir / "receipt.html").read_text()
    assert "Accettato" in page and "IASS-212" in page and "http" not in page
    assert receipt.read(settings, str(result.delivery_id))["outcome"] == "accepted"
    assert receipt.read(settings, result.file_name)["delivery"]["delivery_id"] == result.delivery_id


def test_the_ledger_can_be_asked(settings, inbox):
    gate.intake(settings, [put_iass(inbox, contact("a")), put_iass(inbox, contact("b"), progressive=3)])
    with connection.connect(settings, "loader") as conn:
        assert len(ledger.deliveries(conn)) == 3
        assert [d["progressive"] for d in ledger.deliveries(conn, flow="IASS", outcome="refused")] == [3]
        assert ledger.deliveries(conn, sender="10501") == []
        assert len(ledger.deliveries(conn, period="2013-03")) == 2


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_local_nomenclature_is_the_same_in_whatever_order_it_came(settings, tmp_path, order):
    files = [
        put_noml(tmp_path, "A;x;03.04;2013-01-01;;", "B;x;01.01;2013-01-01;2013-12-31;", day="2013-01-01"),
        put_noml(tmp_path, "A;x;03.01;2013-01-01;;", day="2013-06-01"),
        put_noml(tmp_path, "C;x;02.01;2014-01-01;;", day="2014-01-01"),
    ]
    for index in order:
        assert gate.intake(settings, [files[index]])[0].outcome == "accepted"
    found = rows(
        settings,
        "select local_item_code, regional_code, valid_from::text, valid_to::text from landing.local_nomenclature"
        " order by 1, 3",
    )
    assert found == [
        ("A", "03.04", "2013-01-01", "2013-05-31"),
        ("A", "03.01", "2013-06-01", "2013-12-31"),
        ("B", "01.01", "2013-01-01", "2013-05-31"),
        ("C", "02.01", "2014-01-01", None),
    ]


def test_a_later_progressive_replaces_the_nomenclature_of_its_day(settings, tmp_path):
    gate.intake(settings, [put_noml(tmp_path, "A;x;03.04;2013-01-01;;")])
    gate.intake(settings, [put_noml(tmp_path, "B;x;03.04;2013-01-01;;", progressive=2)])
    assert rows(settings, "select local_item_code from landing.local_nomenclature") == [("B",)]


def test_a_new_regional_version_tells_what_it_breaks(settings, inbox, tmp_path):
    gate.intake(settings, [put_iass(inbox, contact("a", item="unmapped"))])
    with connection.connect(settings, "loader", autocommit=True) as conn:
        text = nomenclature.export(conn)
        version = put(tmp_path, "v2.csv", "\n".join(x for x in text.splitlines() if not x.startswith("03.04")) + "\n")
        assert nomenclature.publish(conn, version) == 2
        problems = {(p["problem"], p["local_item_code"], p["n_findings"]) for p in nomenclature.check(conn, SENDER)}
        assert problems == {("broken", "A", None), ("unmapped", None, 1)}
        assert [v["nomenclature_version"] for v in nomenclature.list_versions(conn)] == [1, 2]
        assert nomenclature.export(conn, 1) == text
        assert nomenclature.check(conn, "10501") == []


def test_statistics_know_of_what_was_written(settings, inbox):
    gate.intake(settings, [put_iass(inbox, *(contact(f"k{number}") for number in range(60)))])
    assert rows(settings, "select reltuples::int from pg_class where oid = 'raw.iass__contact'::regclass") == [(60,)]
