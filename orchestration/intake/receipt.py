"""Receipts: what the sender is told about a delivery, as JSON, CSV and a page to read and print.

Made from the database alone, after the commit, so a receipt that a dead gate left unwritten is written by the next one.
Values of records never come here: the database has none to give.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import itertools
import json
import os
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any, TextIO

import jinja2
import psycopg

from orchestration.errors import IassError
from orchestration.intake import delivery_name, ledger, reference, told
from orchestration.intake.contract import load_contract
from orchestration.settings import Settings
from orchestration.warehouse import connection

Connection = psycopg.Connection[Any]

UNKNOWN_SENDER = "_unknown"
JSON_FILE, CSV_FILE, HTML_FILE = "receipt.json", "findings.csv", "receipt.html"
COLUMNS = ("record_number", "record_key", "table", "item", "field", "rule_code", "grade", "sentence")
#: More than a person reads on paper; the rest stands in the CSV.
FINDINGS_ON_PAGE = 200
#: What the system writes to the disk in one go.
UNSYNCED_BYTES = 64 << 10

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
#: A file name of ours without its endings.
_OURS = re.compile(r"[A-Z][A-Z0-9]{0,20}_[0-9]{1,20}_[0-9A-Z-]{1,20}_[0-9]{3}")


def folder(settings: Settings, line: dict[str, Any]) -> Path:
    """Where the receipt of a line of the ledger lies: no two lines share a place. A second delivery under one name,
    plain or packed, gets a folder of its own."""
    stem = line["receipt_name"]
    if not _OURS.fullmatch(stem):
        # kept recognisable, made harmless, and told apart from all names of ours and from what comes after them
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", stem)[:60].lstrip(".")
        stem = f"{safe}-{hashlib.sha256(stem.encode()).hexdigest()[:8]}"
    attempt = "" if line["attempt"] == 1 else f"_{line['attempt']}"
    return settings.receipts_dir / (line["sender_code"] or UNKNOWN_SENDER) / f"{stem}{attempt}"


def is_written(settings: Settings, line: dict[str, Any]) -> bool:
    """Are all three files there? One that a power cut took before it was on the disk is missing or empty."""
    place = folder(settings, line)
    return all(_size(place / name) for name in (JSON_FILE, CSV_FILE, HTML_FILE))


def write(settings: Settings, conn: Connection, lines: list[dict[str, Any]]) -> list[Path]:
    """Write (again) the receipts of lines of the ledger, which come in the order of their numbers, each with all its
    repeats; returns their folders."""
    contents = _contents(conn, lines)
    places = []
    with contextlib.closing(told.findings(conn, [line["delivery_id"] for line in lines])) as rows:
        by_delivery = itertools.groupby(rows, key=itemgetter(0))
        found = next(by_delivery, None)
        for line, content in zip(lines, contents, strict=True):
            if found is not None and found[0] == line["delivery_id"]:
                places.append(_write(settings, line, content, found[1]))
                found = next(by_delivery, None)
            else:
                places.append(_write(settings, line, content, ()))
    return places


def _write(
    settings: Settings, line: dict[str, Any], content: dict[str, Any], findings: Iterable[tuple[Any, ...]]
) -> Path:
    place = folder(settings, line)
    top: list[dict[str, Any]] = []

    def write_findings(file: TextIO) -> None:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow(COLUMNS)
        for _, number, key, table, item, field, code, grade, sentence in findings:
            row = (number, key, table, item, _name_in_file(code, field), code, grade, sentence)
            if len(top) < FINDINGS_ON_PAGE:
                top.append(_shown(row))
            writer.writerow(map(_cell, row))

    _put(place / CSV_FILE, write_findings)
    _put(place / HTML_FILE, lambda file: file.write(_page(content, line, top)))
    _put(place / JSON_FILE, lambda file: file.write(json.dumps(content, ensure_ascii=False, indent=2)))
    return place


def complete(settings: Settings, conn: Connection, newest: int = 1000) -> int:
    """Write the receipts that are missing among the newest deliveries; returns how many."""
    missing = [line for line in ledger.newest(conn, newest) if not is_written(settings, line)]
    if missing:
        write(settings, conn, missing[::-1])
    return len(missing)


def write_due(settings: Settings, conn: Connection) -> None:
    """Write again the receipts of deliveries whose records have met another fate since they were answered."""
    due = told.receipts_due(conn)
    if due:
        write(settings, conn, ledger.lines(conn, due))
        told.receipts_are_written(conn, due)


def read(settings: Settings, delivery: str) -> dict[str, Any]:
    """The receipt of a delivery, found by its number or the file name (the last one of that name), with its folder."""
    with connection.connect(settings, "loader", autocommit=True) as conn:
        delivery_id = int(delivery) if delivery.isdigit() else ledger.last_of_name(conn, delivery)
        lines = ledger.lines(conn, [delivery_id]) if delivery_id is not None else []
        if not lines:
            raise IassError("There is no such delivery: `iass deliveries` lists their numbers and file names.")
        return _contents(conn, lines)[0] | {"folder": str(folder(settings, lines[0]))}


def _contents(conn: Connection, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [line["delivery_id"] for line in lines]
    repeats, waiting, rules = told.repeats(conn, ids), told.waiting(conn, ids), told.findings_by_rule(conn, ids)
    return [
        _content(line, repeats.get(n, []), waiting.get(n, (0, None)), rules.get(n, []))
        for n, line in zip(ids, lines, strict=True)
    ]


def _content(
    line: dict[str, Any],
    repeats: list[datetime],
    waiting: tuple[int, date | None],
    rules: list[tuple[Any, ...]],
) -> dict[str, Any]:
    n_waiting, waiting_until = waiting
    return {
        "delivery": {
            name: line[name]
            for name in (
                "delivery_id",
                "file_name",
                "flow_code",
                "sender_code",
                "period_code",
                "progressive",
                "sha256",
                "size_bytes",
            )
        },
        "outcome": line["outcome"],
        "is_repeat": bool(repeats),
        "repeated_at": [at.isoformat() for at in repeats],
        "counts": {name: line[f"records_{name}"] for name in ("sent", "accepted", "discarded", "flagged")},
        # of the accepted ones: they wait for the record that they belong to
        "waiting": {"records": n_waiting, "until": waiting_until.isoformat() if waiting_until else None},
        "rules": [
            {
                "rule_code": code,
                "grade": grade,
                "field": _name_in_file(code, field),
                "sentence": sentence,
                "findings": n_findings,
                "records": n_records,
            }
            for code, grade, field, sentence, n_findings, n_records in rules
        ],
        "timing": {
            "received_at": line["received_at"].isoformat(),
            "processed_at": line["processed_at"].isoformat(),
            "seconds": line["run_seconds"],
        },
        "versions": {"contract": line["contract_version"], "nomenclature": line["nomenclature_version"]},
    }


@cache
def _name_in_file(code: str, field: str | None) -> str:
    """The sender's own name of a field: she does not know our columns."""
    return load_contract(code.split("-")[0]).name_in_file(code, field) or ""


def _shown(row: tuple[Any, ...]) -> dict[str, Any]:
    names = ("record_number", "record_key", "table_name", "item", "field", "rule_code", "grade", "sentence")
    return dict(zip(names, row, strict=True))


def _cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value


def _put(path: Path, write_content: Callable[[TextIO], object]) -> None:
    """Write a file beside its place and move it there, so that nobody ever reads half of it.

    A new small file is not synced: it goes to the disk whole or stays empty, and `complete` makes it again from the
    database, which has committed. One that takes the place of another may be older than what `complete` looks at.
    """
    partial = path.with_name(f".{path.name}.partial")  # one gate at a time: a dead one's is written over
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("w", encoding="utf-8", newline="") as file:
                write_content(file)
                file.flush()
                if os.fstat(file.fileno()).st_size > UNSYNCED_BYTES or path.exists():
                    os.fsync(file.fileno())
            partial.rename(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise IassError(f"The receipt {path.name} could not be written ({error.strerror}): run again.") from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _page(content: dict[str, Any], line: dict[str, Any], findings: list[dict[str, Any]]) -> str:
    return _template().render(
        receipt=content,
        line=line,
        findings=findings,
        n_findings=sum(rule["findings"] for rule in content["rules"]),
        sender_name=_sender_names().get(line["sender_code"] or ""),
        period=_period_it(line["period_code"]),
        csv_file=CSV_FILE,
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("orchestration.intake", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda value: f"{value:,}".replace(",", ".")
    environment.filters["moment"] = lambda value: datetime.fromisoformat(value).strftime("%d/%m/%Y, %H:%M:%S")
    environment.filters["day"] = lambda value: date.fromisoformat(value).strftime("%d/%m/%Y")
    environment.filters["breakable"] = lambda path: path.replace("/", "/\u200b")  # a long path may wrap after a slash
    environment.filters["seconds"] = lambda value: "–" if value is None else f"{value:.1f} s".replace(".", ",")
    return environment.get_template("receipt.html.j2")


@cache
def _sender_names() -> dict[str, str]:
    districts = reference.districts()
    names = dict(districts.select("district_code", "district").unique().iter_rows())
    names.update(districts.select("ausl_code", "ausl_name").unique().iter_rows())
    return {**names, "080": "Regione Emilia-Romagna"}


_MONTHS = (
    *("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno"),
    *("luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"),
)


def _period_it(code: str | None) -> str:
    """A period in words: `2013-03` is marzo 2013."""
    if code is None:
        return "–"
    if days := delivery_name.period("month", code):
        return f"{_MONTHS[days[0].month - 1]} {days[0].year}"
    if days := delivery_name.period("day", code):
        return f"{days[0].day} {_MONTHS[days[0].month - 1]} {days[0].year}"
    return code
