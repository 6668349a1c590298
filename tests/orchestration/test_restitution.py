"""Reports and open data as assets: made for the period that is asked for, by what the command line calls."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from orchestration.defs import partitions, resources, restitution
from orchestration.disclosure import publish
from orchestration.disclosure.publish import Published
from orchestration.reports import definition
from orchestration.settings import Settings

DISTRICT = "10502"


def test_reports_of_a_period_are_materialised(built_copy: Settings) -> None:
    made = {asset.key.path[-1]: asset for asset in restitution.reports()}
    assert sorted(made) == definition.codes()
    run = dg.materialize(
        [made["qualita"]],
        partition_key="2013-H1",
        resources=resources.resources(built_copy),
        run_config={"ops": {made["qualita"].op.name: {"config": {"territories": [DISTRICT]}}}},
    )
    (told,) = run.asset_materializations_for_node(made["qualita"].op.name)
    assert told.partition == "2013-H1"
    assert told.metadata["reports"].value == 1
    folder = Path(str(told.metadata["folder"].value))
    assert folder == built_copy.home / "reports" / "qualita" / "2013-H1"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == told.metadata["files"].value and any(path.suffix == ".pdf" for path in files), files


def test_open_data_are_published_for_the_period_of_the_partition(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[object] = []

    def recorded(settings: Settings, period: str) -> Published:
        asked.append(period)
        return Published(1, period, tmp_path, 3, 9, 100, 7, 5, 0.12, 0.01, 0.1)

    monkeypatch.setattr(publish, "publish", recorded)
    run = dg.materialize(
        [restitution.publication], partition_key="2013", resources=resources.resources(Settings(home=tmp_path))
    )
    assert asked == ["2013"]
    (told,) = run.asset_materializations_for_node("published__release")
    assert (told.metadata["tables"].value, told.metadata["suppressed"].value) == (3, 12)


def test_periods_of_reports_are_years_and_half_years_that_have_begun() -> None:
    keys = partitions.years_and_half_years().get_partition_keys()
    assert keys[:3] == ["2010", "2010-H1", "2010-H2"], keys[:3]
    assert keys == sorted(set(keys))


def test_what_stands_on_which_table_is_read_from_its_queries() -> None:
    keys = {key.to_user_string() for key in restitution.publication.dependency_keys}
    assert {"core/fct_contact", "core/fct_demand", "quality/dq_coverage"} <= keys, keys
    offer = next(asset for asset in restitution.reports() if asset.key.path[-1] == "offerta")
    keys = {key.to_user_string() for key in offer.dependency_keys}
    assert {"mart_offer/offer_monthly", "mart_pathway/waiting_curve", "mart_demand/contact_monthly"} <= keys, keys
