"""What rule cases are made of: frames of a file, and changes to them."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from orchestration.intake.contract import load_contract

Frames = dict[str, pl.DataFrame]
Change = Callable[[Frames], Frames]

# Check letters are right: computed with `fiscal_code.encode`.
WOMAN, MAN = "VRDLSN35L52A944A", "RSSMRA50A01A944C"
WRONG_CHECK = WOMAN[:-1] + "B"
LONG = "x" * 101


def frame(flow: str, table: str, places: tuple[str, ...], rows: list[dict[str, object]]) -> pl.DataFrame:
    fields = [f.name for f in load_contract(flow).table(table).file_fields]
    schema = {**{p: pl.Int64 for p in ("record_number", *places)}, **{f: pl.String for f in fields}}
    return pl.DataFrame([{c: row.get(c) for c in schema} for row in rows], schema=schema)


def put(table: str, row: int = 0, **values: str | None) -> Change:
    def change(frames: Frames) -> Frames:
        rows = frames[table]
        at = pl.int_range(pl.len()) == row
        changed = rows.with_columns(
            pl.when(at).then(pl.lit(v, dtype=pl.String)).otherwise(c).alias(c) for c, v in values.items()
        )
        return {**frames, table: changed}

    return change


def every(*changes: Change) -> Change:
    def change(frames: Frames) -> Frames:
        for one in changes:
            frames = one(frames)
        return frames

    return change


def drop(table: str, **where: int) -> Change:
    def change(frames: Frames) -> Frames:
        gone = pl.all_horizontal(pl.col(c) == v for c, v in where.items()) if where else pl.lit(True)
        return {**frames, table: frames[table].filter(~gone)}

    return change
