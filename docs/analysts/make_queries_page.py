"""Writes docs/analysts/queries.md: each query of queries/, as it is, with the first rows that the role analyst gets.

Run it on a home with the built demo region: IASS_HOME=… python docs/analysts/make_queries_page.py
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from orchestration.settings import Settings
from orchestration.warehouse import connection

HERE = Path(__file__).resolve().parent
#: A year of months, or all age bands, in full.
SHOWN = 12
NUMBER = int | Decimal | float

INTRODUCTION = """# Twenty worked queries

Made by `docs/analysts/make_queries_page.py`; the files are in [queries/](queries). Results are those
of the **synthetic** demo region ({region}), so read their shape and not their size. The rules of
counting are in [README.md](README.md#the-rules-of-counting).

| query | question |
|---|---|
{contents}
"""


def header(sql: str) -> dict[str, str]:
    """`Question` and `Caveat` of the comment at the top."""
    lines = [line.removeprefix("-- ") for line in sql.splitlines() if line.startswith("-- ")]
    said = dict(line.split(": ", 1) for line in lines[:2])
    return {name: text[0].upper() + text[1:] for name, text in said.items()}


def without_header(sql: str) -> str:
    """The query, whose header stands above it on the page."""
    return "\n".join(line for line in sql.splitlines() if not line.startswith("-- "))


def written(values: Sequence[Any]) -> list[str]:
    """A column's cells: thousands are set apart in all of its numbers or in none."""
    shown = [f"{value:.2f}" if isinstance(value, float) else value for value in values]
    numbers = [value for value in values if isinstance(value, NUMBER)]
    is_large = any(abs(number) >= 10_000 for number in numbers)
    return [
        ""
        if value is None
        else f"{value:,}"
        if is_large and isinstance(value, int | Decimal)
        else str(value).replace("|", "\\|")
        for value in shown
    ]


def table(conn: psycopg.Connection[Any], sql: str) -> str:
    cursor = conn.execute(sql)
    names = [column.name for column in cursor.description or ()]
    rows = cursor.fetchall()
    columns = list(zip(*rows[:SHOWN], strict=True))
    rules = ["---:" if any(isinstance(value, NUMBER) for value in column) else "---" for column in columns]
    lines = [f"| {' | '.join(names)} |", f"|{'|'.join(rules)}|"]
    lines += [f"| {' | '.join(cells)} |" for cells in zip(*map(written, columns), strict=True)]
    if len(rows) > SHOWN:
        lines.append(f"\n{SHOWN} of {len(rows):,} rows.")
    return "\n".join(lines)


def region(conn: psycopg.Connection[Any]) -> str:
    """What the region of this home is, in half a line."""
    contacts, first, last = conn.execute(
        "select sum(n_contacts), min(contact_on), max(contact_on) from core.fct_contact"
    ).fetchone() or (0, None, None)
    return f"{contacts:,} contacts from {first} to {last}"


def main() -> None:
    contents, sections = [], []
    with connection.connect(Settings.load(), "analyst", autocommit=True) as conn:
        for path in sorted((HERE / "queries").glob("*.sql")):
            sql = path.read_text(encoding="utf-8")
            said = header(sql)
            contents.append(f"| [{path.stem}](queries/{path.name}) | {said['Question']} |")
            sections.append(
                f"\n## {path.stem}\n\n**{said['Question']}**\n\n{said['Caveat']}\n\n"
                f"```sql\n{without_header(sql)}\n```\n\n{table(conn, sql)}\n"
            )
        page = INTRODUCTION.format(region=region(conn), contents="\n".join(contents)) + "".join(sections)
    (HERE / "queries.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
