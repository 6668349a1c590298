"""CSV deliveries into columns: one Polars frame of text per file, with the fields named as in the contract.

Only the form of the file is judged here (encoding, header, quoting, number of fields). A file whose columns may have
shifted is refused as a whole: what stands in a shifted column looks right too often to be told record by record.
"""

from __future__ import annotations

import csv
import re
from collections import Counter

import numpy as np
import polars as pl

from orchestration.intake.archive import Readable
from orchestration.intake.contract import Contract
from orchestration.intake.delivery import FileFinding, FileRefused

SEPARATOR = ";"
_BOM = b"\xef\xbb\xbf"
_ANYTHING = re.compile(rb"\S")
_BLOCK = 1 << 18
#: One record of RFC 4180. Possessive, so that a quote that never closes costs one pass and no more.
_RECORD = re.compile(
    rb'(?:"(?:[^"]++|"")*+"|[^";\r\n]*+)(?:;(?:"(?:[^"]++|"")*+"|[^";\r\n]*+))*+(?:\r?\n|\Z)',
)
_LINE = r'^(?:"(?:[^"]|"")*"|[^";]*)(?:;(?:"(?:[^"]|"")*"|[^";]*))*$'


def read(stream: Readable, contract: Contract) -> pl.DataFrame:
    """All records of a file: `record_number` (1-based, the header not counted) and one text column per field.

    Missing and empty are null. Raises `FileRefused` for whatever is broken beyond a record.
    """
    data = _all(stream)
    columns = _header(data, contract)
    data_starts = data.find(b"\n") + 1
    if not data_starts or not data[data_starts : data_starts + 1024].strip():
        raise FileRefused("empty_file")
    has_quotes = data.find(b'"', data_starts) >= 0
    if has_quotes:
        _check_quotes(data, data_starts)
    try:
        frame = pl.read_csv(
            data,
            separator=SEPARATOR,
            has_header=False,
            skip_rows=1,
            schema={name: pl.String for name in columns},
            raise_if_empty=True,
        )
    except pl.exceptions.PolarsError as error:
        raise FileRefused("bad_encoding" if "utf-8" in str(error).lower() else "csv_structure") from error
    separators = _count(data, b";", data_starts)
    if has_quotes:
        separators -= int(
            frame.select(pl.sum_horizontal(pl.all().str.count_matches(";", literal=True).sum())).item() or 0
        )
    if separators != frame.height * (len(columns) - 1):
        raise FileRefused(FileFinding("csv_structure", record_number=_first_short_record(frame)))
    if has_quotes:  # without quotes an empty field is null already
        frame = frame.with_columns(pl.all().replace("", None))
    return frame.with_row_index("record_number", 1).cast({"record_number": pl.Int64})


def _all(stream: Readable) -> bytes:
    chunks: list[bytes] = []
    while chunk := stream.read():
        if b"\0" in chunk:
            raise FileRefused("bad_encoding" if chunk[:2] in (b"\xff\xfe", b"\xfe\xff") and not chunks else "nul_byte")
        chunks.append(chunk)
    data = b"".join(chunks).removeprefix(_BOM)
    if not _ANYTHING.search(data):  # strip() would copy the whole
        raise FileRefused("empty_file")
    return data.rstrip() if data.endswith((b"\n\n", b"\r\n\r\n")) else data


def _header(data: bytes, contract: Contract) -> list[str]:
    """The contract's field names in the order of the file; every wrong column is told at once."""
    known = {f.source: f.name for f in contract.tables[0].file_fields}
    line = data[: data.find(b"\n") if b"\n" in data else None]
    try:
        text = line.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError:
        raise FileRefused("bad_encoding") from None
    try:
        header = [name.strip() for name in next(csv.reader([text], delimiter=SEPARATOR, strict=True))]
    except (csv.Error, StopIteration):
        raise FileRefused("csv_structure") from None
    findings = [FileFinding("missing_column", field=name) for source, name in known.items() if source not in header]
    # the text of an unknown column is the sender's and is not repeated
    findings += [FileFinding("unknown_column") for name in header if name not in known][:1]
    findings += [
        FileFinding("duplicate_column", field=known[n]) for n, k in Counter(header).items() if k > 1 and n in known
    ]
    if findings:
        raise FileRefused(*findings)
    return [known[name] for name in header]


def _check_quotes(data: bytes, start: int) -> None:
    """Quotes open and close where fields do. Lines are tried first, in Rust; line breaks inside quotes need more."""
    try:
        lines = pl.read_csv(
            data, separator="\x01", quote_char=None, has_header=False, skip_rows=1, schema={"line": pl.String}
        ).get_column("line")
    except pl.exceptions.PolarsError as error:
        raise FileRefused("bad_encoding" if "utf-8" in str(error).lower() else "csv_structure") from error
    quoted = lines.filter(lines.str.contains('"', literal=True)).str.strip_chars_end("\r")
    if bool(quoted.str.contains(_LINE).all()):
        return
    position, record = start, 0
    while position < len(data):
        record += 1
        found = _RECORD.match(data, position)
        if not found or found.end() == position:
            raise FileRefused(FileFinding("csv_structure", record_number=record))
        position = found.end()


def _count(data: bytes, byte: bytes, start: int) -> int:
    """As `bytes.count`, which stops at every hit: in a file of short fields that takes four times as long."""
    values = np.frombuffer(data, dtype=np.uint8, offset=start)
    return sum(int(np.count_nonzero(values[i : i + _BLOCK] == byte[0])) for i in range(0, len(values), _BLOCK))


def _first_short_record(frame: pl.DataFrame) -> int | None:
    """The first record without a last field; a guess, since a last field may be empty by right."""
    short = frame.get_column(frame.columns[-1]).is_null().arg_true()
    return int(short[0]) + 1 if len(short) else None
