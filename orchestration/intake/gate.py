"""The gate: what happens to a file from its arrival to its receipt, and in which order.

archive → name → contract → progressive → read, check, load in one transaction → receipt. Here is in which order files
are taken, which of them together, and what one that fails does to the others; the way of one file is in `arrival`.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from orchestration.errors import IassError
from orchestration.intake import archive, delivery_name, ledger, nomenclature, receipt, records
from orchestration.intake import pending as pending_records
from orchestration.intake.ahead import one_ahead
from orchestration.intake.arrival import Arrival, accept, answer, next_ones
from orchestration.intake.contract import flow_codes, load_contract
from orchestration.intake.delivery import DeliveryResult
from orchestration.intake.load import renew_statistics
from orchestration.intake.read_xml import BYTES_PER_BATCH, Batch
from orchestration.intake.spans import SharedPersons
from orchestration.settings import Settings
from orchestration.warehouse import connection

Connection = psycopg.Connection[Any]
_Read = tuple[Arrival, records.Whole]

#: What others need comes first: IASS maps by the nomenclature, and reads better with the registry in place. Then period
#: by period, in each the flow that awaits another after it: who was let go in May is not still there in August.
FLOW_ORDER = {"NOML": 0, "NAAR": 1}
_LATER = 9
#: Files that somebody is still writing, by the names that copying tools use.
_UNFINISHED = (".part", ".partial", ".tmp", ".filepart")
#: What is taken in together: so many files, and as much as is worked on at a time; packed ones may become twenty times
#: as large.
FILES_TOGETHER = 64
BYTES_TOGETHER = BYTES_PER_BATCH
UNPACKED = {".gz": 20, ".zip": 20}


def pending(settings: Settings) -> list[Path]:
    """Files in the landing folder, in the order in which the gate takes them."""
    return _in_order(_files([settings.landing_dir])) if settings.landing_dir.exists() else []


def intake(
    settings: Settings,
    paths: Iterable[Path],
    *,
    on_delivery: Callable[[DeliveryResult], object] | None = None,
    today: date | None = None,
) -> list[DeliveryResult]:
    """Take in files (and those in folders), one after the other, and answer each. `today`: the day of the calendar.

    Records that wait for others are looked at when all files are in, so that order within a call never matters.

    A file that cannot be taken in for a reason of ours (full disk, lost database) does not keep the others out; what
    happened is raised at the end, as one `IassError`.
    """
    day = today or date.today()
    results: list[DeliveryResult] = []
    problems: list[str] = []
    lost: psycopg.OperationalError | None = None  # says nothing of contents, unlike other errors
    conn = _connect(settings)
    try:
        for sheaf in one_ahead(_read(settings, _sheaves(_in_order(_files(paths))), day)):
            taken = {} if conn.closed else _take_together(settings, conn, sheaf, day)
            answered = {} if conn.closed else _answer_together(settings, conn, taken)
            for path in sheaf.paths:
                try:
                    if conn.closed:
                        conn = _connect(settings)
                    if path in answered:
                        result = answered[path]
                    elif path in taken:
                        (result,) = answer(settings, conn, [taken[path]])
                    else:
                        result = process_delivery(settings, conn, path, day)
                except IassError as error:
                    problems.append(str(error))
                    continue
                except psycopg.Error as error:
                    lost = error if isinstance(error, psycopg.OperationalError) else lost
                    # The message may quote a value, the state never does.
                    problems.append(
                        f"{path.name}: the database did not take it (SQLSTATE {error.sqlstate or 'connection lost'})."
                        " Nothing of it was loaded: run again when the database is well."
                    )
                    continue
                results.append(result)
                if on_delivery is not None:
                    on_delivery(result)
        if not conn.closed:
            with conn.transaction():
                pending_records.expire(conn, day)
            receipt.write_due(settings, conn)
            renew_statistics(conn)
    finally:
        conn.close()
    if problems:
        raise IassError("\n".join(problems)) from lost
    return results


def process_delivery(settings: Settings, conn: Connection, path: Path, today: date) -> DeliveryResult:
    """One file: archived, judged, loaded or refused, answered. Safe to be killed and called again at any point."""
    arrival = Arrival(settings, path, today)
    arrival.decide(conn)
    (result,) = answer(settings, conn, [arrival])
    return result


@dataclass(frozen=True)
class _Sheaf:
    """Files that may be taken in together: those that could be read, and their records as one batch."""

    paths: list[Path]
    read: list[_Read]
    batch: Batch | None


def _read(settings: Settings, sheaves: Iterable[list[Path]], today: date) -> Iterator[_Sheaf]:
    """Files that may be taken in together, archived and read, before anybody asks the database about them. A file that
    stands alone, or that cannot be archived, is left for its turn."""
    for paths in sheaves:
        read: list[_Read] = []
        for path in paths if len(paths) > 1 else ():
            with contextlib.suppress(IassError):
                arrival = Arrival(settings, path, today)
                if (whole := arrival.read_whole()) is not None:
                    read.append((arrival, whole))
        yield _Sheaf(paths, read, _bind(read))


def _bind(read: list[_Read]) -> Batch | None:
    return records.bind(read[0][0].contract, [whole for _, whole in read]) if read else None


def _take_together(settings: Settings, conn: Connection, sheaf: _Sheaf, today: date) -> dict[Path, Arrival]:
    """Load in one transaction those of some small files that are the next of their senders and could be read.

    The others, or all of them when anything fails, are left: each on its own then hears what is wrong with it.
    """
    read, batch = sheaf.read, sheaf.batch
    try:
        are_next = next_ones(conn, [arrival for arrival, _ in read]) if read else []
        if not all(are_next):
            read = list(itertools.compress(read, are_next))
            batch = _bind(read)
        while batch is not None:
            arrivals = [arrival for arrival, _ in read]
            try:
                accept(settings, conn, arrivals, iter([batch]), today)
                return {arrival.path: arrival for arrival in arrivals}
            except SharedPersons as shared:
                read = [each for each in read if each[0].name.sender_code not in shared.senders]
                batch = _bind(read)
    except (IassError, psycopg.Error):
        return {}
    return {}


def _answer_together(settings: Settings, conn: Connection, taken: dict[Path, Arrival]) -> dict[Path, DeliveryResult]:
    """Receipts of what was loaded together; none when one of them fails, for then each says so on its own."""
    try:
        return dict(zip(taken, answer(settings, conn, list(taken.values())), strict=True)) if taken else {}
    except (IassError, psycopg.Error):
        return {}


def _connect(settings: Settings) -> Connection:
    """A connection that holds the gate, with catalogue and nomenclature in place and no receipt owed."""
    conn = connection.connect(settings, "loader", autocommit=True)
    try:
        ledger.lock_gate(conn)
        archive.sweep(settings.archive_dir)
        with conn.transaction():
            for flow_code in flow_codes():
                ledger.publish_rules(conn, load_contract(flow_code))
            nomenclature.ensure_regional(conn)
        receipt.complete(settings, conn)
        receipt.write_due(settings, conn)
    except BaseException:
        conn.close()
        raise
    return conn


def _files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += [file for file in path.rglob("*") if file.is_file() and _is_finished(file.relative_to(path))]
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def _is_finished(file: Path) -> bool:
    return not any(part.startswith(".") for part in file.parts) and not file.name.endswith(_UNFINISHED)


def _in_order(files: list[Path]) -> list[Path]:
    today = date.today()

    def place(path: Path) -> tuple[Any, ...]:
        name = delivery_name.parse(path, today)
        return (
            FLOW_ORDER.get(name.flow_code or "", _LATER),
            name.period_start_on or date.max,
            name.flow_code is None or load_contract(name.flow_code).awaits is not None,
            name.flow_code or "",
            name.progressive or 0,
            name.sender_code or "",
            path.name,
        )

    return sorted(files, key=place)


def _sheaves(files: list[Path]) -> Iterator[list[Path]]:
    """Files in their order, those together that may be: small, the same delivery of one flow and period, each of
    another sender, of a flow whose contract allows it. The others of it follow alone."""
    today = date.today()

    def place(path: Path) -> tuple[Any, ...] | None:
        name = delivery_name.parse(path, today)
        if name.conditions or not load_contract(name.flow_code or "").is_taken_together:
            return None
        return name.flow_code, name.period_code, name.progressive

    for shared, group in itertools.groupby(files, place):
        paths = list(group)
        small: dict[str, tuple[Path, int]] = {}  # by sender, with about how much there is to read
        if shared is not None:
            for path in paths:
                if path.is_file() and (size := path.stat().st_size * UNPACKED.get(path.suffix, 1)) <= BYTES_TOGETHER:
                    small.setdefault(delivery_name.parse(path, today).sender_code or "", (path, size))
        yield from _bundles(small.values())
        together = {path for path, _ in small.values()}
        yield from ([path] for path in paths if path not in together)


def _bundles(files: Iterable[tuple[Path, int]]) -> Iterator[list[Path]]:
    """Files one after the other, as many together as may be."""
    bundle: list[Path] = []
    room = BYTES_TOGETHER
    for path, size in files:
        if bundle and (len(bundle) == FILES_TOGETHER or size > room):
            yield bundle
            bundle, room = [], BYTES_TOGETHER
        bundle.append(path)
        room -= size
    if bundle:
        yield bundle
