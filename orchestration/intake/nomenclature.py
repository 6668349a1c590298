"""Nomenclatures: the versions of the regional one, and the local ones in their association to it.

The files of a version live in `expectations/reference`; `landing.local_nomenclature` is always derived from the
accepted NOML deliveries, so it is the same in whatever order they came. Mapping demand codes is a rule of IASS.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
from psycopg.rows import dict_row

from orchestration import clock
from orchestration.errors import IassError
from orchestration.intake.contract import EXPECTATIONS_DIR
from orchestration.intake.load import copy_binary

Connection = psycopg.Connection[Any]

COLUMNS = (
    "regional_code",
    "level1_code",
    "level1_label",
    "label",
    "valid_from",
    "valid_to",
    "istat_code",
    "cisis_code",
)
_FILE = re.compile(r"regional_nomenclature_v([0-9]+)\.csv")
_CODE = r"^[0-9]{2}\.[0-9]{2}$"

#: Rules by which a demand is refused because its local code has no association (at all, at its date).
UNMAPPED_RULES = ("IASS-212", "IASS-213")


def ensure_regional(conn: Connection) -> None:
    """Load every version that the project ships and the database does not have yet."""
    known = {row[0] for row in conn.execute("select nomenclature_version from landing.nomenclature_version").fetchall()}
    for path in sorted((EXPECTATIONS_DIR / "reference").iterdir()):
        found = _FILE.fullmatch(path.name)
        if found and int(found[1]) not in known:
            _insert_version(conn, int(found[1]), _read_version(path))


def publish(conn: Connection, version_csv: Path) -> int:
    """Add a version of the regional nomenclature from a file in the form that `export` writes; returns its number."""
    frame = _read_version(version_csv)
    row = conn.execute("select coalesce(max(nomenclature_version), 0) + 1 from landing.nomenclature_version").fetchone()
    version = int(row[0]) if row else 1
    _insert_version(conn, version, frame)
    return version


def listing(conn: Connection, sender: str | None = None) -> list[dict[str, Any]]:
    """The newest regional nomenclature, or the associations of one sender."""
    if sender is not None:
        return _rows(
            conn,
            "select local_item_code, local_label, regional_code, valid_from, valid_to from landing.local_nomenclature"
            " where sender_code = %s order by 1, 4",
            [sender],
        )
    return _rows(
        conn,
        "select nomenclature_version, regional_code, level1_label, label, valid_from, valid_to"
        " from landing.regional_nomenclature where nomenclature_version = %s order by regional_code",
        [current_version(conn)],
    )


def list_versions(conn: Connection) -> list[dict[str, Any]]:
    """Versions of the regional nomenclature with the number of their codes."""
    return _rows(
        conn,
        "select v.nomenclature_version, v.valid_from, v.published_at, count(r.regional_code)::int as n_codes"
        " from landing.nomenclature_version as v left join landing.regional_nomenclature as r"
        " using (nomenclature_version) group by 1, 2, 3 order by 1",
        [],
    )


def export(conn: Connection, version: int | None = None) -> str:
    """One version (the newest when none is named) as the text of the CSV that is published for senders."""
    number = current_version(conn) if version is None else version
    rows = conn.execute(
        f"select {', '.join(COLUMNS)} from landing.regional_nomenclature where nomenclature_version = %s order by 1",
        [number],
    ).fetchall()
    if not rows:
        raise IassError(f"The regional nomenclature has no version {number}: see `iass nomenclature list`.")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([["" if value is None else value for value in row] for row in rows])
    return text.getvalue()


def current_version(conn: Connection) -> int:
    """The newest version; its codes carry their own validity, so it answers for earlier days too."""
    row = conn.execute("select coalesce(max(nomenclature_version), 0) from landing.nomenclature_version").fetchone()
    return int(row[0]) if row else 0


def regional(conn: Connection) -> pl.DataFrame:
    """Codes of the newest version: regional_code, valid_from, valid_to."""
    rows = conn.execute(
        "select regional_code, valid_from, valid_to from landing.regional_nomenclature where nomenclature_version = %s",
        [current_version(conn)],
    ).fetchall()
    schema = {"regional_code": pl.String, "valid_from": pl.Date, "valid_to": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")


def local(conn: Connection, senders: list[str]) -> pl.DataFrame:
    """Associations of some senders: sender_code, local_item_code, regional_code, valid_from, valid_to."""
    rows = conn.execute(
        "select sender_code, local_item_code, regional_code, valid_from, valid_to from landing.local_nomenclature"
        " where sender_code = any(%s)",
        [senders],
    ).fetchall()
    days = {"valid_from": pl.Date, "valid_to": pl.Date}
    codes = {name: pl.String for name in ("sender_code", "local_item_code", "regional_code")}
    return pl.DataFrame(rows, schema={**codes, **days}, orient="row")


def rebuild_local(conn: Connection, senders: list[str]) -> None:
    """Make associations of some senders again from all their accepted NOML deliveries, in the order of their day.

    A delivery holds from its day until the day before the next one; of several for one day the last progressive counts.
    """
    conn.execute("delete from landing.local_nomenclature where sender_code = any(%s)", [senders])
    conn.execute(
        """
        insert into landing.local_nomenclature
            (sender_code, local_item_code, local_label, regional_code, valid_from, valid_to, delivery_id)
        with last_of_day as (
            select distinct on (sender_code, period_start_on) delivery_id, sender_code, period_start_on
            from landing.delivery
            where flow_code = 'NOML' and sender_code = any(%s) and outcome = 'accepted'
            order by sender_code, period_start_on, progressive desc
        ),
        reach as (
            select delivery_id, period_start_on as first_on,
                lead(period_start_on) over (partition by sender_code order by period_start_on) - 1 as last_on
            from last_of_day
        )
        select i.sender_code, i.local_item_code, i.local_label, i.regional_code,
            greatest(i.valid_from, r.first_on), least(i.valid_to, r.last_on), i.delivery_id
        from reach as r
        join raw.noml__item as i using (delivery_id)
        where greatest(i.valid_from, r.first_on) <= coalesce(least(i.valid_to, r.last_on), 'infinity')
        """,
        [senders],
    )


def check(conn: Connection, sender: str | None = None, today: date | None = None) -> list[dict[str, Any]]:
    """What is wrong with local nomenclatures, one line per sender, problem and code.

    problem: `unmapped` (demands refused for a code without association; a count by sender, the codes are in no table),
    `expired` (the last association of a code has ended), `ambiguous` (one local code, several regional codes on a day),
    `broken` (the newest regional version does not have the regional code or ends it earlier).
    """
    return _rows(
        conn,
        """
        with mapped as (
            select *, row_number() over () as line_number from landing.local_nomenclature
            where %(sender)s::text is null or sender_code = %(sender)s
        ),
        newest as (
            select * from landing.regional_nomenclature
            where nomenclature_version = (select max(nomenclature_version) from landing.nomenclature_version)
        ),
        last_day as (
            select sender_code, local_item_code, max(coalesce(valid_to, 'infinity')) as last_on
            from mapped
            group by 1, 2
        )
        select d.sender_code, 'unmapped' as problem, null as local_item_code, null as regional_code,
            count(*)::int as n_findings, null::date as ended_on
        from landing.finding as f
        join landing.delivery as d using (delivery_id)
        where f.rule_code = any(%(rules)s) and d.outcome in ('accepted', 'nothing_loaded')
            and (%(sender)s::text is null or d.sender_code = %(sender)s)
        group by 1
        union all
        select sender_code, 'expired', local_item_code, null, null, last_on
        from last_day
        where last_on < %(today)s
        union all
        select distinct a.sender_code, 'ambiguous', a.local_item_code,
            least(a.regional_code, b.regional_code) || ' ' || greatest(a.regional_code, b.regional_code),
            null::int, null::date
        from mapped as a
        join mapped as b on a.sender_code = b.sender_code and a.local_item_code = b.local_item_code
            and a.line_number < b.line_number
            and a.valid_from <= coalesce(b.valid_to, 'infinity') and b.valid_from <= coalesce(a.valid_to, 'infinity')
        union all
        select m.sender_code, 'broken', m.local_item_code, m.regional_code, null::int, n.valid_to
        from mapped as m
        left join newest as n using (regional_code)
        where coalesce(m.valid_to, 'infinity') >= %(today)s
            and (n.regional_code is null or coalesce(n.valid_to, 'infinity') < coalesce(m.valid_to, 'infinity'))
        order by 1, 2, 3
        """,
        {"sender": sender, "today": today or clock.today(), "rules": list(UNMAPPED_RULES)},
    )


def _read_version(path: Path) -> pl.DataFrame:
    try:
        frame = pl.read_csv(path, infer_schema=False)
        if tuple(frame.columns) != COLUMNS:
            raise IassError(f"{path.name}: the columns must be {', '.join(COLUMNS)}.")
        frame = frame.with_columns(pl.col("valid_from", "valid_to").str.to_date("%Y-%m-%d"))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise IassError(f"{path.name}: it is not a CSV of a regional nomenclature as `export` writes it.") from error
    is_right = (
        frame.height > 0
        and frame.get_column("regional_code").is_unique().all()
        and frame.get_column("regional_code").str.contains(_CODE).all()
        and frame.select(pl.col("regional_code", "level1_code", "level1_label", "label", "valid_from").is_not_null())
        .select(pl.all_horizontal(pl.all()).all())
        .item()
    )
    if not is_right:
        raise IassError(f"{path.name}: codes must be unique, of the form 01.02, with labels and first day of validity.")
    return frame


def _insert_version(conn: Connection, version: int, frame: pl.DataFrame) -> None:
    with conn.transaction():
        conn.execute(
            "insert into landing.nomenclature_version (nomenclature_version, valid_from) values (%s, %s)",
            [version, frame.get_column("valid_from").min()],
        )
        copy_binary(
            conn,
            "landing.regional_nomenclature",
            frame.insert_column(0, pl.lit(version, pl.Int16).alias("nomenclature_version")),
        )


def _rows(conn: Connection, query: str, parameters: Any) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()
