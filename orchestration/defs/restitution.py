"""What is given back: the reports and the open data of a period, made when somebody asks for that period.

Not part of the run that takes in what is pending: a report of a closed year is made again on purpose, and a publication
is a decision. So these assets are in no automatic run; each has a job that is partitioned by period. They stand on the
tables that their queries read, so that the graph shows which report a model feeds. They call what `iass report build`
and `iass publish` call.
"""

# Dagster reads the annotations of `context` and `config` itself, so annotations are not postponed here.
import re
from pathlib import Path

import dagster as dg
from pydantic import Field

from orchestration.defs import partitions
from orchestration.defs.assets import patience
from orchestration.reports import definition, source
from orchestration.reports.period import Period

GROUP = "restitution"
PUBLICATION = dg.AssetKey(["published", "release"])

_TABLE = re.compile(r"\b(core|quality|mart_\w+)\.(\w+)\b")
_DISCLOSURE = Path(__file__).parents[1] / "disclosure"


class Territories(dg.Config):
    """Of whom the reports are made: codes or names, all of them when empty."""

    territories: list[str] = Field(default_factory=list)


def reports() -> list[dg.AssetsDefinition]:
    return [_report(definition.load(code)) for code in definition.codes()]


def read_by(*texts: str) -> list[dg.AssetKey]:
    """The tables for analysts that SQL names."""
    return [dg.AssetKey(list(found)) for found in sorted({each for text in texts for each in _TABLE.findall(text)})]


def _report(report: definition.Report) -> dg.AssetsDefinition:
    @dg.asset(
        key=["report", report.code],
        deps=read_by(*source.QUERIES, *(table.sql for table in report.tables), *report.data.values()),
        group_name=GROUP,
        kinds={"html", "pdf", "excel"},
        partitions_def=partitions.years_and_half_years(),
        required_resource_keys={"settings", "progress"},
        description=f"{report.title}: page, print, workbook and CSV for the region, each AUSL and each district.",
    )
    def made(context: dg.AssetExecutionContext, config: Territories) -> dg.MaterializeResult:
        from orchestration.reports import build

        settings, progress = context.resources.settings, context.resources.progress
        progress.step(report.title)
        with patience(context):
            found = build.build(settings, [report.code], Period.parse(context.partition_key), config.territories)
        return dg.MaterializeResult(
            metadata={
                "reports": len(found),
                "files": sum(each.files for each in found),
                "folder": dg.MetadataValue.path(str(found[0].page.parent.parent)),
            }
        )

    return made


@dg.asset(
    key=PUBLICATION,
    deps=read_by(*(path.read_text() for path in sorted(_DISCLOSURE.glob("*")) if path.suffix in (".py", ".yaml"))),
    group_name=GROUP,
    kinds={"csv", "parquet", "postgres"},
    partitions_def=partitions.years_and_half_years(),
    required_resource_keys={"settings", "progress"},
    description="Open data of a period under disclosure control, with metadata and a manifest: all that may leave.",
)
def publication(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    from orchestration.disclosure.publish import publish

    context.resources.progress.step("Open data")
    with patience(context):
        found = publish(context.resources.settings, context.partition_key)
    return dg.MaterializeResult(
        metadata={
            "tables": found.n_tables,
            "files": found.n_files,
            "cells": found.n_cells,
            "suppressed": found.n_primary + found.n_complementary,
            "folder": dg.MetadataValue.path(str(found.folder)),
        }
    )
