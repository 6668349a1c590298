"""Keyed tokens: what stands outside the vault in the place of a person.

HMAC-SHA-256 of a bundle of identifying values, cut to 128 bits so that it is a `uuid` to PostgreSQL. What a bundle is
made of is the caller's business; that an empty identity gets no token at all is the caller's duty.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

import polars as pl

#: Between the parts of a bundle: XML 1.0 cannot carry it and the CSV reader refuses it, so no two bundles read alike.
SEPARATOR = "\x1f"
TOKEN_BYTES = 16
#: So few rows are done before it is known which of them are the same.
SMALL = 1_000


def token(key: bytes, *parts: str | None) -> bytes:
    """The token of one bundle. A missing part is not the same as an empty one."""
    text = SEPARATOR.join("\x00" if part is None else part for part in parts)
    return hmac.digest(key, text.encode(), "sha256")[:TOKEN_BYTES]


def tokens(key: bytes, constants: Sequence[str], frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """The tokens of `constants + columns` for each row, as 16-byte Binary, computed once per distinct bundle.

    Equal to `token(key, *constants, *row)`. Columns are cast to text (dates as ISO).
    """
    prefix = "".join(constant + SEPARATOR for constant in constants)
    bundle = frame.select(
        pl.concat_str(
            [pl.lit(prefix)]
            + [
                expression
                for position, name in enumerate(columns)
                for expression in (
                    ([pl.lit(SEPARATOR)] if position else []) + [pl.col(name).cast(pl.String).fill_null("\x00")]
                )
            ]
        ).alias("bundle")
    )
    digest = hmac.digest
    if bundle.height < SMALL:
        texts = bundle.get_column("bundle").to_list()
        return pl.Series("token", [digest(key, text.encode(), "sha256")[:TOKEN_BYTES] for text in texts], pl.Binary)
    distinct = bundle.unique().get_column("bundle")
    made = [digest(key, text.encode(), "sha256")[:TOKEN_BYTES] for text in distinct.to_list()]
    table = pl.DataFrame({"bundle": distinct, "token": pl.Series(made, dtype=pl.Binary)})
    return bundle.join(table, on="bundle", how="left", maintain_order="left").get_column("token")
