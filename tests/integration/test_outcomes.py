"""What becomes of a delivery and where its receipt lies: nothing loaded is not accepted, a receipt takes no other's
place, a changed contract reaches an existing home."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest
from deliveries import NOML_HEADER, SENDER, contact, iass, put, put_iass, put_noml, rows

from orchestration.intake import gate, ledger
from orchestration.intake.contract import load_contract
from orchestration.warehouse import connection


@pytest.fixture
def inbox(settings, tmp_path):
    gate.intake(settings, [put_noml(tmp_path / "noml")])
    return tmp_path / "inbox"


def take(settings, path):
    (result,) = gate.intake(settings, [path])
    return result


def test_a_delivery_of_which_nothing_was_loaded_is_not_accepted_and_leaves_its_place_open(settings, inbox):
    bad = put_iass(inbox, contact("a", item="?"), contact("b", item="?"))
    first = take(settings, bad)
    assert (first.outcome, first.records_sent, first.records_accepted) == ("nothing_loaded", 2, 0)
    page = (first.receipt_dir / "receipt.html").read_text()
    assert "Nessun record caricato" in page and 'class="stamp refused"' in page and "lo stesso progressivo" in page
    assert json.loads((first.receipt_dir / "receipt.json").read_text())["outcome"] == "nothing_loaded"
    again = take(settings, bad)
    assert (again.outcome, again.repeated_outcome, again.delivery_id) == (
        "repeated",
        "nothing_loaded",
        first.delivery_id,
    )
    assert again.is_turned_away
    partly = take(settings, put_iass(inbox / "2", contact("a"), contact("b", item="?")))
    assert (partly.outcome, partly.records_accepted) == ("accepted", 1)
    page = (partly.receipt_dir / "receipt.html").read_text()
    assert "Accettato con scarti" in page and 'class="stamp partial"' in page
    assert partly.receipt_dir != first.receipt_dir
    whole = take(settings, put_iass(inbox, contact("c"), progressive=2))
    assert 'class="stamp accepted"' in (whole.receipt_dir / "receipt.html").read_text()
    assert take(settings, put_iass(inbox / "3", contact("z"))).outcome == "refused", "its number is used"


def test_the_next_number_follows_too_and_closes_the_place(settings, inbox):
    bad = put_iass(inbox, contact("a", item="?"))
    assert take(settings, bad).outcome == "nothing_loaded"
    assert take(settings, put_iass(inbox, contact("a"), progressive=2)).outcome == "accepted"
    assert take(settings, bad).outcome == "repeated"
    assert take(settings, put_iass(inbox / "2", contact("b"))).outcome == "refused", "operations would change order"


def test_the_same_bytes_are_judged_again_when_their_nomenclature_has_come(settings, tmp_path):
    path = put_iass(tmp_path, contact("a"))
    assert take(settings, path).outcome == "nothing_loaded"
    take(settings, put_noml(tmp_path))
    assert take(settings, path).outcome == "accepted"


def test_a_nomenclature_of_which_nothing_was_loaded_takes_the_place_of_none(settings, inbox):
    path = put(inbox, f"NOML_{SENDER}_2013-02-01_001.csv", NOML_HEADER + "A;Pasti;99.99;2013-01-01;;\n")
    assert take(settings, path).outcome == "nothing_loaded"
    assert take(settings, put_iass(inbox, contact("a"))).outcome == "accepted"


def test_a_packed_file_does_not_take_the_place_of_the_receipt_of_the_plain_one(settings, inbox):
    plain = take(settings, put_iass(inbox, contact("a")))
    packed = put(inbox, f"IASS_{SENDER}_2013-03_001.xml.gz", gzip.compress(iass(contact("b")).encode()))
    refused = take(settings, packed)
    odd = take(settings, put(inbox / SENDER, f"IASS_{SENDER}_2013-03_001_2", "x"))
    assert (plain.outcome, refused.outcome, odd.outcome) == ("accepted", "refused", "refused")
    assert plain.receipt_dir.name == f"IASS_{SENDER}_2013-03_001"
    assert refused.receipt_dir.name == f"IASS_{SENDER}_2013-03_001_2"
    assert len({plain.receipt_dir, refused.receipt_dir, odd.receipt_dir}) == 3
    for result in (plain, refused, odd):
        told = json.loads((result.receipt_dir / "receipt.json").read_text())
        assert told["delivery"]["delivery_id"] == result.delivery_id


def test_a_changed_rule_reaches_an_existing_home(settings, inbox):
    contract = load_contract("IASS")
    changed = replace(contract, rules=(replace(contract.rules[0], sentence_it="Altro."), *contract.rules[1:]))
    told = "select sentence_it from landing.rule where rule_code = %s"
    with connection.connect(settings, "loader", autocommit=True) as conn:
        ledger.publish_rules(conn, changed)
        assert conn.execute(told, [contract.rules[0].code]).fetchone() == ("Altro.",)
    gate.intake(settings, [])
    assert rows(settings, told, contract.rules[0].code) == [(contract.rules[0].sentence_it,)]
