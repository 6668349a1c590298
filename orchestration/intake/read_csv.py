"""CSV deliveries into columns: Polars frames of text, some megabytes of the file at a time, with the fields named as in
the contract.

Only the form of the file is judged here (encoding, header, quoting, number of fields). A file whose columns may have
shifted is refused as a whole: what stands in a shifted column looks right too often to be told record by record. What
spreadsheets add without harm is passed over: `sep=;`, headers in capitals, blanks round values, empty lines.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from orchestration.intake.archive import MAX_UNPACKED_BYTES, Readable
from orchestration.intake.contract import Contract
from orchestration.intake.delivery import FileFinding, FileRefused

SEPARATOR = ";"
#: What is read and judged at a time: some ten thousand records. What is read whole is one part: putting together costs.
BYTES_PER_PART = 8 << 20
WHOLE = MAX_UNPACKED_BYTES
#: A record takes some hundred bytes. A quote that does not close for so long never will.
MAX_BYTES_PER_RECORD = 8 << 20
MAX_HEADER_BYTES = 1 << 16

_BOM = b"\xef\xbb\xbf"
#: What may follow the last record: empty lines, and the mark by which old systems end a file.
_AFTER_THE_END = b" \t\r\n\x1a"
_CHUNK = 1 << 20
_BLOCK = 1 << 18
_SEP_LINE = re.compile(r'\s*"?sep=(?P<separator>.?)"?\s*', re.IGNORECASE)
_OTHER_SEPARATORS = ",\t|"
#: One record of RFC 4180. Possessive, so that a quote that never closes costs one pass and no more.
_RECORD = re.compile(
    rb'(?:"(?:[^"]++|"")*+"|[^";\r\n]*+)(?:;(?:"(?:[^"]++|"")*+"|[^";\r\n]*+))*+(?:\r?\n|\Z)',
)
_LINE = r'^(?:"(?:[^"]|"")*"|[^";]*)(?:;(?:"(?:[^"]|"")*"|[^";]*))*$'
_EMPTY = re.compile(rb"[;\s]*+")
_EMPTY_LINE = re.compile(rb"^[; \t\r]*+(?:\n|\Z)", re.MULTILINE)


def read(stream: Readable, contract: Contract) -> pl.DataFrame:
    """All records of a file: `record_number` (1-based, the header not counted) and one text column per field.

    Missing and empty are null, blanks round a value are left out. Raises `FileRefused` for whatever is broken beyond a
    record.
    """
    return pl.concat(batches(stream, contract, WHOLE))


def batches(stream: Readable, contract: Contract, bytes_per_part: int = BYTES_PER_PART) -> Iterator[pl.DataFrame]:
    """As `read`, some of the records at a time, in memory that does not grow with the file."""
    n_records = 0
    for columns, part in _parts(stream, contract, bytes_per_part):
        try:
            frame = _records(part, columns)
        except FileRefused as refusal:
            raise FileRefused(*(_moved(found, n_records) for found in refusal.findings)) from refusal
        if frame.height:
            yield frame.with_row_index("record_number", n_records + 1).cast({"record_number": pl.Int64})
        n_records += frame.height
    if not n_records:
        raise FileRefused("empty_file")


def _moved(found: FileFinding, n_records: int) -> FileFinding:
    """A finding of a part, with the number that its record has in the file."""
    return replace(found, record_number=found.record_number + n_records) if found.record_number else found


def _parts(stream: Readable, contract: Contract, bytes_per_part: int) -> Iterator[tuple[list[str], bytes]]:
    """The bytes after the header in parts of whole records, with the columns that the header gives."""
    pieces = _pieces(stream)
    head = b""
    for piece in pieces:
        head += piece
        if len(head) > MAX_HEADER_BYTES:
            break
    if not head.strip(_AFTER_THE_END):
        raise FileRefused("empty_file")
    columns, rest = _header(head, contract)
    while True:
        data, has_ended = _joined(rest, pieces, bytes_per_part)
        if has_ended:
            yield columns, _without_end(data)
            return
        end = _end_of_last_record(data)
        if end:
            yield columns, data[:end]
        elif len(data) > MAX_BYTES_PER_RECORD + bytes_per_part:
            raise FileRefused("csv_structure")
        rest = data[end:]


def _pieces(stream: Readable) -> Iterator[bytes]:
    is_first = True
    while piece := stream.read(_CHUNK):
        if b"\0" in piece:
            is_utf_16 = is_first and piece[:2] in (b"\xff\xfe", b"\xfe\xff")
            raise FileRefused("bad_encoding" if is_utf_16 else "nul_byte")
        yield piece.removeprefix(_BOM) if is_first else piece
        is_first = False


def _joined(before: bytes, pieces: Iterator[bytes], size: int) -> tuple[bytes, bool]:
    """What was left over and about so many bytes more; whether the file ends with them."""
    found = [before]
    taken = 0
    for piece in pieces:
        found.append(piece)
        taken += len(piece)
        if taken >= size:
            return b"".join(found), False
    return b"".join(found), True


def _without_end(data: bytes) -> bytes:
    """The last part without what may follow the records. As a rule that is one line break, which does no harm."""
    tail = data[-_CHUNK:]
    after = tail[len(tail.rstrip(_AFTER_THE_END)) :]
    return data if after in (b"", b"\n", b"\r\n") else data[: len(data) - len(after)]


def _end_of_last_record(data: bytes) -> int:
    """Where the last whole record ends: at a line break that is in no quotes."""
    if b'"' not in data:
        return data.rfind(b"\n") + 1
    values = np.frombuffer(data, dtype=np.uint8)
    breaks = np.flatnonzero(values == ord("\n"))
    quotes = np.flatnonzero(values == ord('"'))
    outside = breaks[np.searchsorted(quotes, breaks) % 2 == 0]
    return int(outside[-1]) + 1 if len(outside) else 0


def _records(data: bytes, columns: list[str]) -> pl.DataFrame:
    """The records of whole lines, in text columns."""
    has_quotes = b'"' in data
    if has_quotes:
        _check_quotes(data)
    try:
        frame = _cut(data, columns, has_quotes)
    except FileRefused:
        told = _without_empty_lines(data, has_quotes)
        if len(told) == len(data):
            raise
        frame = _cut(told, columns, has_quotes)
    if has_quotes or _has_blanks_at_edges(data):  # without quotes an empty field is null already
        frame = frame.with_columns(pl.all().str.strip_chars().replace("", None))
    is_empty = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    return frame.filter(~is_empty) if is_empty.any() else frame


def _cut(data: bytes, columns: list[str], has_quotes: bool) -> pl.DataFrame:
    """The fields of lines that all have as many as the header."""
    if not data:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    try:
        frame = pl.read_csv(
            data,
            separator=SEPARATOR,
            has_header=False,
            schema={name: pl.String for name in columns},
            raise_if_empty=True,
        )
    except pl.exceptions.PolarsError as error:
        raise FileRefused("bad_encoding" if "utf-8" in str(error).lower() else "csv_structure") from error
    n_separators = _count(data, ord(";"))
    if has_quotes:
        in_quotes = frame.select(pl.sum_horizontal(pl.all().str.count_matches(";", literal=True).sum())).item()
        n_separators -= int(in_quotes or 0)
    if n_separators != frame.height * (len(columns) - 1):
        raise FileRefused(FileFinding("csv_structure", record_number=_first_short_record(frame)))
    return frame


def _without_empty_lines(data: bytes, has_quotes: bool) -> bytes:
    """The records that say something. An empty line within quotes is part of a value."""
    if has_quotes:
        return b"".join(found[0] for found in _RECORD.finditer(data) if not _EMPTY.fullmatch(found[0]))
    return _EMPTY_LINE.sub(b"", data)


def _header(data: bytes, contract: Contract) -> tuple[list[str], bytes]:
    """The contract's field names in the order of the file, and what follows; every wrong column is told at once."""
    known = {(f.source or "").lower(): f.name for f in contract.tables[0].file_fields}
    line, rest = _first_line(data)
    if told := _SEP_LINE.fullmatch(line):
        if told["separator"] != SEPARATOR:
            raise FileRefused("wrong_separator")
        line, rest = _first_line(rest)
    others = {name.strip(' "').lower() for name in re.split(f"[{re.escape(_OTHER_SEPARATORS)}]", line)}
    if SEPARATOR not in line and others & set(known):
        raise FileRefused("wrong_separator")
    try:
        header = [name.strip().lower() for name in next(csv.reader([line], delimiter=SEPARATOR, strict=True))]
    except (csv.Error, StopIteration):
        raise FileRefused("csv_structure") from None
    if not set(header) & set(known):
        raise FileRefused("no_header")
    findings = [FileFinding("missing_column", field=name) for source, name in known.items() if source not in header]
    # the text of an unknown column is the sender's and is not repeated
    findings += [FileFinding("unknown_column") for name in header if name not in known][:1]
    findings += [
        FileFinding("duplicate_column", field=known[n]) for n, k in Counter(header).items() if k > 1 and n in known
    ]
    if findings:
        raise FileRefused(*findings)
    return [known[name] for name in header], rest


def _first_line(data: bytes) -> tuple[str, bytes]:
    end = data.find(b"\n") + 1 or len(data)
    try:
        return data[:end].decode("utf-8").rstrip("\r\n"), data[end:]
    except UnicodeDecodeError:
        raise FileRefused("bad_encoding") from None


def _check_quotes(data: bytes) -> None:
    """Quotes open and close where fields do. Lines are tried first, in Rust; line breaks inside quotes need more."""
    try:
        lines = pl.read_csv(
            data, separator="\x01", quote_char=None, has_header=False, schema={"line": pl.String}
        ).get_column("line")
    except pl.exceptions.PolarsError as error:
        raise FileRefused("bad_encoding" if "utf-8" in str(error).lower() else "csv_structure") from error
    quoted = lines.filter(lines.str.contains('"', literal=True)).str.strip_chars_end("\r")
    if bool(quoted.str.contains(_LINE).all()):
        return
    position, record = 0, 0
    while position < len(data):
        record += 1
        found = _RECORD.match(data, position)
        if not found or found.end() == position:
            raise FileRefused(FileFinding("csv_structure", record_number=record))
        position = found.end()


def _has_blanks_at_edges(data: bytes) -> bool:
    """Whether a blank may stand beside the edge of a value, none of which is in quotes. The bytes of a no-break space
    are also those of other letters: then values are stripped for nothing."""
    values = np.frombuffer(data, dtype=np.uint8)
    if not len(values):
        return False
    if values[0] in (0x20, 0x09, 0xC2) or values[-1] in (0x20, 0x09, 0xA0):
        return True
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK + 1]
        is_blank = (block == 0x20) | (block == 0x09)
        is_edge = (block == ord(";")) | (block == ord("\n")) | (block == ord("\r"))
        if (is_edge[:-1] & (is_blank[1:] | (block[1:] == 0xC2))).any():
            return True
        if (is_edge[1:] & (is_blank[:-1] | (block[:-1] == 0xA0))).any():
            return True
    return False


def _count(data: bytes, byte: int) -> int:
    """As `bytes.count`, which stops at every hit: in a file of short fields that takes four times as long."""
    values = np.frombuffer(data, dtype=np.uint8)
    return sum(int(np.count_nonzero(values[i : i + _BLOCK] == byte)) for i in range(0, len(values), _BLOCK))


def _first_short_record(frame: pl.DataFrame) -> int | None:
    """The first record without a last field; a guess, since a last field may be empty by right."""
    short = frame.get_column(frame.columns[-1]).is_null().arg_true()
    return int(short[0]) + 1 if len(short) else None
