"""What the assets tell Dagster: periods that deliveries touched, dbt results by node, another try when it may help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from orchestration import definitions
from orchestration.defs import assets, resources
from orchestration.errors import IassError
from orchestration.intake import gate
from orchestration.intake.delivery import DeliveryResult
from orchestration.settings import Settings
from orchestration.warehouse import connection, dbt
from orchestration.warehouse.dbt import NodeResult


def _result(flow: str, sender: str, period: str, outcome: str = "accepted", accepted: int = 10) -> DeliveryResult:
    return DeliveryResult(
        delivery_id=1,
        file_name=f"{flow}_{sender}_{period}_001",
        flow_code=flow,
        sender_code=sender,
        period_code=period,
        outcome=outcome,
        records_sent=accepted,
        records_accepted=accepted,
        records_discarded=0,
        records_flagged=0,
        seconds=0.1,
        receipt_dir=Path("/nowhere"),
    )


def _run_gate(
    monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance, intake: Callable[..., object]
) -> dg.ExecuteInProcessResult:
    monkeypatch.setattr(gate, "pending", lambda settings: [Path("a file")])
    monkeypatch.setattr(gate, "intake", intake)
    return dg.materialize(
        [assets.landing_files, assets.gate_tables, *assets.raw_tables()],
        instance=instance,
        resources=resources.resources(Settings(home=Path("/nowhere"))),
        raise_on_error=False,
    )


def test_each_touched_period_of_a_raw_table_is_materialised(monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = [
        _result("NOML", "10502", "2013-01-01"),
        _result("NAAR", "080", "2013-03-31"),
        _result("IASS", "10502", "2013-03"),
        _result("IASS", "10407", "2013-03"),
        _result("IASS", "10407", "2013-04", outcome="refused"),
        _result("IASS", "10502", "2013-02", outcome="repeated"),
    ]
    with dg.DagsterInstance.ephemeral() as instance:
        run = _run_gate(monkeypatch, instance, lambda *_, on_delivery, **__: [on_delivery(each) for each in arrived])
        assert run.success
        for key, periods in {
            "iass__contact": {"2013-03"},
            "iass__demand": {"2013-03"},
            "naar__person": {"2013-03-31"},
            "noml__item": {"2013-01-01"},
        }.items():
            assert instance.get_materialized_partitions(dg.AssetKey(["raw", key])) == periods, key
        event = instance.get_latest_materialization_event(dg.AssetKey(["raw", "iass__contact"]))
        assert event and event.asset_materialization
        assert event.asset_materialization.metadata["records_accepted"].value == 20
        assert instance.get_dynamic_partitions("naar_day") == ["2013-03-31"]


def test_a_lost_database_is_tried_again_and_a_clear_error_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "FIRST_PAUSE_SECONDS", 0)
    tries: list[str] = []

    def lost_once(*_: object, **__: object) -> list[DeliveryResult]:
        tries.append("lost")
        if len(tries) == 1:
            raise IassError("The database does not answer.") from psycopg.OperationalError("gone")
        return []

    def wrong(*_: object, **__: object) -> list[DeliveryResult]:
        tries.append("wrong")
        raise IassError("The archive is full.")

    with dg.DagsterInstance.ephemeral() as instance:
        assert _run_gate(monkeypatch, instance, lost_once).success
        assert not _run_gate(monkeypatch, instance, wrong).success
    assert tries == ["lost", "lost", "wrong"]


def test_dbt_results_are_told_node_by_node() -> None:
    nodes = {
        "model.iass.fct_contact": {
            "resource_type": "model",
            "schema": "core",
            "name": "fct_contact",
            "fqn": ["iass", "core"],
        },
        "test.iass.unique_x": {"resource_type": "test", "schema": "x", "name": "unique_x"},
        "test.iass.recent_x": {"resource_type": "test", "schema": "x", "name": "recent_x"},
    }
    core = dg.AssetKey(["core", "fct_contact"])
    checks = {name: dg.AssetCheckKey(core, name) for name in ("unique_x", "recent_x")}
    results = [
        NodeResult("fct_contact", "model", "success", 0.1234, 7),
        NodeResult("unique_x", "test", "fail", 0.1, None),
        NodeResult("recent_x", "test", "warn", 0.1, None),
        NodeResult("elsewhere", "test", "pass", 0.1, None),
        NodeResult("fct_contact", "model", "skipped", 0, None),
    ]
    built, failed, warned = assets.node_results(results, nodes, checks)
    assert isinstance(built, dg.MaterializeResult) and built.asset_key == core
    assert dict(built.metadata or {}) == {"seconds": 0.12, "rows": 7}
    assert isinstance(failed, dg.AssetCheckResult) and isinstance(warned, dg.AssetCheckResult)
    assert (failed.passed, failed.severity.value, warned.passed, warned.severity.value) == (
        False,
        "ERROR",
        False,
        "WARN",
    )


def test_an_error_of_the_database_is_stored_without_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise psycopg.errors.CheckViolation("Failing row contains (VERDI, ALESSANDRA)")

    with dg.DagsterInstance.ephemeral() as instance:
        run = _run_gate(monkeypatch, instance, refused)
        assert not run.success
        told = "".join(str(record.event_log_entry) for record in instance.get_records_for_run(run.run_id).records)
    assert "SQLSTATE" in told
    assert "VERDI" not in told, "a name reached Dagster's event log"


def test_one_model_is_materialised_alone(built_copy: Settings) -> None:
    """What an operator clicks first: the model alone, with its own tests, and the next build takes in what it would
    have taken in anyway."""
    marks = "select count(*), max(to_delivery_id) from landing.build"
    with connection.connect(built_copy, "transformer") as conn:
        before = conn.execute(marks).fetchone()  # type: ignore[arg-type]
    target = dg.AssetKey(["core", "dim_desk"])
    with dg.DagsterInstance.ephemeral() as instance:
        job = definitions.build(built_copy).resolve_implicit_global_asset_job_def()
        run = job.execute_in_process(instance=instance, asset_selection=[target], raise_on_error=False)
        assert run.success, [event.message for event in run.all_events if event.is_failure]
        assert {event.asset_key for event in run.get_asset_materialization_events()} == {target}
        assert all(check.passed for check in run.get_asset_check_evaluations())
    with connection.connect(built_copy, "transformer") as conn:
        assert conn.execute(marks).fetchone() == before  # type: ignore[arg-type]


def test_a_model_is_not_built_alone_before_the_whole(settings: Settings) -> None:
    with pytest.raises(IassError, match="run `iass build` first"):
        dbt.build_some(settings, ["dim_desk"])
