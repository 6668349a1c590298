"""Files before the gate: which of them may be taken now, which are left where they are, and what is said about those.

Looks at names and at what the file system says of a file, never into one. What a name means is in `delivery_name`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

#: Files that systems and programs leave behind. They are nobody's delivery: no line in the ledger, no receipt, no word.
_OF_SYSTEMS = re.compile(
    r"\..*|~\$.*|thumbs\.db|ehthumbs\.db|desktop\.ini|__macosx|lost\+found|\$recycle\.bin|system volume information",
    re.IGNORECASE,
)
#: Files that somebody is still writing, by the names that copying tools use.
_UNFINISHED = re.compile(r".*\.(part|partial|tmp|filepart|crdownload)", re.IGNORECASE)

UNFINISHED = "somebody is still writing it, by its name"
NOT_AT_REST = "it changed a moment ago: somebody may still be writing it"
CHANGED = "it changed while it was read: somebody is still writing it"
NEWER = "it was written again while it was taken in: what it holds now comes next"
GONE = "it is gone"
LINK = "it is a link: put the file itself there"
NO_FILE = "it is no plain file"
CLOSED = "it may not be read"


class LeftAlone(Exception):
    """A file that the gate does not take now, with the reason. It stays where it is; nothing about it is written."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Seen:
    """What tells one state of a file from another. The time of change of the inode moves with every write, and no
    sender can set it back."""

    inode: int
    size: int
    written_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Seen:
        return cls(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def is_at_rest(self, now: float, rest_seconds: float) -> bool:
        """Has nobody touched the file for so long?"""
        return rest_seconds <= 0 or now - self.changed_ns / 1e9 >= rest_seconds


def shown(name: str) -> str:
    """A file name that can be printed and stored: what moves a cursor, turns the direction of writing or is no text at
    all is written as its number. Two names never come out as one."""
    return "".join(letter if letter.isprintable() and letter != "\\" else _escaped(letter) for letter in name)


def _escaped(letter: str) -> str:
    number = ord(letter)
    if letter == "\\":
        return "\\\\"
    if 0xDC80 <= number <= 0xDCFF:  # a byte that is not UTF-8, as Python reads it from the file system
        number -= 0xDC00
    elif number >= 0x80:
        return f"\\u{{{number:x}}}"
    return f"\\x{number:02x}"


def files(paths: Iterable[Path], now: float, rest_seconds: float) -> tuple[list[Path], dict[Path, str]]:
    """Files that may be taken, and those that are left with the reason. Folders are searched; a file that is named
    itself is taken unless it is no plain file."""
    found: dict[Path, None] = {}
    left: dict[Path, str] = {}
    for path in paths:
        named = not os.path.isdir(path)
        for file in [path] if named else _below(path, left):
            try:
                seen = look(file)
                if not named and _UNFINISHED.fullmatch(file.name):
                    raise LeftAlone(UNFINISHED)
                if not named and not seen.is_at_rest(now, rest_seconds):
                    raise LeftAlone(NOT_AT_REST)
                found[file] = None
            except LeftAlone as alone:
                left[file] = alone.reason
    return list(found), left


def look(path: Path) -> Seen:
    """What the file system says of a plain file, links not followed."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        raise LeftAlone(GONE) from None
    except PermissionError:
        raise LeftAlone(CLOSED) from None
    return plain(status)


def plain(status: os.stat_result) -> Seen:
    """The state of a plain file. Raises `LeftAlone` for links, pipes and all else."""
    if stat.S_ISLNK(status.st_mode):
        raise LeftAlone(LINK)
    if not stat.S_ISREG(status.st_mode):
        raise LeftAlone(NO_FILE)
    return Seen.of(status)


def _below(folder: Path, left: dict[Path, str]) -> Iterator[Path]:
    """What stands in a folder and below it, but for what systems leave. Links to folders are not gone into."""

    def note(error: OSError) -> None:
        left[Path(error.filename)] = CLOSED

    for where, folders, names in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if not _OF_SYSTEMS.fullmatch(name)]
        links = [name for name in folders if os.path.islink(os.path.join(where, name))]
        yield from (Path(where, name) for name in names + links if not _OF_SYSTEMS.fullmatch(name))
