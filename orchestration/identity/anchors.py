"""Anchors: what a person is known by, as a keyed token, and the person key that comes from the first of them.

Belongs here: how tokens and keys are made, inside PostgreSQL. Which anchor leads to which person: `exact.py`.

The database has no pgcrypto, but it has `sha256`, and HMAC-SHA-256 is two of them around a padded key. So four million
tokens are made where the rows are. The key that goes to the server as a parameter is derived from the pseudonym key
for this use alone: with it one can make anchors, which stand in the vault beside the identifiers they are made of,
and nothing else.
"""

import hmac

BLOCK_BYTES = 64
SEPARATOR = "chr(31)"
PURPOSE = b"identity anchor"


def key_blocks(pseudonym_key: bytes) -> dict[str, bytes]:
    """Parameters `inner` and `outer` that the expressions of `anchor_sql` refer to."""
    key = hmac.digest(pseudonym_key, PURPOSE, "sha256").ljust(BLOCK_BYTES, b"\0")
    return {"inner": bytes(byte ^ 0x36 for byte in key), "outer": bytes(byte ^ 0x5C for byte in key)}


def anchor_sql(anchor_type: str, *parts: str) -> str:
    """SQL expression for the anchor of a type; `parts` are SQL expressions of type text, never null."""
    message = f" || {SEPARATOR} || ".join([f"'{anchor_type}'", *parts])
    mac = f"sha256(%(outer)s::bytea || sha256(%(inner)s::bytea || convert_to({message}, 'UTF8')))"
    return f"encode(substr({mac}, 1, 16), 'hex')::uuid"


def key_sql(anchor: str) -> str:
    """SQL expression for the person key that an anchor gives: its first 63 bits. Never negative: below zero are the
    members that are nobody (unknown, anonymous, not applicable)."""
    return f"((substr(uuid_send({anchor}), 1, 8)::bigint >> 1) & 9223372036854775807)"
