"""Whatever is wrong with a file or with the world around the gate: a clear answer, and no other delivery suffers."""

from __future__ import annotations

import errno
import gzip
import io
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import psycopg
import pytest
from deliveries import (
    MARKED_CODE,
    MARKED_NAME,
    NOML_HEADER,
    SENDER,
    contact,
    iass,
    put,
    put_iass,
    put_noml,
    rows,
    state,
)

from orchestration.errors import IassError
from orchestration.intake import archive, gate, records
from orchestration.warehouse import connection

GOOD = iass(contact("a"))
XML = f"IASS_{SENDER}_2013-03_001.xml"
CSV = f"NOML_{SENDER}_2013-02-01_001.csv"
LINE = "A;Pasti;03.04;2013-01-01;;\n"


def _zip(*members: tuple[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return file.getvalue()


#: name of the file, its bytes, the codes of the refusal
BAD_FILES = {
    "truncated": (XML, GOOD[:-40], ["IASS-016"]),
    "empty": (XML, "", ["IASS-002"]),
    "no record": (XML, iass(), ["IASS-002"]),
    "wrong encoding": (XML, GOOD.replace(MARKED_NAME, "PERCHÉ").encode("latin-1"), ["IASS-003"]),
    "declared encoding": (XML, GOOD.replace("UTF-8", "ISO-8859-1"), ["IASS-003"]),
    "utf-16": (XML, GOOD.encode("utf-16"), ["IASS-003"]),
    "wrong name": ("iass marzo.xml", GOOD, ["IASS-004"]),
    "format of another flow": (XML.replace("xml", "csv"), GOOD, ["IASS-004"]),
    "progressive zero": (XML.replace("001", "000"), GOOD, ["IASS-004"]),
    "unknown flow": (XML.replace("IASS", "IASX"), GOOD, ["IASS-005"]),
    "unknown sender": (XML.replace(SENDER, "99999"), GOOD, ["IASS-006"]),
    "sender of another flow": (XML.replace(SENDER, "080"), GOOD, ["IASS-007"]),
    "period of another flow": (XML.replace("2013-03", "2013-03-01"), GOOD, ["IASS-008"]),
    "month that does not exist": (XML.replace("2013-03", "2013-13"), GOOD, ["IASS-008"]),
    "period to come": (XML.replace("2013-03", "2999-03"), GOOD, ["IASS-009"]),
    "two mistakes in the name": (
        XML.replace("2013-03", "2013-13").replace(SENDER, "080"),
        GOOD,
        ["IASS-007", "IASS-008"],
    ),
    "another sender inside": (XML, iass(contact("a"), sender="10501"), ["IASS-010"]),
    "another period inside": (XML, iass(contact("a"), period="2013-04"), ["IASS-011"]),
    "another progressive inside": (XML, iass(contact("a"), progressive=2), ["IASS-012"]),
    "gap": (XML.replace("001", "002"), iass(contact("a"), progressive=2), ["IASS-014"]),
    "doctype": (XML, GOOD.replace("<Fl", "<!DOCTYPE x>\n<Fl", 1), ["IASS-015"]),
    "entity bomb": (
        XML,
        GOOD.replace("<Fl", '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>\n<Fl', 1),
        ["IASS-015"],
    ),
    "undeclared entity": (XML, GOOD.replace("ADA", "&ada;"), ["IASS-016"]),
    "wrong root": (XML, GOOD.replace("FlussoIASS", "Flusso"), ["IASS-017"]),
    "wrong structure": (XML, iass("<Gruppo>" + contact("a") + "</Gruppo>"), ["IASS-018"]),
    "version": (XML, GOOD.replace('versione="1.0"', 'versione="9.0"'), ["IASS-019"]),
    "deep nesting": (XML, iass("<Contatto>" + "<a>" * 5000 + "</a>" * 5000 + "</Contatto>"), ["IASS-020"]),
    "blank line before the declaration": (XML, "\n" + GOOD, ["IASS-031"]),
    "comment before the declaration": (XML, "\ufeff<!-- x -->" + GOOD, ["IASS-031"]),
    "nul byte": (XML, GOOD.replace("ADA", "A\0A"), ["IASS-021"]),
    "gz that ends early": (XML + ".gz", gzip.compress(GOOD.encode())[:-12], ["IASS-001"]),
    "gz that is none": (XML + ".gz", GOOD, ["IASS-001"]),
    "gz bomb": (CSV + ".gz", gzip.compress((NOML_HEADER + LINE * 700_000).encode()), ["NOML-024"]),
    "zip bomb": (CSV + ".zip", _zip(("x.csv", NOML_HEADER + LINE * 700_000)), ["NOML-024"]),
    "two members": (XML + ".zip", _zip(("a.xml", GOOD), ("b.xml", GOOD)), ["IASS-022"]),
    "path in the zip": (XML + ".zip", _zip(("../../x.xml", GOOD)), ["IASS-023"]),
    "zip that is none": (XML + ".zip", GOOD, ["IASS-001"]),
    "csv empty": (CSV, "", ["NOML-002"]),
    "csv header only": (CSV, NOML_HEADER, ["NOML-002"]),
    "csv nul": (CSV, NOML_HEADER + LINE.replace("Pasti", "Pa\0ti"), ["NOML-021"]),
    "csv encoding": (CSV, (NOML_HEADER + LINE.replace("Pasti", "Càsa")).encode("latin-1"), ["NOML-003"]),
    "csv columns": (CSV, NOML_HEADER.replace("nota", "note") + LINE, ["NOML-025", "NOML-026"]),
    "csv column twice": (CSV, NOML_HEADER.replace("nota", "nota;nota") + LINE, ["NOML-027"]),
    "csv shifted quotes": (CSV, NOML_HEADER + LINE.replace("Pasti", '"Pasti') + LINE, ["NOML-028"]),
    "csv short line": (CSV, NOML_HEADER + LINE.replace(";;", ";"), ["NOML-028"]),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_refused_whole_with_a_receipt(settings, tmp_path, case):
    name, content, codes = BAD_FILES[case]
    gate.intake(settings, [put_noml(tmp_path / "first")])
    before = state(settings)
    good = put_iass(tmp_path / "in", contact("g", day="2013-05-04"), period="2013-05")
    results = {r.file_name: r for r in gate.intake(settings, [put(tmp_path / "in", name, content), good])}
    result = results[name]
    assert result.outcome == "refused"
    found = rows(
        settings, "select distinct rule_code from landing.finding where delivery_id = %s order by 1", result.delivery_id
    )
    assert [code for (code,) in found] == codes
    for file in ("receipt.json", "findings.csv", "receipt.html"):
        written = (result.receipt_dir / file).read_text()
        assert MARKED_CODE not in written and MARKED_NAME not in written
    assert result.receipt_dir.is_relative_to(settings.receipts_dir)
    assert results[good.name].outcome == "accepted"
    after = state(settings)
    assert len(after["contact"]) == len(before["contact"]) + 1
    assert after["item"] == before["item"]


def test_a_byte_order_mark_and_formula_cells_do_no_harm(settings, tmp_path):
    content = "\ufeff" + NOML_HEADER + "A;=cmd|' /C calc'!A0;03.04;2013-01-01;;@x\n"
    results = gate.intake(settings, [put(tmp_path, CSV, content), put(tmp_path, XML, "\ufeff" + GOOD)])
    assert [r.outcome for r in results] == ["accepted", "accepted"]
    assert rows(settings, "select local_label from raw.noml__item") == [("=cmd|' /C calc'!A0",)]
    cells = [c for r in results for c in (r.receipt_dir / "findings.csv").read_text().replace("\r\n", ";").split(";")]
    assert not any(c.startswith(("=", "+", "-", "@")) for c in cells)


def test_ten_thousand_findings_reconcile(settings, tmp_path):
    bare = '<Contatto operazione="V"><IdContatto>k{}</IdContatto></Contatto>'
    [result] = gate.intake(settings, [put_iass(tmp_path, *(bare.format(i) for i in range(2500)), contact("a"))])
    assert result.records_sent == 2501 == result.records_accepted + result.records_discarded
    [(n,)] = rows(settings, "select count(*) from landing.finding")
    assert n > 10_000
    assert sum(1 for _ in (result.receipt_dir / "findings.csv").open()) == n + 1
    assert (result.receipt_dir / "receipt.html").stat().st_size < 200_000


def test_a_full_disk_at_the_archive_keeps_other_deliveries_in(settings, tmp_path, monkeypatch):
    store = archive._copy_and_hash
    seen = []

    def fail_once(source, target):
        if source.name == XML:
            raise OSError(errno.ENOSPC, "No space left on device")
        return store(source, target)

    monkeypatch.setattr(archive, "_copy_and_hash", fail_once)
    files = [
        put_noml(tmp_path),
        put(tmp_path, XML, GOOD),
        put_iass(tmp_path, contact("b", day="2013-04-04"), period="2013-04"),
    ]
    with pytest.raises(IassError, match="archive is full"):
        gate.intake(settings, files, on_delivery=seen.append)
    assert [r.outcome for r in seen] == ["accepted", "accepted"]
    monkeypatch.undo()
    assert [r.outcome for r in gate.intake(settings, [files[1]])] == ["accepted"]


def test_a_full_disk_at_the_load_leaves_nothing_half_loaded(settings, tmp_path, monkeypatch):
    gate.intake(settings, [put_noml(tmp_path)])
    before = state(settings)
    copy = records.copy_binary

    def fail(conn, table, frame):
        if table == "raw.iass__outcome":
            raise psycopg.errors.DiskFull("could not extend file")
        return copy(conn, table, frame)

    path = put_iass(settings.landing_dir / SENDER, contact("a"))
    monkeypatch.setattr(records, "copy_binary", fail)
    with pytest.raises(IassError, match="SQLSTATE 53100"):
        gate.intake(settings, [path])
    assert state(settings) == before
    assert path.exists()
    monkeypatch.undo()
    assert [r.outcome for r in gate.intake(settings, gate.pending(settings))] == ["accepted"]


def test_the_database_gone_in_the_middle_is_said_and_mended(settings, tmp_path, monkeypatch):
    gate.intake(settings, [put_noml(tmp_path)])
    before = state(settings)
    copy = records.copy_binary

    def cut(conn, table, frame):
        written = copy(conn, table, frame)
        if table == "raw.iass__demand" and len(frame) == 1:
            with connection.connect_admin(settings) as admin:
                admin.execute("select pg_terminate_backend(%s)", [conn.info.backend_pid])
        return written

    monkeypatch.setattr(records, "copy_binary", cut)
    cut_off = put_iass(tmp_path, contact("a"))
    other = put_iass(tmp_path, *(contact(key, day="2013-04-04") for key in "bc"), period="2013-04")
    seen = []
    with pytest.raises(IassError, match="run again"):
        gate.intake(settings, [cut_off, other], on_delivery=seen.append)
    assert [r.file_name for r in seen] == [other.name]
    monkeypatch.undo()
    assert len(state(settings)["contact"]) == len(before["contact"]) + 2
    assert gate.intake(settings, [cut_off])[0].outcome == "accepted"


INTAKE = "import sys; from pathlib import Path; from orchestration.settings import Settings; "
INTAKE += "from orchestration.intake import gate, read_xml; read_xml.BYTES_PER_BATCH = 35_000; s = Settings.load(); "
INTAKE += "gate.intake(s, [Path(p) for p in sys.argv[1:]] or gate.pending(s))"


def _start(settings, *paths: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", INTAKE, *map(str, paths)],
        env={**os.environ, **settings.environment()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_two_intakes_of_one_file_at_once_load_it_once(settings, tmp_path):
    gate.intake(settings, [put_noml(tmp_path)])
    path = put_iass(tmp_path, *(contact(f"k{i}") for i in range(300)))
    both = [_start(settings, path), _start(settings, path)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert rows(settings, "select count(*) from raw.iass__contact") == [(300,)]
    assert rows(settings, "select count(*) from landing.delivery where flow_code = 'IASS'") == [(1,)]
    assert rows(settings, "select count(*) from landing.delivery_repeat") == [(1,)]


def _fill(settings) -> None:
    landing = settings.landing_dir / SENDER
    put_noml(landing)
    for month in range(1, 5):
        records_ = [contact(f"m{month}-{i}", day=f"2013-0{month}-04") for i in range(300)]
        put_iass(landing, *records_, period=f"2013-0{month}")
        changes = [contact(f"m{month}-{i}", "VC"[i % 2], day=f"2013-0{month}-05") for i in range(0, 300, 7)]
        put_iass(landing, *changes, contact("none", "V"), period=f"2013-0{month}", progressive=2)


def test_a_gate_killed_at_any_moment_loses_doubles_and_halves_nothing(new_settings):
    clean, killed = new_settings(), new_settings()
    _fill(clean)
    began = time.monotonic()
    assert _start(clean).wait(120) == 0
    whole = time.monotonic() - began
    _fill(killed)
    chance = random.Random(7)  # noqa: S311 - chooses moments, protects nothing
    for _ in range(10):
        process = _start(killed)
        time.sleep(whole * chance.uniform(0.35, 0.95))
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert _start(killed).wait(120) == 0
    assert state(killed) == state(clean)
    assert rows(killed, "select count(*) from landing.delivery_repeat") == [(0,)]
    assert gate.pending(killed) == []

    def receipts(settings):
        return sorted(str(p.relative_to(settings.receipts_dir)) for p in settings.receipts_dir.rglob("receipt.*"))

    assert receipts(killed) == receipts(clean)
    assert not list(killed.home.rglob("*.partial"))
