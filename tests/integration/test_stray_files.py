"""Files whose names say no flow, sender or period, and files that are none: each is answered or left, and no later
build or intake minds."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from deliveries import SENDER, contact, iass, put, put_iass, put_noml, rows

from orchestration.errors import IassError
from orchestration.intake import archive, gate, landing, records
from orchestration.settings import Settings
from orchestration.warehouse import connection, dbt

GOOD = iass(contact("a"))
#: Names of files in the folder of a sender, with flow and period that can still be told.
STRAY = {
    "leggimi.txt": (None, None),
    "iass bologna aprile.xml": (None, None),
    f"IASX_{SENDER}_2013-03_001.xml": (None, None),
    "IASS_99999_2013-03_001.xml": ("IASS", "2013-03"),
    f"IASS_{SENDER}_2013-4_001.xml": ("IASS", None),
    f"IASS_{SENDER}_2013-13_001.xml": ("IASS", None),
    f"IASS_{SENDER}_2013-03_001.XML": ("IASS", None),
    f"IASS_{SENDER}_2013-03_001 (1).xml": ("IASS", None),
    f"IASS_{SENDER}_2013-03_001.xml~": ("IASS", None),
    f"IASS_{SENDER}_2013-03_001.xml.p7m": ("IASS", None),
    f"IASS_{SENDER}_2013-03_001_2": ("IASS", None),
    "IASS\x1b[31m_rosso.xml": (None, None),
    "\u202elmx.rovescia.xml": (None, None),
    "perch\udce8.xml": (None, None),
    "[bold]grassetto[red].xml": (None, None),
    "a\nb.xml": (None, None),
    "n" * 250 + ".xml": (None, None),
    "x" * 80 + ".csv": (None, None),
    ".xml": (None, None),
    "=1+1.csv": (None, None),
}
#: Files that systems and programs leave: nobody's delivery.
OF_SYSTEMS = [".DS_Store", f".IASS_{SENDER}_2013-03_001.xml.swp", "~$nota.xlsx", "Thumbs.db", "desktop.ini"]
UNFINISHED = [f"IASS_{SENDER}_2013-03_002.xml{end}" for end in (".part", ".tmp", ".filepart", ".crdownload", ".PART")]


def built(settings: Settings, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """What the build has made, which the gate's own role may not read."""
    with connection.connect(settings, "transformer") as conn:
        return conn.execute(psycopg.sql.SQL(query), parameters or None).fetchall()


def put_all(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        (folder / name).write_text(f"no delivery {number}")


def test_each_kind_of_stray_name_is_answered_and_counted_and_harms_no_build(settings, capsys):
    folder = settings.landing_dir / SENDER
    strays = [name for name in STRAY if not name.startswith(".")]
    put_noml(folder)
    put_iass(folder, contact("a"))
    put_all(folder, strays)
    put_all(settings.landing_dir, ["nobody.txt", "NAAR_080_oggi_001.csv"])
    put_all(folder, OF_SYSTEMS + UNFINISHED)
    left: dict[str, str] = {}
    results = {r.file_name: r for r in gate.intake(settings, [settings.landing_dir], on_left=left.__setitem__)}
    assert sorted(path.name for path in folder.iterdir()) == sorted(OF_SYSTEMS + UNFINISHED)
    assert left == dict.fromkeys(UNFINISHED, landing.UNFINISHED)
    assert sorted(r.file_name for r in results.values() if r.outcome == "accepted") == sorted(
        [f"NOML_{SENDER}_2013-01-01_001.csv", f"IASS_{SENDER}_2013-03_001.xml"]
    )
    places = [result.receipt_dir for result in results.values()]
    assert len(set(places)) == len(places) == len(strays) + 4
    for name in strays:
        result = results[landing.shown(name)]
        assert result.file_name.isprintable()
        expected = "99999" if "99999" in name else SENDER
        assert (result.outcome, result.sender_code or expected) == ("refused", SENDER), name
        assert (result.receipt_dir / "receipt.html").stat().st_size
    assert results["nobody.txt"].sender_code is None

    dbt.build(settings)
    told = built(settings, "select 1 from landing.delivery where outcome = 'refused'")
    assert len(told) == len(strays) + 2
    counted = built(
        settings,
        "select sum(n_findings)::int,"
        " bool_and(flow_code is not null and sender_code is not null and month_on is not null"
        " and rule_code is not null) from quality.dq_finding_monthly where grade = 'FILE'",
    )
    assert counted == [(len(built(settings, "select 1 from landing.finding where grade = 'FILE'")), True)]
    unknown = built(settings, "select flow_code, sender_code, month_on::text from quality.dq_finding_monthly")
    assert ("-1", "-1", "1900-01-01") in unknown and ("IASS", SENDER, "1900-01-01") in unknown
    for name, (flow, period) in STRAY.items():
        if name in strays:
            found = built(
                settings,
                "select q.flow_code, q.period_code, q.days_late is null or q.period_start_on is not null"
                " from quality.dq_delivery as q inner join landing.delivery as d using (delivery_id)"
                " where d.file_name = %s",
                landing.shown(name),
            )
            assert found == [(flow or "-1", period or "-1", True)], name
    put_all(folder, ["later.txt"])
    gate.intake(settings, [settings.landing_dir])
    dbt.build(settings)


@pytest.mark.parametrize("name", [*STRAY, *OF_SYSTEMS])
def test_a_stray_file_that_a_person_names_is_refused(settings, tmp_path, name):
    path = put(tmp_path / SENDER, "x", "no delivery").rename(tmp_path / SENDER / name)
    for outcome in ("refused", "repeated"):
        (result,) = gate.intake(settings, [path])
        assert (result.outcome, result.is_turned_away) == (outcome, True)
    assert result.receipt_dir.parent.parent == settings.receipts_dir


def test_names_are_shown_without_what_moves_a_terminal():
    assert landing.shown("a\x1b[31m\u202e\udce8\\") == "a\\x1b[31m\\u{202e}\\xe8\\\\"
    assert landing.shown("perché 日本.xml") == "perché 日本.xml"
    strange = ["\\x1b", "\x1b", "\x1c", "\u00a0", "\udca0", "\\u{a0}"]
    assert len({landing.shown(name) for name in strange}) == len(strange)


def test_links_pipes_and_folders_are_left(settings, tmp_path):
    folder = settings.landing_dir / SENDER
    good = put_iass(folder, contact("a"))
    secret = put(tmp_path, "secret", "the key")
    (folder / f"IASS_{SENDER}_2013-04_001.xml").symlink_to(secret)
    (folder / "linked").symlink_to(tmp_path)
    os.mkfifo(folder / f"IASS_{SENDER}_2013-05_001.xml")
    (folder / f"IASS_{SENDER}_2013-06_001.xml").mkdir()
    left: dict[str, str] = {}
    results = gate.intake(settings, [settings.landing_dir], on_left=left.__setitem__)
    assert [r.file_name for r in results] == [good.name]
    assert left == {
        f"IASS_{SENDER}_2013-04_001.xml": landing.LINK,
        "linked": landing.LINK,
        f"IASS_{SENDER}_2013-05_001.xml": landing.NO_FILE,
    }
    assert not any(path.read_bytes() == b"the key" for path in settings.archive_dir.rglob("*") if path.is_file())
    with pytest.raises(landing.LeftAlone, match="link"):
        archive.store(settings.archive_dir, folder / f"IASS_{SENDER}_2013-04_001.xml")


def test_a_file_that_is_gone_before_its_turn_costs_nothing(settings, monkeypatch):
    folder = settings.landing_dir / SENDER
    gone, good = put_iass(folder, contact("a")), put_iass(folder, contact("b", day="2013-04-04"), period="2013-04")
    sheaves = gate._sheaves
    monkeypatch.setattr(gate, "_sheaves", lambda *a: (gone.unlink(missing_ok=True), sheaves(*a))[1])
    left: dict[str, str] = {}
    assert [r.file_name for r in gate.intake(settings, [folder], on_left=left.__setitem__)] == [good.name]
    assert left == {gone.name: landing.GONE}
    assert rows(settings, "select count(*) from landing.delivery") == [(1,)]


class TestAFileStillBeingWritten:
    def test_is_left_until_it_has_come_to_rest(self, settings):
        resting = type(settings)(**{**settings.__dict__, "rest_seconds": 3600})
        path = put_iass(settings.landing_dir / SENDER, contact("a"))
        left: dict[str, str] = {}
        assert gate.pending(resting) == []
        assert gate.intake(resting, [settings.landing_dir], on_left=left.__setitem__) == []
        assert gate.intake(resting, [path], on_left=left.__setitem__) == [], "it is looked at again at its turn"
        assert left == {path.name: landing.NOT_AT_REST} and path.exists()
        os.utime(path, (0, 0))  # a copy that keeps the times of its original
        assert gate.pending(resting) == []
        assert [r.outcome for r in gate.intake(resting, [path], by_hand=True)] == ["nothing_loaded"]

    def test_rest_is_counted_from_the_last_change(self, tmp_path):
        seen = landing.look(put(tmp_path, "a", "x"))
        assert not seen.is_at_rest(time.time(), 15)
        assert seen.is_at_rest(time.time() + 16, 15) and seen.is_at_rest(time.time(), 0)
        assert not seen.is_at_rest(time.time() - 3600, 15), "a clock that runs ahead"

    def test_is_left_when_it_grows_while_it_is_read(self, settings, monkeypatch):
        path = put_iass(settings.landing_dir / SENDER, contact("a"))
        chunk = archive._chunk

        def grow(reader):
            data = chunk(reader)
            if data:
                with path.open("ab") as file:
                    file.write(b" ")
            return data

        monkeypatch.setattr(archive, "_chunk", grow)
        left: dict[str, str] = {}
        size = path.stat().st_size
        monkeypatch.setattr(archive, "CHUNK", 1 << 10)
        assert gate.intake(settings, [path], by_hand=True, on_left=left.__setitem__) == []
        assert left == {path.name: landing.CHANGED} and path.stat().st_size > size
        assert rows(settings, "select count(*) from landing.delivery") == [(0,)]
        assert not [p for p in settings.archive_dir.rglob("*") if p.is_file()]

    @pytest.mark.parametrize("how", ["more", "same size", "another file"])
    def test_stays_when_it_is_written_again_before_it_is_taken_away(self, settings, monkeypatch, how):
        put_noml(settings.landing_dir / SENDER)
        gate.intake(settings, [settings.landing_dir])
        path = put_iass(settings.landing_dir / SENDER, contact("a"))
        first = path.read_bytes()
        second = first.replace(b"ADA", b"EVA") + (b"\n" if how == "more" else b"")
        written = gate.answer

        def write_again(*arguments):
            if how == "another file":
                put(settings.home, "draft", second).replace(path)
            else:
                path.write_bytes(second)
                os.utime(path, (1, 1))
            return written(*arguments)

        monkeypatch.setattr(gate, "answer", write_again)
        left: dict[str, str] = {}
        (result,) = gate.intake(settings, [path], on_left=left.__setitem__)
        assert result.outcome == "accepted" and left == {path.name: landing.NEWER}
        assert path.read_bytes() == second, "what nobody has read is not removed"
        monkeypatch.undo()
        (again,) = gate.intake(settings, [path])
        assert again.outcome == "refused" and not path.exists()


class TestAnErrorOfOurs:
    @pytest.fixture
    def broken(self, settings, monkeypatch):
        """A reader that stumbles over the files of one month."""
        put_noml(settings.landing_dir / SENDER)
        gate.intake(settings, [settings.landing_dir])
        layout = records._expected

        def stumble(delivery, contract):
            if delivery.period_code == "2013-03":
                raise AssertionError("RSSMRA50A01A944C")
            return layout(delivery, contract)

        monkeypatch.setattr(records, "_expected", stumble)
        return monkeypatch

    def test_sets_one_file_aside_and_no_other(self, settings, broken):
        folder = settings.landing_dir / SENDER
        bad = put_iass(folder, contact("a"))
        put_iass(folder, contact("b", day="2013-04-04"), period="2013-04")
        seen = []
        for _ in range(2):
            with pytest.raises(gate.FilesSetAside, match=r"IASS_10502_2013-03_001\.xml.*AssertionError") as told:
                gate.intake(settings, [folder], on_delivery=seen.append)
            assert "RSSMRA" not in str(told.value)
        assert [r.outcome for r in seen] == ["accepted"]
        assert bad.exists()
        lines = "select file_name, error_type, sender_code, sha256, records_sent from landing.delivery"
        assert rows(settings, f"{lines} where outcome = 'failed'") == [(bad.name, "AssertionError", SENDER, None, 0)]
        broken.undo()
        assert [r.outcome for r in gate.intake(settings, [folder])] == ["accepted"]
        assert rows(settings, f"{lines} where outcome = 'failed'") == []
        assert not bad.exists()

    def test_of_files_taken_in_together_costs_none_of_the_others(self, settings, broken):
        paths = []
        for sender in ("10501", "10502", "10503"):
            put_noml(settings.home / "noml", sender=sender)
            content = iass(contact("a", day="2013-04-04"), sender=sender, period="2013-04")
            paths.append(put(settings.landing_dir / sender, f"IASS_{sender}_2013-04_001.xml", content))
        gate.intake(settings, [settings.home / "noml"])
        broken.undo()
        layout = records._expected

        def stumble(delivery, contract):
            if delivery.sender_code == "10501":
                raise IndexError
            return layout(delivery, contract)

        broken.setattr(records, "_expected", stumble)
        seen = []
        with pytest.raises(gate.FilesSetAside, match="IASS_10501_2013-04_001"):
            gate.intake(settings, [settings.landing_dir], on_delivery=seen.append)
        assert sorted(r.sender_code for r in seen) == ["10502", "10503"]

    def test_a_file_that_the_system_does_not_give_is_set_aside(self, settings, broken, monkeypatch):
        path = put_iass(settings.landing_dir / SENDER, contact("b", day="2013-04-04"), period="2013-04")

        def denied(_):
            raise archive.Unreadable("PermissionError")

        monkeypatch.setattr(archive, "_opened", denied)
        with pytest.raises(gate.FilesSetAside, match="PermissionError"):
            gate.intake(settings, [path])
        assert rows(settings, "select error_type from landing.delivery where outcome = 'failed'") == [
            ("PermissionError",)
        ]

    def test_a_file_that_cannot_be_taken_away_is_answered_and_told(self, settings, broken, monkeypatch):
        put_iass(settings.landing_dir / SENDER, contact("b", day="2013-04-04"), period="2013-04")
        later = put_iass(settings.landing_dir / SENDER, contact("c", day="2013-05-04"), period="2013-05")
        unlink = Path.unlink

        def denied(path, missing_ok=False):
            if "2013-04" in path.name:
                raise PermissionError(errno.EACCES, "Permission denied")
            unlink(path, missing_ok)

        monkeypatch.setattr(Path, "unlink", denied)
        for n_results in (2, 1):
            seen = []
            with pytest.raises(IassError, match="could not be removed"):
                gate.intake(settings, [settings.landing_dir], on_delivery=seen.append)
            assert [r.outcome for r in seen] == ["accepted"] * n_results
        assert not later.exists()
        assert rows(settings, "select count(*) from landing.delivery where flow_code = 'IASS'") == [(2,)]
        assert rows(settings, "select count(*) from landing.delivery_repeat") == [(0,)]
