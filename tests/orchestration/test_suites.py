"""Suites and balances see planted violations, name senders and periods, and never a person."""

from __future__ import annotations

from datetime import date

import pytest

from orchestration.defs import checks
from orchestration.settings import Settings
from orchestration.warehouse import connection, reconciliation, suites

TODAY = date(2013, 5, 20)
SUITES = {suite.name: suite for suite in suites.load_suites()}


def _deliver(
    settings: Settings, sender: str, month: int, *, flow: str = "IASS", accepted: int = 0, discarded: int = 0
) -> int:
    with connection.connect(settings, "loader") as conn:
        row = conn.execute(
            "insert into landing.delivery (file_name, flow_code, sender_code, period_code, period_start_on,"
            " progressive, sha256, size_bytes, received_at, outcome, records_sent, records_accepted, records_discarded)"
            " values ('x', %(flow)s, %(sender)s, %(period)s, %(start)s, 1, 'x', 1, now(), 'accepted',"
            " %(accepted)s + %(discarded)s, %(accepted)s, %(discarded)s) returning delivery_id",
            {
                "flow": flow,
                "sender": sender,
                "period": f"{2013 + (month - 1) // 12}-{(month - 1) % 12 + 1:02}",
                "start": date(2013 + (month - 1) // 12, (month - 1) % 12 + 1, 1),
                "accepted": accepted,
                "discarded": discarded,
            },
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_suites_are_well_formed() -> None:
    assert set(SUITES) == {"silent_senders", "freshness", "volumes", "registry_size", "distributions"}
    for suite in SUITES.values():
        assert suite.description and suite.expectations and suite.offending
        assert "vault." not in suite.query, f"{suite.name} reads what holds names"
        columns = {"person_ref", "person_key", "reporter_ref", "contact_id", "record_key"}
        assert not [column for column in columns if column in suite.query], f"{suite.name} has rows about persons"


def test_a_silent_sender_is_shown_as_missing(settings: Settings) -> None:
    for month in (1, 2, 3, 4):
        _deliver(settings, "10502", month)
        if month not in (2, 3):
            _deliver(settings, "10407", month)
    found = suites.run(settings, SUITES["silent_senders"], TODAY)
    assert not found.is_successful
    assert found.broken == ("some senders are silent",)
    missing = [(row["sender_code"], row["period_code"]) for row in found.offenders]
    assert missing == [("10407", "2013-02"), ("10407", "2013-03")]


def test_a_month_is_not_missing_before_its_window_closes(settings: Settings) -> None:
    _deliver(settings, "10502", 3)
    _deliver(settings, "10407", 4)
    assert suites.run(settings, SUITES["silent_senders"], date(2013, 5, 15)).is_successful, "April is due by 15 May"
    assert not suites.run(settings, SUITES["silent_senders"], date(2013, 5, 16)).is_successful


def test_a_sender_that_is_no_more_and_a_region_that_is_silent_are_not_told_month_by_month(settings: Settings) -> None:
    """Ravenna's AUSL ended with 2013: its silence since is none; and nobody is silent alone after the last month that
    anybody delivered, which the suite of freshness tells."""
    for sender, months in {"080110": (10, 11, 12), "080105": (10, 11, 12, 13, 14, 15), "080106": (10, 12, 15)}.items():
        for month in months:
            _deliver(settings, sender, month, flow="ADI1")
    found = suites.run(settings, SUITES["silent_senders"], date(2020, 1, 1))
    assert [(row["sender_code"], row["period_code"]) for row in found.offenders] == [
        ("080106", "2013-11"), ("080106", "2014-01"), ("080106", "2014-02")
    ]  # fmt: skip
    assert found.senders == ("080106",)
    assert checks.suite_result(found).description == "some senders are silent: 3 periods of 1 senders (080106)"


def test_senders_that_never_delivered_are_not_silent(settings: Settings) -> None:
    found = suites.run(settings, SUITES["silent_senders"], TODAY)
    assert found.is_successful and found.rows == 0


@pytest.mark.parametrize(("newest", "behind"), [(4, 0), (2, 2)])
def test_a_flow_behind_the_calendar_is_seen(settings: Settings, newest: int, behind: int) -> None:
    _deliver(settings, "080", newest, flow="NAAR")
    found = suites.run(settings, SUITES["freshness"], TODAY)
    assert found.is_successful == (behind == 0)
    assert [row["months_behind"] for row in found.offenders] == [behind] * (behind > 0)


@pytest.mark.parametrize("flow", ["IASS", "NAAR", "ADI2"])
def test_a_period_sent_in_part_or_twice_is_unusual(settings: Settings, flow: str) -> None:
    for sender, newest in (("10502", 30), ("10407", 260), ("10601", 110)):
        # the first period opens with who was there before
        for month, n_records in enumerate((700, 100, 104, 96, newest), start=1):
            _deliver(settings, sender, month, flow=flow, accepted=n_records)
    for month, n_records in enumerate((3, 3, 5, 2, 40), start=1):
        _deliver(settings, "11401", month, flow=flow, accepted=n_records)
    found = suites.run(settings, SUITES["volumes"], TODAY)
    seen = {(row["flow_code"], row["sender_code"], row["period_start"], row["ratio"]) for row in found.offenders}
    assert seen == {(flow, "10502", "2013-05-01", 0.3), (flow, "10407", "2013-05-01", 2.6)}
    assert found.broken == ("some senders sent far fewer or far more records than they use to",)


def test_a_registry_that_swings_is_seen(settings: Settings) -> None:
    for month, n_records in enumerate((10_000, 10_020, 9_690, 9_700, 10_400), start=1):
        _deliver(settings, "080", month, flow="NAAR", accepted=n_records)
    found = suites.run(settings, SUITES["registry_size"], TODAY)
    assert [(row["period_start"], row["ratio"]) for row in found.offenders] == [
        ("2013-03-01", 0.967),
        ("2013-05-01", 1.072),
    ]


def test_a_sender_that_gives_everything_one_code_is_seen(settings: Settings) -> None:
    before, now = (_deliver(settings, "10502", month, flow="SMAC", accepted=200) for month in (1, 7))
    with connection.connect(settings, "loader") as conn:
        for delivery, start, levels in ((before, "2013-01-01", ("A", "B")), (now, "2013-07-01", ("A", "A"))):
            conn.execute(
                "insert into raw.smac__contract (delivery_id, record_number, operation, sender_code, period_start_on,"
                " contract_id, care_level_code, care_area_code)"
                " select %(d)s, n, 'I', '10502', %(start)s, %(d)s || '.' || n, (%(levels)s::text[])[1 + n %% 2], '1'"
                " from generate_series(1, 200) as n",
                {"d": delivery, "start": start, "levels": list(levels)},
            )
            conn.execute(
                "insert into landing.live_key (flow_code, sender_code, record_key, is_live, delivery_id, record_number)"
                " select 'SMAC', '10502', %(d)s || '.' || n, true, %(d)s, n from generate_series(1, 200) as n",
                {"d": delivery},
            )
    found = suites.run(settings, SUITES["distributions"], TODAY)
    seen = [(row["list_name"], row["code"], row["before_pct"], row["now_pct"]) for row in found.offenders]
    assert seen == [("care_level", "A", 50.0, 100.0), ("care_level", "B", 50.0, 0.0)]
    assert found.broken == ("some senders use their codes otherwise than before",)


def test_ledger_and_raw_that_disagree_are_seen(settings: Settings) -> None:
    _deliver(settings, "10502", 1, accepted=1, discarded=2)
    with connection.connect(settings, "transformer") as conn:
        found = {balance.name: balance for balance in reconciliation.reconcile(conn)}
    assert found["sent"].holds
    assert not found["discarded"].holds and found["discarded"].broken == 1, "two discards without a finding"
    assert not found["accepted_iass"].holds and found["accepted_iass"].broken == 1, "a contact that raw does not hold"


@pytest.mark.parametrize("flow", ["SMAC", "SISAM"])
def test_each_flow_has_its_balances(settings: Settings, flow: str) -> None:
    delivery = _deliver(settings, "10502", 1, flow=flow, accepted=2)
    key, table = ("contract_id", "smac__contract") if flow == "SMAC" else ("case_id", "sisam__case")
    with connection.connect(settings, "loader") as conn:
        for number, name in ((1, "a"), (2, "b")):
            conn.execute(
                f"insert into raw.{table} (delivery_id, record_number, operation, sender_code, period_start_on, {key})"
                " values (%s, %s, 'I', '10502', '2013-01-01', %s)",
                [delivery, number, name],
            )
        conn.execute(
            "insert into landing.live_key (flow_code, sender_code, record_key, is_live, delivery_id, record_number)"
            " values (%(f)s, '10502', 'a', true, %(d)s, 1), (%(f)s, '10502', 'gone', true, %(d)s, 3)",
            {"f": flow, "d": delivery},
        )
    with connection.connect(settings, "transformer") as conn:
        found = {balance.name: balance for balance in reconciliation.reconcile(conn)}
    accepted, live = found[f"accepted_{flow.lower()}"], found[f"live_{flow.lower()}"]
    assert accepted.holds and accepted.left == 2
    assert not live.holds and live.broken == 1, "a live key without its version in raw"


def test_check_results_are_ready_to_show() -> None:
    from orchestration.defs import checks

    found = suites.SuiteResult(
        "silent_senders",
        False,
        ("some senders are silent",),
        8,
        1,
        ({"sender_code": "10407", "period_code": "2013-02"},),
        ("10407",),
    )
    shown = checks.suite_result(found)
    assert not shown.passed and shown.severity.value == "WARN"
    assert shown.description == "some senders are silent: 1 periods of 1 senders (10407)"
    broken = checks.balance_result([reconciliation.Balance("contacts", "Live contacts are rows", 10, 9, 1)])
    assert not broken.passed and broken.severity.value == "ERROR"
    assert "10 against 9" in str(broken.metadata["contacts"].value)
