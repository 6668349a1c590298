"""The archive: every delivery's bytes, unchanged, under their SHA-256, before anything else is done with them.

Storing bytes and reading them back safely (one member, bounded size) belongs here; what the bytes mean does not.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import time
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from orchestration.errors import IassError
from orchestration.intake import landing
from orchestration.intake.delivery import FileRefused

CHUNK = 1 << 20
#: A scale-1 registry is 0.4 GB and a year's IASS far less: what unpacks to more is not a delivery.
MAX_UNPACKED_BYTES = 8 << 30
#: Real XML of these flows packs at 20-40 to 1; deflate can reach 1,032 to 1. Small files are left alone.
MAX_RATIO = 200
RATIO_FREE_BYTES = 16 << 20
#: Others are rare, and the library unpacks as much of them at once as a few bytes may become: gigabytes of bzip2.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)

#: No file system that we know tells times apart worse than this.
_COARSE_SECONDS = 2.0


class Unreadable(Exception):
    """The system does not give the bytes of a file (rights, a broken disk). Says the kind of the error only."""


class Readable(Protocol):
    """All that the readers need of an open member. Without a size: all of it if nothing is packed, else a chunk."""

    def read(self, size: int = -1, /) -> bytes: ...


#: Waits for the disk beside the gate, which reads and checks meanwhile.
_SYNCING = ThreadPoolExecutor(1, thread_name_prefix="archive")
#: Hashes what is being written: each takes a processor about as long.
_HASHING = ThreadPoolExecutor(1, thread_name_prefix="archive-hash")


@dataclass(frozen=True)
class Archived:
    """Where the bytes of one file lie. They are on the disk for certain after `settle`: call it before the commit of
    whatever says that the file has arrived."""

    sha256: str
    size_bytes: int
    path: Path
    name: str
    seen: landing.Seen  # the file that was copied, as it stood while it was read
    read_at: float = field(compare=False)
    syncing: Future[None] = field(compare=False)

    def settle(self) -> None:
        """Wait until a power cut can take nothing of the file any more."""
        try:
            self.syncing.result()
        except OSError as error:
            raise _failure(self.name, error) from error


def archive_path(archive_dir: Path, sha256: str) -> Path:
    return archive_dir / sha256[:2] / sha256[2:4] / sha256


def store(archive_dir: Path, source: Path) -> Archived:
    """Copy `source` into the archive; the same bytes twice are one file. Whole or not at all, whatever dies.

    Raises `landing.LeftAlone` for what is no plain file or changes while it is read, and `Unreadable` for a file that
    the system will not give."""
    name = landing.shown(source.name)
    try:
        archive_dir.mkdir(parents=True, exist_ok=True)
        partial = archive_dir / f".{uuid.uuid4().hex}.partial"
        try:
            read_at = time.time()
            sha256, size, seen = _copy_and_hash(source, partial)
            target = archive_path(archive_dir, sha256)
            # what was there before a power cut may have its size and not its content
            if not (target.exists() and target.stat().st_size == size and _hash(target) == sha256):
                target.parent.mkdir(parents=True, exist_ok=True)
                partial.rename(target)
            return Archived(sha256, size, target, name, seen, read_at, _SYNCING.submit(_sync, target))
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise _failure(name, error) from error


def _failure(name: str, error: OSError) -> IassError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return IassError(
            f"{name}: the archive is full, nothing of the file was taken in: free some space and run again."
        )
    return IassError(f"{name}: it could not be archived ({error.strerror}). Nothing of it was taken in.")


def sweep(archive_dir: Path) -> None:
    """Remove what a gate that died while copying has left. For the one gate at work only."""
    for partial in archive_dir.glob(".*.partial"):
        partial.unlink(missing_ok=True)


def _copy_and_hash(source: Path, target: Path) -> tuple[str, int, landing.Seen]:
    digest = hashlib.sha256()
    size = 0
    with _opened(source) as reader, target.open("xb") as writer:
        seen = landing.plain(os.fstat(reader.fileno()))
        while chunk := _chunk(reader):
            hashed = _HASHING.submit(digest.update, chunk)
            writer.write(chunk)
            size += len(chunk)
            hashed.result()
            if size > seen.size:  # it may grow as fast as it is read
                break
        if size != seen.size or landing.Seen.of(os.fstat(reader.fileno())) != seen:
            raise landing.LeftAlone(landing.CHANGED)
    return digest.hexdigest(), size, seen


def _opened(source: Path) -> BinaryIO:
    """The file itself, never what a link points to; a pipe would keep the gate waiting."""
    try:
        return os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except (FileNotFoundError, NotADirectoryError):
        raise landing.LeftAlone(landing.GONE) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise landing.LeftAlone(landing.LINK) from None
        raise Unreadable(type(error).__name__) from error


def _chunk(reader: BinaryIO) -> bytes:
    try:
        return reader.read(CHUNK)
    except IsADirectoryError:
        raise landing.LeftAlone(landing.NO_FILE) from None
    except OSError as error:
        raise Unreadable(type(error).__name__) from error


def is_same(path: Path, archived: Archived) -> bool:
    """Does the file still hold what was archived of it? The times of a file that had been at rest tell; of one that was
    written just before it was read they may be too coarse, and the bytes are asked."""
    try:
        seen = landing.look(path)
        if seen != archived.seen:
            return False
        return seen.is_at_rest(archived.read_at, _COARSE_SECONDS) or _hash(path) == archived.sha256
    except (landing.LeftAlone, OSError):
        return False


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """The file first, then its name in the folder."""
    for place in (path, path.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def open_member(path: Path, file_name: str) -> Iterator[Readable]:
    """The content of an archived delivery, unpacked as its name says, as a bounded stream.

    Raises `FileRefused` for what is not the one plain member it should be, here or while reading.
    """
    if path.stat().st_size == 0:
        raise FileRefused("empty_file")
    with path.open("rb") as file:
        if file_name.endswith(".gz"):
            yield _Gunzip(file, path.stat().st_size)
        elif file_name.endswith(".zip"):
            with _open_zip(file) as member:
                yield _Bounded(member, path.stat().st_size)
        else:
            _refuse_bomb(path.stat().st_size, None)
            yield _Bounded(file, None)


@contextlib.contextmanager
def _open_zip(file: IO[bytes]) -> Iterator[Readable]:
    with _unpacking():
        archive = zipfile.ZipFile(file)
    with contextlib.closing(archive):
        members = archive.infolist()
        if len(members) > 1:
            raise FileRefused("several_members")
        if not members:
            raise FileRefused("empty_file")
        member = members[0]
        name = member.orig_filename
        mode = member.external_attr >> 16
        if member.is_dir() or stat.S_ISLNK(mode) or any(c in name for c in "/\\:\0") or name in ("", ".", ".."):
            raise FileRefused("archive_path")
        if member.file_size > MAX_UNPACKED_BYTES:
            raise FileRefused("archive_too_large")
        if member.compress_type not in _METHODS:
            raise FileRefused("unreadable")
        with _unpacking():
            content = archive.open(member)
        with contextlib.closing(content):
            yield _Unzip(content)


@contextlib.contextmanager
def _unpacking() -> Iterator[None]:
    """The library under its own roof: whatever it stumbles over in damaged bytes (a name that is no text, a number out
    of range, an unknown method, encryption, a broken stream of any method) is an archive that cannot be read."""
    try:
        yield
    except (FileRefused, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # our disk, not their bytes
        raise FileRefused("unreadable") from error


class _Unzip:
    """The one member of a zip file."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        with _unpacking():
            return self._stream.read(size)


class _Bounded:
    """A stream that is refused when it grows past what a delivery may be."""

    def __init__(self, stream: Readable, packed_bytes: int | None) -> None:
        self._stream = stream
        self._packed_bytes = packed_bytes
        self._bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(CHUNK if size < 0 and self._packed_bytes is not None else size)
        self._bytes += len(data)
        _refuse_bomb(self._bytes, self._packed_bytes)
        return data


class _Gunzip:
    """One gzip member, unpacked chunk by chunk; a second member or anything after it is refused."""

    def __init__(self, stream: Readable, packed_bytes: int) -> None:
        self._stream = stream
        self._packed_bytes = packed_bytes
        self._bytes = 0
        self._inflate = zlib.decompressobj(wbits=31)

    def read(self, size: int = -1, /) -> bytes:
        size = CHUNK if size < 0 else size
        if size == 0:
            return b""
        inflate = self._inflate
        try:
            while not inflate.eof:
                packed = inflate.unconsumed_tail or self._stream.read(CHUNK)
                if not packed:
                    raise FileRefused("unreadable")  # ends in the middle
                data = inflate.decompress(packed, size)
                if data:
                    self._bytes += len(data)
                    _refuse_bomb(self._bytes, self._packed_bytes)
                    return data
        except zlib.error as error:
            raise FileRefused("unreadable") from error
        rest = inflate.unused_data or self._stream.read(CHUNK)
        if rest.startswith(b"\x1f\x8b"):
            raise FileRefused("several_members")
        if rest.strip(b"\0"):  # tapes pad with zeros
            raise FileRefused("unreadable")
        return b""


def _refuse_bomb(unpacked: int, packed: int | None) -> None:
    if unpacked > MAX_UNPACKED_BYTES:
        raise FileRefused("archive_too_large")
    if packed is not None and unpacked > RATIO_FREE_BYTES and unpacked > packed * MAX_RATIO:
        raise FileRefused("archive_too_large")
