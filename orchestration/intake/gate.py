"""The gate: what happens to a file from its arrival to its receipt, and in which order.

archive → name → contract → progressive → read, check, load in one transaction → receipt. Here is in which order files
are taken, which of them together, and what one that fails does to the others; the way of one file is in `arrival`.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg

from orchestration import clock
from orchestration.errors import IassError
from orchestration.intake import archive, delivery_name, landing, ledger, nomenclature, receipt, records
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
#: What is taken in together: so many files, and as much as is worked on at a time; packed ones may become twenty times
#: as large.
FILES_TOGETHER = 64
BYTES_TOGETHER = BYTES_PER_BATCH
UNPACKED = {".gz": 20, ".zip": 20}


class FilesSetAside(IassError):
    """Some files could not be taken in and wait for the next run; all else was done."""


@dataclass
class _Troubles:
    """What went wrong in a call: with single files, or with the world around all of them."""

    of_files: list[str] = field(default_factory=list)
    of_all: list[str] = field(default_factory=list)
    lost: psycopg.OperationalError | None = None  # says nothing of contents, unlike other errors

    def tell(self) -> None:
        if self.of_all:
            raise IassError("\n".join(self.of_files + self.of_all)) from self.lost
        if self.of_files:
            raise FilesSetAside("\n".join(self.of_files))


def pending(settings: Settings) -> list[Path]:
    """Files in the landing folder that may be taken now, in the order in which the gate takes them."""
    found, _ = landing.files([settings.landing_dir], time.time(), settings.rest_seconds)
    return _in_order(found, clock.today())


def intake(
    settings: Settings,
    paths: Iterable[Path],
    *,
    on_delivery: Callable[[DeliveryResult], object] | None = None,
    on_left: Callable[[str, str], object] | None = None,
    by_hand: bool = False,
    today: date | None = None,
) -> list[DeliveryResult]:
    """Take in files (and those in folders), one after the other, and answer each. `today`: the day of the calendar.

    Records that wait for others are looked at when all files are in, so that order within a call never matters.

    A file that is not to be taken now (somebody writes it, it is a link) is left, and `on_left` hears its name and why.
    What a person names `by_hand` is taken at once, unless it changes while it is read.

    No file keeps another out. One that we cannot take in for an error of ours gets a line `failed` in the ledger and
    stays where it is for the next run: `FilesSetAside` is raised at the end. What touches all files (full disk, lost
    database) is raised at the end too, as `IassError`.
    """
    day = today or clock.today()
    results: list[DeliveryResult] = []
    troubles = _Troubles()
    found, left = _found(settings, list(paths))
    rest_seconds = 0 if by_hand else settings.rest_seconds
    conn = _connect(settings, troubles)
    try:
        for sheaf in one_ahead(_read(settings, _sheaves(_in_order(found, day), day), day, rest_seconds)):
            taken = {} if conn.closed else _take_together(settings, conn, sheaf, day)
            answered = {} if conn.closed else _answer_together(settings, conn, taken)
            for path in sheaf.paths:
                name = landing.shown(path.name)
                try:
                    if conn.closed:
                        conn = _connect(settings, troubles)
                    if path in answered:
                        result = answered[path]
                    elif path in taken:
                        (result,) = answer(settings, conn, [taken[path]])
                    else:
                        result = process_delivery(settings, conn, path, day, rest_seconds)
                except landing.LeftAlone as alone:
                    left[path] = alone.reason
                    continue
                except IassError as error:
                    troubles.of_all.append(str(error))
                    continue
                except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                    troubles.lost = error if isinstance(error, psycopg.OperationalError) else troubles.lost
                    # The message may quote a value, the state never does.
                    troubles.of_all.append(
                        f"{name}: the database did not take it (SQLSTATE {error.sqlstate or 'connection lost'})."
                        " Nothing of it was loaded: run again when the database is well."
                    )
                    continue
                except Exception as error:
                    troubles.of_files.append(_set_aside(conn, path, day, error))
                    continue
                if result.left_because == landing.NEWER:
                    left[path] = landing.NEWER
                elif result.left_because:
                    troubles.of_files.append(f"{name}: {result.left_because}; it was answered, and will be again.")
                results.append(result)
                if on_delivery is not None:
                    on_delivery(result)
        if not conn.closed:
            with conn.transaction():
                pending_records.expire(conn, day)
            _write_owed(troubles, lambda: receipt.write_due(settings, conn))
            renew_statistics(conn)
    finally:
        conn.close()
    if on_left is not None:
        for path, reason in left.items():
            on_left(landing.shown(path.name), reason)
    troubles.tell()
    return results


def process_delivery(
    settings: Settings, conn: Connection, path: Path, today: date, rest_seconds: float = 0
) -> DeliveryResult:
    """One file: archived, judged, loaded or refused, answered. Safe to be killed and called again at any point."""
    arrival = Arrival(settings, path, today, rest_seconds)
    arrival.decide(conn)
    (result,) = answer(settings, conn, [arrival])
    return result


@dataclass(frozen=True)
class _Sheaf:
    """Files that may be taken in together: those that could be read, and their records as one batch."""

    paths: list[Path]
    read: list[_Read]
    batch: Batch | None


def _read(settings: Settings, sheaves: Iterable[list[Path]], today: date, rest_seconds: float) -> Iterator[_Sheaf]:
    """Files that may be taken in together, archived and read, before anybody asks the database about them. A file that
    stands alone, or with which anything is wrong, is left for its turn, when it hears what."""
    for paths in sheaves:
        read: list[_Read] = []
        for path in paths if len(paths) > 1 else ():
            with contextlib.suppress(Exception):
                arrival = Arrival(settings, path, today, rest_seconds)
                if (whole := arrival.read_whole()) is not None:
                    read.append((arrival, whole))
        try:
            batch = _bind(read)
        except Exception:
            read, batch = [], None
        yield _Sheaf(paths, read, batch)


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
    except Exception:
        return {}
    return {}


def _answer_together(settings: Settings, conn: Connection, taken: dict[Path, Arrival]) -> dict[Path, DeliveryResult]:
    """Receipts of what was loaded together; none when one of them fails, for then each says so on its own."""
    try:
        return dict(zip(taken, answer(settings, conn, list(taken.values())), strict=True)) if taken else {}
    except Exception:
        return {}


def _set_aside(conn: Connection, path: Path, today: date, error: Exception) -> str:
    """Note in the ledger that a file met an error of ours, by its kind alone: a message may quote what the file holds.
    Returns the sentence about it."""
    kind = str(error) if isinstance(error, archive.Unreadable) else type(error).__name__
    name = delivery_name.parse(path, today)
    line = {
        "file_name": name.file_name,
        "flow_code": name.flow_code,
        "sender_code": name.sender_code,
        "period_code": name.period_code,
        "period_start_on": name.period_start_on,
        "progressive": name.progressive,
        "received_at": datetime.now(UTC),
        "outcome": "failed",
        "error_type": kind,
    }
    with contextlib.suppress(psycopg.Error):  # the sentence is told in any case
        ledger.set_failed(conn, line)
    return (
        f"{name.file_name}: it could not be taken in ({kind}). It is set aside and tried again at the next run;"
        " the other files are in."
    )


def _write_owed(troubles: _Troubles, write: Callable[[], object]) -> None:
    """Receipts that are still owed keep no file out."""
    try:
        write()
    except IassError as error:
        troubles.of_all.append(str(error))


def _connect(settings: Settings, troubles: _Troubles) -> Connection:
    """A connection that holds the gate, with catalogue and nomenclature in place and no receipt owed."""
    conn = connection.connect(settings, "loader", autocommit=True)
    try:
        ledger.lock_gate(conn)
        archive.sweep(settings.archive_dir)
        with conn.transaction():
            for flow_code in flow_codes():
                ledger.publish_rules(conn, load_contract(flow_code))
            nomenclature.ensure_regional(conn)
        _write_owed(troubles, lambda: receipt.complete(settings, conn))
        _write_owed(troubles, lambda: receipt.write_due(settings, conn))
    except BaseException:
        conn.close()
        raise
    return conn


def _found(settings: Settings, paths: list[Path]) -> tuple[list[Path], dict[Path, str]]:
    """Files that may be taken and those that are left. Only what senders put into the landing folder may still be on
    its way when somebody looks there."""
    found: dict[Path, None] = {}
    left: dict[Path, str] = {}
    home = settings.landing_dir.resolve()
    for path in paths:
        is_landing = path.resolve().is_relative_to(home)
        files, others = landing.files([path], time.time(), settings.rest_seconds if is_landing else 0)
        found.update(dict.fromkeys(files))
        left.update(others)
    return list(found), left


def _in_order(files: list[Path], today: date) -> list[Path]:
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


def _sheaves(files: list[Path], today: date) -> Iterator[list[Path]]:
    """Files in their order, those together that may be: small, the same delivery of one flow and period, each of
    another sender, of a flow whose contract allows it. The others of it follow alone."""

    def place(path: Path) -> tuple[Any, ...] | None:
        name = delivery_name.parse(path, today)
        if name.conditions or not load_contract(name.flow_code or "").is_taken_together:
            return None
        return name.flow_code, name.period_code, name.progressive

    for shared, group in itertools.groupby(files, place):
        paths = list(group)
        small: dict[str, tuple[Path, float]] = {}  # by sender, with about how much there is to read
        if shared is not None:
            for path in paths:
                if (size := _about(path)) <= BYTES_TOGETHER:
                    small.setdefault(delivery_name.parse(path, today).sender_code or "", (path, size))
        yield from _bundles(small.values())
        together = {path for path, _ in small.values()}
        yield from ([path] for path in paths if path not in together)


def _about(path: Path) -> float:
    """About how many bytes there are to read; without end when the file is gone, so that it is looked at alone."""
    try:
        return landing.look(path).size * UNPACKED.get(path.suffix, 1)
    except landing.LeftAlone:
        return math.inf


def _bundles(files: Iterable[tuple[Path, float]]) -> Iterator[list[Path]]:
    """Files one after the other, as many together as may be."""
    bundle: list[Path] = []
    room: float = BYTES_TOGETHER
    for path, size in files:
        if bundle and (len(bundle) == FILES_TOGETHER or size > room):
            yield bundle
            bundle, room = [], BYTES_TOGETHER
        bundle.append(path)
        room -= size
    if bundle:
        yield bundle
