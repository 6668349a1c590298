"""SMAC and SISAM through the gate: operations on their keys, what looks back to earlier deliveries, persons."""

from __future__ import annotations

from decimal import Decimal

import pytest
from deliveries import MARKED_CODE, MARKED_NAME, SENDER, put, put_csv, row, rows

from orchestration.intake import gate

#: flow, period, key column, raw table
FLOWS = [
    ("SMAC", "2013-H1", "id_contratto", "raw.smac__contract"),
    ("SISAM", "2013-Q1", "id_caso", "raw.sisam__case"),
]


def _take(settings, *paths):
    return [
        (r.outcome, r.records_sent, r.records_accepted, r.records_discarded) for r in gate.intake(settings, list(paths))
    ]


def _findings(settings, grade="SCARTO"):
    return rows(
        settings,
        "select d.file_name, f.record_number, f.rule_code from landing.finding as f join landing.delivery as d"
        " using (delivery_id) where f.grade = %s order by d.delivery_id, 2, 3",
        grade,
    )


@pytest.mark.parametrize(("flow", "period", "key", "table"), FLOWS)
def test_operations_follow_each_other_over_deliveries(settings, tmp_path, flow, period, key, table):
    first = put_csv(tmp_path, flow, period, row(flow, **{key: "a"}), row(flow, **{key: "b"}))
    changes = [
        row(flow, "V", **{key: "a"}),
        {"operazione": "C", key: "b"},
        row(flow, "V", **{key: "none"}),
        row(flow, "I", **{key: "a"}),
    ]
    second = put_csv(tmp_path, flow, period, *changes, progressive=2)
    third = put_csv(tmp_path, flow, period, row(flow, **{key: "b"}), progressive=3)
    assert _take(settings, first, second, third) == [
        ("accepted", 2, 2, 0),
        ("accepted", 4, 2, 2),
        ("accepted", 1, 1, 0),
    ]
    assert _findings(settings) == [(second.name, 3, f"{flow}-104"), (second.name, 4, f"{flow}-107")]
    column = "contract_id" if flow == "SMAC" else "case_id"
    assert rows(
        settings,
        f"select d.progressive, t.{column}, t.operation, k.is_live from {table} as t join landing.delivery as d"
        " using (delivery_id) left join landing.live_key as k using (delivery_id, record_number) order by 1, 2",
    ) == [(1, "a", "I", None), (1, "b", "I", None), (2, "a", "V", True), (2, "b", "C", None), (3, "b", "I", True)]
    # the bare cancellation kept its key and nothing else
    assert rows(settings, f"select distinct person_ref, sex_code from {table} where operation = 'C'") == [(None, None)]
    # one identity as presented, in the vault and nowhere else
    assert rows(settings, "select flow_code, identifier, family_name from vault.presented_person") == [
        (flow, MARKED_CODE, MARKED_NAME)
    ]


def test_a_contract_has_a_row_in_each_half_year(settings, tmp_path):
    again = row("SMAC", data_fine="2013-12-31", giorni_erogati="184", importo_erogato="3128.00")
    unknown = {**again, "operazione": "V", "motivo_fine": "1"}
    files = [
        put_csv(tmp_path, "SMAC", "2013-H1", row("SMAC", data_fine="")),
        put_csv(tmp_path, "SMAC", "2013-H2", {**unknown, "id_contratto": "x"}, {**again, "motivo_fine": "1"}),
        put_csv(tmp_path, "SMAC", "2013-H1", {"operazione": "C", "id_contratto": "AC-2013-00042"}, progressive=2),
    ]
    assert _take(settings, *files) == [("accepted", 1, 1, 0), ("accepted", 1, 1, 0), ("accepted", 2, 1, 1)]
    assert rows(settings, "select record_key, is_live from landing.live_key order by 1") == [
        ("2013-H1/AC-2013-00042", False),
        ("2013-H2/AC-2013-00042", True),
    ]
    # the sender's own key is what she is told, and amounts are exact
    assert rows(settings, "select record_key, rule_code from landing.finding where grade = 'SCARTO'") == [
        ("x", "SMAC-104")
    ]
    assert rows(
        settings, "select period_start_on::text, daily_amount_eur, paid_days, paid_amount_eur from raw.smac__contract"
        " where operation = 'I' order by 1",
    ) == [
        ("2013-01-01", Decimal("17.00"), 150, Decimal("2550.00")),
        ("2013-07-01", Decimal("17.00"), 184, Decimal("3128.00")),
    ]  # fmt: skip


def test_contracts_of_one_person_overlap_over_files_and_senders(settings, tmp_path):
    code = {"identificativo": "VRDLSN35L52A944A", "cognome": "VERDI"}
    short = {"data_fine": "2013-03-31", "motivo_fine": "5", "giorni_erogati": "59", "importo_erogato": "1003.00"}
    files = [
        put_csv(tmp_path, "SMAC", "2013-H1", row("SMAC", id_contratto="one", **code)),
        put_csv(tmp_path, "SMAC", "2013-H1", row("SMAC", id_contratto="two", **code), sender="10503"),
        # ended in the newer delivery, so what follows does not overlap it
        put_csv(tmp_path, "SMAC", "2013-H1", row("SMAC", "V", id_contratto="one", **code, **short), progressive=2),
        put_csv(
            tmp_path,
            "SMAC",
            "2013-H1",
            {"operazione": "C", "id_contratto": "two"},
            row("SMAC", id_contratto="three", **code, data_inizio="2013-04-01", giorni_erogati="91",
                importo_erogato="1547.00"),
            sender="10503",
            progressive=2,
        ),
        put_csv(
            tmp_path,
            "SMAC",
            "2013-H2",
            row("SMAC", id_contratto="one", **code, data_inizio="2013-02-02", data_fine=""),
        ),
    ]  # fmt: skip
    assert {outcome for outcome, *_ in (_take(settings, file)[0] for file in files)} == {"accepted"}
    flagged = [(name, rule) for name, _, rule in _findings(settings, "ANOMALIA") if rule >= "SMAC-560"]
    assert flagged == [
        (files[1].name, "SMAC-560"),
        (files[2].name, "SMAC-560"),
        (files[4].name, "SMAC-560"),
        (files[4].name, "SMAC-561"),
        (files[4].name, "SMAC-562"),
    ]


def test_a_case_goes_on_over_quarters_and_stays_one_persons(settings, tmp_path):
    open_case = {"data_chiusura": "", "motivo_chiusura": ""}
    other = row("SISAM", "V", data_chiusura="2013-05-02", identificativo="VRDLSN03E50A944T", cognome="VERDI")
    files = [
        put_csv(tmp_path, "SISAM", "2013-Q1", row("SISAM", identificativo="BNCGLI03E50A944L", **open_case)),
        put_csv(
            tmp_path, "SISAM", "2013-Q2", other, row("SISAM", id_caso="n", identificativo="VRDLSN03E50A944T",
            data_segnalazione="2013-05-02", data_presa_in_carico="2013-05-02", **open_case),
        ),
    ]  # fmt: skip
    assert _take(settings, *files) == [("accepted", 1, 1, 0), ("accepted", 2, 2, 0)]
    assert rows(settings, "select record_key, is_live from landing.live_key order by 1") == [
        ("MIN-2013-0007", True),
        ("n", True),
    ]
    assert [(n, r) for _, n, r in _findings(settings, "ANOMALIA") if r in ("SISAM-508", "SISAM-509")] == [
        (1, "SISAM-509")
    ]


def test_two_senders_may_use_the_same_id_for_a_case(settings, tmp_path):
    """Taken in together, the cases of one do not hide those of the other: both have two that overlap."""
    cases = [
        row("SISAM", id_caso=case, identificativo="BNCGLI03E50A944L", data_chiusura="", motivo_chiusura="")
        for case in ("a", "b")
    ]
    files = [put_csv(tmp_path, "SISAM", "2013-Q1", *cases, sender=sender) for sender in (SENDER, "10503")]
    assert _take(settings, *files) == [("accepted", 2, 2, 0)] * 2
    assert [(name, n) for name, n, code in _findings(settings, "ANOMALIA") if code == "SISAM-508"] == [
        (file.name, n) for file in files for n in (1, 2)
    ]


@pytest.mark.parametrize(("flow", "period", "key", "table"), FLOWS)
def test_shifted_quotes_refuse_the_file_and_formula_cells_do_no_harm(settings, tmp_path, flow, period, key, table):
    good = put_csv(tmp_path, flow, period, row(flow, cognome='"=cmd|; ""x"""', **{key: "-1"}))
    shifted = good.read_text().replace('"=cmd|', '=cmd|"')
    torn = put(tmp_path, good.name.replace("_001", "_002"), shifted)
    refused, accepted = sorted(gate.intake(settings, [good, torn]), key=lambda r: r.outcome, reverse=True)
    assert (accepted.outcome, refused.outcome) == ("accepted", "refused")
    assert rows(settings, "select family_name from vault.presented_person") == [('=cmd|; "x"',)]
    assert {r for _, _, r in _findings(settings, "FILE")} == {f"{flow}-028"}
    for result in (accepted, refused):
        for file in result.receipt_dir.iterdir():
            text = file.read_text()
            assert "cmd" not in text and MARKED_CODE not in text
    assert f";'-1;{table.partition('__')[2]};" in (accepted.receipt_dir / "findings.csv").read_text()
