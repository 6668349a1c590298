"""What a record is known by: the key in the ledger, and the form of it that senders are shown.

A key of several parts (FAR, ADI) holds an identifier in clear: the sender's own id ends with the codice fiscale. It is
made into one column: the parts that identify nobody, readable, then a keyed token of all of them. That column stands in
raw, ledger and receipts in the place of the sender's id; see docs/decisions. How tokens are made is in `tokens.py`.
"""

from __future__ import annotations

import polars as pl

from orchestration.intake import fiscal_code
from orchestration.intake.contract import Contract
from orchestration.intake.tokens import tokens

#: A key that is not well formed could be anything that slipped into the wrong field: it is not repeated to anybody.
SAFE_KEY = r"^[A-Za-z0-9_/.\- ]{1,30}$"
#: A codice fiscale, also with omocodia, or an STP or ENI code, wherever it stands in a value.
_IDENTIFIER = r"(?i)[A-Z]{6}[0-9L-NP-V]{2}[A-EHLMPRST][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z]|(?:STP|ENI)[0-9]{13}"
#: 96 bits: no two of a billion keys are expected to meet.
TOKEN_BYTES = 12
SEPARATOR = "/"


def with_made_key(frame: pl.DataFrame, contract: Contract, secret: bytes) -> pl.DataFrame:
    """The column of a key of several parts; null while a part is missing or malformed. Frames of other flows as they
    are."""
    key = contract.key
    if not key.parts:
        return frame
    fields = [contract.tables[0].field(name) for name in key.parts]
    is_whole = pl.all_horizontal(
        pl.col(f"{f.name}_well_formed").fill_null(False) if f.pattern else pl.col(f.name).is_not_null() for f in fields
    )
    shown = [pl.col(f.name) for f in fields if f.classification != "identifying"]
    token = tokens(secret, ("record", key.namespace), frame, key.parts).bin.slice(0, TOKEN_BYTES).bin.encode("hex")
    made = pl.when(is_whole).then(pl.concat_str([*shown, pl.lit(token)], separator=SEPARATOR))
    return frame.with_columns(made.alias(key.field))


def looks_like_identifier(column: str) -> pl.Expr:
    """Whether a value that a sender has made up is, or holds, an identifier of a person; never null."""
    return (pl.col(column).str.contains(_IDENTIFIER) | _is_provisional(column)).fill_null(False)


def _is_provisional(column: str) -> pl.Expr:
    return pl.col(column).map_batches(fiscal_code.is_valid_provisional, return_dtype=pl.Boolean)


def without_identifier(frame: pl.DataFrame, contract: Contract, secret: bytes) -> pl.DataFrame:
    """The column of a key that the sender makes up, with a keyed token where it is an identifier of a person, and
    `<key>_is_identifier`. The key of several parts is a token anyway; who sends whole states has no key of her own."""
    key = contract.key
    if key.parts or not contract.has_operations:
        return frame
    frame = frame.with_columns(looks_like_identifier(key.field).alias(f"{key.field}_is_identifier"))
    if not frame[f"{key.field}_is_identifier"].any():
        return frame
    token = tokens(secret, ("record", key.namespace), frame, [key.field]).bin.slice(0, TOKEN_BYTES).bin.encode("hex")
    return frame.with_columns(
        pl.when(f"{key.field}_is_identifier").then(pl.lit(token)).otherwise(key.field).alias(key.field)
    )


def ledger_keys(main: pl.DataFrame, contract: Contract, period_code: str) -> pl.DataFrame:
    """record_number, `record_key` (the key of the ledger) and `shown_key` (null when it is not safe to show)."""
    key = contract.key
    column = pl.col(key.field)
    is_safe = pl.lit(True) if key.parts else column.str.contains(SAFE_KEY)
    whole = pl.lit(period_code + SEPARATOR) + column if key.is_per_period else column
    return main.select("record_number", whole.alias("record_key"), pl.when(is_safe).then(column).alias("shown_key"))
