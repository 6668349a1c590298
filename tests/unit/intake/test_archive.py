"""The archive keeps bytes as they came, and opens nothing that is not one plain, bounded member."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import zipfile
from functools import partial
from pathlib import Path

import pytest

from orchestration.errors import IassError
from orchestration.intake import archive
from orchestration.intake.delivery import FileRefused

#: A time in it would give each process that collects these tests other names for them.
_gz = partial(gzip.compress, mtime=0)


def _content(path: Path, name: str) -> bytes:
    with archive.open_member(path, name) as member:
        chunks = []
        while chunk := member.read(1000):
            chunks.append(chunk)
        return b"".join(chunks)


def _refusal(path: Path, name: str) -> str:
    with pytest.raises(FileRefused) as refused:
        _content(path, name)
    return refused.value.findings[0].condition


def _zip(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return file.getvalue()


def test_the_same_bytes_are_kept_once_under_their_hash(tmp_path):
    source = tmp_path / "a.xml"
    source.write_bytes(b"bytes")
    first = archive.store(tmp_path / "archive", source)
    second = archive.store(tmp_path / "archive", source)
    sha256 = hashlib.sha256(b"bytes").hexdigest()
    assert first == second
    assert first.path == tmp_path / "archive" / sha256[:2] / sha256[2:4] / sha256
    assert first.path.read_bytes() == b"bytes"
    assert [p for p in (tmp_path / "archive").rglob("*") if p.is_file()] == [first.path]


def test_a_damaged_archive_file_is_replaced(tmp_path):
    source = tmp_path / "a.xml"
    source.write_bytes(b"bytes")
    path = archive.store(tmp_path / "archive", source).path
    path.write_bytes(b"byt")
    archive.store(tmp_path / "archive", source)
    assert path.read_bytes() == b"bytes"


def test_a_full_disk_is_said_clearly_and_leaves_nothing(tmp_path, monkeypatch):
    source = tmp_path / "a.xml"
    source.write_bytes(b"bytes")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(IassError, match="archive is full"):
        patch.setattr(archive.Path, "rename", full)
        archive.store(tmp_path / "archive", source)
    assert not any(p.is_file() for p in (tmp_path / "archive").rglob("*"))
    monkeypatch.setattr(archive.os, "fsync", full)
    archived = archive.store(tmp_path / "archive", source)
    with pytest.raises(IassError, match="archive is full"):
        archived.settle()


def test_what_a_power_cut_spoilt_is_written_again(tmp_path):
    source = tmp_path / "a.xml"
    source.write_bytes(b"bytes")
    kept = archive.store(tmp_path / "archive", source)
    kept.settle()
    kept.path.write_bytes(b"\0" * 5)
    assert archive.store(tmp_path / "archive", source).path.read_bytes() == b"bytes"


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("x.xml", b"<a/>" * 5000),
        ("x.xml.gz", _gz(b"<a/>" * 5000)),
        ("x.xml.zip", _zip(("x.xml", b"<a/>" * 5000))),
    ],
)
def test_plain_gz_and_zip_give_the_same_content(tmp_path, name, packed):
    (tmp_path / "x").write_bytes(packed)
    assert _content(tmp_path / "x", name) == b"<a/>" * 5000


@pytest.mark.parametrize(
    ("name", "packed", "condition"),
    [
        ("x.xml", b"", "empty_file"),
        ("x.xml.gz", _gz(b"<a/>" * 5000)[:-20], "unreadable"),
        ("x.xml.gz", b"no gzip at all", "unreadable"),
        ("x.xml.gz", _gz(b"a") + _gz(b"b"), "several_members"),
        ("x.xml.gz", _gz(b"a") + b"tail", "unreadable"),
        ("x.xml.gz", _gz(b"\0" * (40 << 20)), "archive_too_large"),
        ("x.xml.zip", b"no zip at all", "unreadable"),
        ("x.xml.zip", _zip(("a.xml", b"a"), ("b.xml", b"b")), "several_members"),
        ("x.xml.zip", _zip(), "empty_file"),
        ("x.xml.zip", _zip(("../../etc/x.xml", b"a")), "archive_path"),
        ("x.xml.zip", _zip(("/x.xml", b"a")), "archive_path"),
        ("x.xml.zip", _zip(("C:x.xml", b"a")), "archive_path"),
        ("x.xml.zip", _zip(("x.xml", b"\0" * (40 << 20))), "archive_too_large"),
    ],
)
def test_what_is_not_one_plain_member_is_refused(tmp_path, name, packed, condition):
    (tmp_path / "x").write_bytes(packed)
    assert _refusal(tmp_path / "x", name) == condition


def test_a_link_in_a_zip_is_refused(tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        link = zipfile.ZipInfo("x.xml")
        link.external_attr = 0o120777 << 16
        packed.writestr(link, "/etc/passwd")
    (tmp_path / "x").write_bytes(file.getvalue())
    assert _refusal(tmp_path / "x", "x.xml.zip") == "archive_path"
