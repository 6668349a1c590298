"""A run of identity: exact rules, then linkage of what they leave. What `iass build` and Dagster call.

Belongs here: the order, the lock and the sum of both results. Not here: any rule.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestration.identity import exact, linkage, source, standing_check, training
from orchestration.identity.steps import Steps
from orchestration.settings import Settings
from orchestration.warehouse import connection

LOCK = 0x1A55_1DE4


@dataclass(frozen=True)
class IdentityResult:
    """What a run did. Nothing here names anybody."""

    to_delivery_id: int
    identity_seq: int | None
    looked_at: int
    changed: int
    new_persons: int
    merged: int
    split: int
    relinked: int
    compared: int
    to_review: int
    model_version: int | None
    by_method: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def train(settings: Settings) -> int:
    """Make a new model and return its version; the next run compares everything anew under it."""
    with connection.connect(settings, "identity", autocommit=True) as conn, source.Memory(settings) as memory:
        conn.execute("select pg_advisory_lock(%s)", [LOCK])
        with conn.transaction():
            return training.train(memory, Steps(conn, {}))[0].version


def resolve(settings: Settings) -> IdentityResult:
    """Bring `raw.identity__person` up to the last delivery. One run at a time, harmless to repeat: what dies between
    the two steps is taken up by the next run, because the exact rules leave marks of what linkage has to look at."""
    started = time.monotonic()
    with connection.connect(settings, "identity", autocommit=True) as conn, source.Memory(settings) as memory:
        # The lock comes before the snapshot of the transaction, else a run that waited would not see the other's work.
        conn.execute("select pg_advisory_lock(%s)", [LOCK])
        conn.execute("set default_transaction_isolation to 'repeatable read'")
        first = exact.resolve(conn, settings.pseudonym_key, meanwhile=source.load_libraries)
        second = linkage.link(memory, conn)
        with conn.transaction():
            standing_check.check(memory, Steps(conn, {}))
    parts = (first.published, second.published)
    by_method: dict[str, int] = {}
    for part in parts:
        for method, count in part.by_method.items():
            by_method[method] = by_method.get(method, 0) + count
    return IdentityResult(
        to_delivery_id=first.to_delivery_id,
        identity_seq=second.published.identity_seq or first.published.identity_seq,
        looked_at=first.looked_at,
        changed=sum(part.changed for part in parts),
        new_persons=first.new_persons,
        merged=sum(part.merged for part in parts),
        split=sum(part.split for part in parts),
        relinked=sum(part.relinked for part in parts),
        compared=second.compared,
        to_review=second.to_review,
        model_version=second.model_version,
        by_method=dict(sorted(by_method.items())),
        seconds=time.monotonic() - started,
    )
