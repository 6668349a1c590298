"""Small deliveries of FAR and ADI for the tests of the gate, made from the published examples. No real person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from deliveries import put, rows

from orchestration.intake.contract import load_contract
from orchestration.settings import Settings

SENDER = "080105"
#: Identifier and names of the published examples: they must never leave the vault.
MARKS = ("VRDLSN35L52A944A", "VERDI", "ALESSANDRA", "1935-07-12")
FAR_ID, ADI_ID = "0801050001232013-02-10VRDLSN35L52A944A", "0801052013-03-04VRDLSN35L52A944A"
PERIODS = {"FAR1": "2013-Q1", "FAR2": "2013-Q1", "ADI1": "2013-03", "ADI2": "2013-03"}


def example(flow: str, *changes: tuple[str, str]) -> str:
    """The published example of a flow with some texts replaced; each must be there."""
    text = load_contract(flow).example
    for old, new in changes:
        assert old in text, f"{old} is not in the example of {flow}"
        text = text.replace(old, new)
    return text


def put_file(folder: Path, flow: str, content: str, progressive: int = 1, period: str | None = None) -> Path:
    period = period or PERIODS[flow]
    content = content.replace('progressivo="001"', f'progressivo="{progressive:03d}"').replace(
        'periodo="2013-Q1"', f'periodo="{period}"'
    )
    return put(folder, f"{flow}_{SENDER}_{period}_{progressive:03d}.xml", content)


def joined(flow: str, *records: str) -> str:
    """One file of the records of several."""
    contract = load_contract(flow)
    record = contract.record
    head, tail = records[0].split(f"<{record}", 1)[0], f"</{contract.root}>"
    bodies = [text[text.index(f"<{record}") : text.rindex(f"</{record}>")] + f"</{record}>" for text in records]
    return head + "\n".join(bodies) + tail


def visible(settings: Settings, flow: str) -> dict[str, list[tuple[Any, ...]]]:
    """Rows that models read: of each raw table those of live keys that do not wait, without delivery numbers."""
    found = {}
    for table in load_contract(flow).tables:
        columns = [f.name for f in table.fields if f.is_in_raw and f.name != "delivery_id"]
        query = (
            f"select {', '.join(f'r.{c}::text' for c in columns)} from raw.{table.physical_name} as r"
            f" join landing.live_key as k on k.delivery_id = r.delivery_id and k.record_number = r.record_number"
            f" where k.flow_code = '{flow}' and k.is_live and not k.is_pending"
        )
        found[table.name] = sorted(rows(settings, query), key=repr)
    return found


def everything_but_the_vault(settings: Settings) -> str:
    """Every row of raw and landing as text."""
    tables = rows(
        settings,
        "select schemaname, tablename from pg_tables where schemaname in ('raw', 'landing') order by 1, 2",
    )
    texts: list[str] = []
    for schema, table in tables:
        try:
            texts += [row[0] for row in rows(settings, f"select t::text from {schema}.{table} as t")]
        except psycopg.errors.InsufficientPrivilege:
            continue  # what the gate may not read, it has not written
    return "\n".join(texts)
