"""Receipts: what the sender is told about a delivery, as JSON, CSV and a page to read and print.

Made from the database alone, after the commit, so a receipt that a dead gate left unwritten is written by the next one.
Values of records never come here: the database has none to give.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, TextIO

import jinja2
import psycopg

from orchestration.errors import IassError
from orchestration.intake import delivery_name, ledger, reference
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
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,120}")


def folder(settings: Settings, line: dict[str, Any]) -> Path:
    """Where the receipt of a line of the ledger lies. A second delivery under one name gets a folder of its own."""
    name = line["file_name"]
    stem = re.sub(r"(\.(xml|csv))?(\.(gz|zip))?$", "", name) or name
    if not _PLAIN.fullmatch(stem) or stem.startswith("."):
        # a name that is no name of ours: kept recognisable, made harmless
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", stem)[:60].lstrip(".")
        stem = f"{safe}-{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:8]}"
    attempt = "" if line["attempt"] == 1 else f"_{line['attempt']}"
    return settings.receipts_dir / (line["sender_code"] or UNKNOWN_SENDER) / f"{stem}{attempt}"


def is_written(settings: Settings, line: dict[str, Any]) -> bool:
    """Are all three files there? One that a power cut took before it was on the disk is missing or empty."""
    place = folder(settings, line)
    return all(_size(place / name) for name in (JSON_FILE, CSV_FILE, HTML_FILE))


def write(settings: Settings, conn: Connection, line: dict[str, Any]) -> Path:
    """Write (again) the receipt of a line of the ledger, with all its repeats."""
    content = _content(conn, line)
    place = folder(settings, line)
    place.mkdir(parents=True, exist_ok=True)
    top: list[dict[str, Any]] = []

    def write_findings(file: TextIO) -> None:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow(COLUMNS)
        for row in ledger.findings(conn, line["delivery_id"]):
            number, key, table, item, field, code, grade, sentence = row
            told = (number, key, table, item, _name_in_file(code, field), code, grade, sentence)
            if len(top) < FINDINGS_ON_PAGE:
                top.append(_shown(told))
            writer.writerow(map(_cell, told))

    _put(place / CSV_FILE, write_findings)
    _put(place / HTML_FILE, lambda file: file.write(_page(content, line, top)))
    _put(place / JSON_FILE, lambda file: json.dump(content, file, ensure_ascii=False, indent=2))
    return place


def complete(settings: Settings, conn: Connection, newest: int = 1000) -> int:
    """Write the receipts that are missing among the newest deliveries; returns how many."""
    missing = 0
    for line in ledger.newest(conn, newest):
        if not is_written(settings, line):
            write(settings, conn, line)
            missing += 1
    return missing


def write_due(settings: Settings, conn: Connection) -> None:
    """Write again the receipts of deliveries whose records have met another fate since they were answered."""
    for delivery_id in ledger.receipts_due(conn):
        line = ledger.delivery(conn, delivery_id)
        assert line is not None
        write(settings, conn, line)
        ledger.receipt_is_written(conn, delivery_id)


def read(settings: Settings, delivery: str) -> dict[str, Any]:
    """The receipt of a delivery, found by its number or the file name (the last one of that name), with its folder."""
    with connection.connect(settings, "loader", autocommit=True) as conn:
        delivery_id = int(delivery) if delivery.isdigit() else ledger.last_of_name(conn, delivery)
        line = ledger.delivery(conn, delivery_id) if delivery_id is not None else None
        if line is None:
            raise IassError("There is no such delivery: `iass deliveries` lists their numbers and file names.")
        return _content(conn, line) | {"folder": str(folder(settings, line))}


def _content(conn: Connection, line: dict[str, Any]) -> dict[str, Any]:
    repeats = ledger.repeats(conn, line["delivery_id"])
    n_waiting, waiting_until = ledger.waiting(conn, line["delivery_id"])
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
                "rule_code": rule["rule_code"],
                "grade": rule["grade"],
                "field": _name_in_file(rule["rule_code"], rule["field"]),
                "sentence": rule["sentence_it"],
                "findings": rule["findings"],
                "records": rule["records"],
            }
            for rule in ledger.findings_by_rule(conn, line["delivery_id"])
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
        with partial.open("w", encoding="utf-8", newline="") as file:
            write_content(file)
            file.flush()
            if os.fstat(file.fileno()).st_size > UNSYNCED_BYTES or path.exists():
                os.fsync(file.fileno())
        partial.rename(path)
    except OSError as error:
        raise IassError(f"The receipt {path.name} could not be written ({error.strerror}): run again.") from error
    finally:
        partial.unlink(missing_ok=True)


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
