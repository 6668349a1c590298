"""XML deliveries into columns: a streaming parse for what is broken, columns from stretches of whole records.

The shape of a record comes from the contract (a `Node` tree made once per flow); this module knows XML and no flow. It
reports what only the structure can tell (unknown or repeated elements, a broken file); values are judged in `check`.
How a stretch of records becomes columns stands in `xml_columns`; here is what comes before it, and the walk over the
few records that do not fit their layout.
"""

from __future__ import annotations

import bisect
import contextlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, cast

import polars as pl
from lxml import etree

from orchestration.intake import xml_columns
from orchestration.intake.archive import Readable
from orchestration.intake.contract import load_contract
from orchestration.intake.delivery import FileFinding, FileRefused

#: About what a batch holds: some thousands of records.
BYTES_PER_BATCH = 8 << 20
BYTES_PER_PIECE = 1 << 20
#: So little is walked element by element: working on columns has its price, whatever their length.
BYTES_WALKED = 128 << 10
#: A record of these flows takes about a kilobyte. More than this without one coming to its end is no record.
MAX_BYTES_PER_RECORD = 8 << 20
MAX_PROLOGUE_BYTES = 1 << 20

_PARSING: dict[str, Any] = {"resolve_entities": False, "load_dtd": False, "no_network": True, "huge_tree": False}
_DECLARED_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']+)["']""")
#: The declaration may have nothing before it, not even a blank line.
_LATE_DECLARATION = re.compile(rb"(?:\s+|(?><!--.*?-->)|<\?(?!xml\s).*?\?>)+<\?xml\s", re.DOTALL)
_COMMENT_OR_PI = re.compile(rb"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_ROOT_START = re.compile(rb"<[^!?\s]")
#: What may stand before the root, and its start tag with its name.
_TO_ROOT = re.compile(
    rb"""(?>\s*+(?><!--.*?-->|<\?.*?\?>))*+\s*+(?P<tag><(?P<name>[^!?\s/>]++)(?>[^"'<>]|"[^"<]*+"|'[^'<]*+')*+>)""",
    re.DOTALL,
)

Row = list[Any]  # text by slot; record number, places and presence marks are integers


@dataclass(slots=True)
class Node:
    """An element of the layout. Slots are positions in the row of its table."""

    table: int
    text: int | None = None
    attributes: list[tuple[str, int]] = field(default_factory=list)
    children: dict[str, Node] = field(default_factory=dict)
    steps: dict[str, tuple[int, Node]] = field(default_factory=dict)  # by tag: slot that marks it as seen, layout
    name: str | None = None  # what a finding calls it
    is_row: bool = False
    rank: int = 0  # its place among the children of its parent; those that may stand in any order share one

    def child(self, tag: str) -> Node:
        if tag not in self.children:
            self.children[tag] = Node(self.table, name=tag)
        return self.children[tag]


@dataclass(frozen=True)
class TableLayout:
    """The row of one table: its columns, then what comes from the rows above, then presence marks."""

    name: str
    columns: tuple[str, ...]  # record_number, places, then the fields of the file
    n_places: int  # 0 for the record itself, 1 for its children, 2 below them
    empty: Row  # a row before it is filled: columns, then marks of elements seen


@dataclass(frozen=True)
class Layout:
    """How the records of one flow lie in its XML."""

    root: str
    record: str
    version: str
    node: Node
    tables: tuple[TableLayout, ...]
    has_any_namespace: bool = False  # names count whatever namespace they are in


@cache
def layout(flow_code: str) -> Layout:
    """The layout of a flow, made from the sources that its contract gives to tables and fields."""
    contract = load_contract(flow_code)
    if contract.root is None or contract.record is None:
        raise ValueError(f"the contract of {flow_code} names no root and record")
    tops: dict[str, Node] = {}  # where each table's row begins
    tables: list[TableLayout] = []
    for position, table in enumerate(contract.tables):
        above, own = contract.holder(table), contract.places(table)
        if above is None:
            top = Node(position)
        else:
            top = tops[above.name]
            for step in table.source.removeprefix(above.source + "/").split("/"):
                top = top.child(step)
            top.table, top.is_row = position, True
        tops[table.name] = top
        columns = ["record_number", *own]
        for item in table.file_fields:
            element, _, attribute = (item.source or "").replace("/@", "@").partition("@")
            node = top
            for step in element.split("/") if element else []:
                node = node.child(step)
            node.name = item.name if not attribute else node.name
            if attribute:
                node.attributes.append((attribute, len(columns)))
            else:
                node.text = len(columns)
            columns.append(item.name)
        tables.append(TableLayout(table.name, tuple(columns), len(own), []))
    first = tops[contract.tables[0].name]
    _rank(first, contract.any_order_after)
    return Layout(
        contract.root,
        contract.record,
        contract.layout_version,
        first,
        _with_steps(first, tables),
        contract.has_any_namespace,
    )


def _rank(node: Node, any_order_after: str | None = None) -> None:
    rank, is_fixed = 0, True
    for tag, child in node.children.items():
        rank += is_fixed
        child.rank = rank
        if tag == any_order_after:
            rank, is_fixed = rank + 1, False
        _rank(child)


def _with_steps(first: Node, tables: list[TableLayout]) -> tuple[TableLayout, ...]:
    """Give every element a slot that tells whether it was seen: its text, a mark, or 0 for those that may repeat."""
    widths = [len(table.columns) for table in tables]

    def visit(node: Node) -> None:
        for tag, child in node.children.items():
            slot = 0
            if not child.is_row:
                child.table = node.table
                slot = child.text or widths[child.table]
                widths[child.table] += child.text is None
                if child.text is not None and child.children:
                    raise ValueError(f"the layout of {tag} has both text and elements")
            node.steps[tag] = (slot, child)
            visit(child)

    visit(first)
    return tuple(replace(table, empty=[None] * width) for table, width in zip(tables, widths, strict=True))


@dataclass(frozen=True)
class StructuralIssue:
    """An element that the layout does not have, or has once only."""

    record_number: int
    condition: str  # unknown_element | duplicated_element | misplaced_element | stray_text
    table_name: str
    item: str | None
    field: str | None


@dataclass(frozen=True)
class Batch:
    """Some thousands of records: one frame of text per table, and what was odd about their structure."""

    frames: dict[str, pl.DataFrame]
    issues: list[StructuralIssue]
    n_records: int


@dataclass(frozen=True)
class Stretch:
    """All records of a small file as they are written: well formed, and not in columns yet."""

    root: bytes  # its start tag
    root_end: bytes
    data: bytes
    n_records: int


class _Guard:
    """Stands between bytes and parser: encoding, NUL and DOCTYPE are told before libxml2 sees them."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._prologue: bytes | None = b""
        self.is_empty = True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        if self._prologue is not None:
            self._check_prologue(data)
        if b"\0" in data:
            raise FileRefused("nul_byte")
        if data:
            self.is_empty = False
        return data

    def _check_prologue(self, data: bytes) -> None:
        head = (self._prologue or b"") + data
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise FileRefused("bad_encoding")
        head = head.removeprefix(b"\xef\xbb\xbf")
        if _LATE_DECLARATION.match(head):
            raise FileRefused("late_declaration")
        declared = _DECLARED_ENCODING.match(head)
        if declared and declared[1].lower().replace(b"_", b"-") not in (b"utf-8", b"utf8", b"us-ascii", b"ascii"):
            raise FileRefused("bad_encoding")
        bare = _COMMENT_OR_PI.sub(b"", head)
        root = _ROOT_START.search(bare)
        if b"<!DOCTYPE" in bare[: root.start() if root else None]:
            raise FileRefused("doctype")
        if root:
            self._prologue = None
        elif len(head) > MAX_PROLOGUE_BYTES:
            raise FileRefused("wrong_structure")
        else:
            self._prologue = head


def read(stream: Readable, shape: Layout, expected: Mapping[str, tuple[str, str]]) -> Iterator[Batch]:
    """The records of a file in batches. `expected`: attribute of the root → (value it must have, condition if not).

    Raises `FileRefused` for whatever is broken beyond a record, at whatever point of the file it shows.
    """
    return _Reader(stream, shape, expected).batches()


def read_whole(stream: Readable, shape: Layout, expected: Mapping[str, tuple[str, str]]) -> Stretch | None:
    """The records of a file that is no more than a batch, for `together`; None when it must be read as a file of its
    own. Raises `FileRefused` as `read` does."""
    return _Reader(stream, shape, expected).whole()


def together(stretches: Sequence[Stretch], shape: Layout) -> tuple[Batch, list[int]] | None:
    """The records of several files in one frame per table, numbered through, and how many are of each file; None when
    some must be written anew before they can be cut into columns."""
    n_records = [stretch.n_records for stretch in stretches]
    last = list(itertools.accumulate(n_records))
    try:
        found = xml_columns.columns(b"".join(stretch.data for stretch in stretches), shape, 1)
        if found.n_records != last[-1]:  # some record ends otherwise than with an end tag
            return None
        records: dict[int, etree._Element] = {}
        for number, written in found.odd.items():
            of = stretches[bisect.bisect_left(last, number)]
            records[number] = _parsed(of.root + written + of.root_end)[0]
        return _with_walked(found, records, shape), n_records
    except (
        *(xml_columns.NotPlain, xml_columns.NotCut, xml_columns.TooDeep, xml_columns.OtherElement),
        *(etree.XMLSyntaxError, ValueError),
    ):
        return None


class _Nothing:
    """What the parser builds while it only looks whether a file is well formed."""

    def doctype(self, *_: str | None) -> None:
        """No document type is expected, wherever it hides."""
        raise FileRefused("doctype")

    def close(self) -> None:
        """There is nothing to give back."""


class _Reader:
    """One file: its bytes go through a parser that builds nothing, then, as whole records, into columns."""

    def __init__(self, stream: Readable, shape: Layout, expected: Mapping[str, tuple[str, str]]) -> None:
        self._guard = _Guard(stream)
        self._shape = shape
        self._expected = expected
        self._parser = etree.XMLParser(target=cast(Any, _Nothing()), **_PARSING)
        self._record_end = re.compile(rb"</" + re.escape(shape.record.encode()) + rb"\s*>")
        self._root = b""  # its start tag
        self._root_end = b""
        self._prefix = b""  # of the root, when names count without it
        self._waiting: list[bytes] = []  # what was parsed since the last whole record
        self._n_records = 0

    def batches(self) -> Iterator[Batch]:
        while self._take():
            data = self._unread()
            end = self._end_of_last_record(data)
            batch = self._batch(data[:end], self._root_end) if end else None
            self._waiting = [data[end:] if batch else data]
            if batch:
                yield batch
            elif len(data) > MAX_BYTES_PER_RECORD:
                raise FileRefused(FileFinding("wrong_structure", record_number=self._n_records + 1))
        self._parse(None)
        yield from self._rest(self._unread())
        if self._n_records == 0:
            raise FileRefused("empty_file")

    def whole(self) -> Stretch | None:
        """The records of a file that one batch holds and that has nothing but elements and text in it."""
        self._take()
        if self._take():
            return None
        self._parse(None)
        data = self._unread()
        data = data[: max(0, data.rfind(b"</"))]
        n_records = len(self._record_end.findall(data))
        if not n_records or not xml_columns.is_plain(data):
            return None
        return Stretch(self._root, self._root_end, data, n_records)

    def _unread(self) -> bytes:
        """What was parsed since the last whole record, with names as the layout has them."""
        data = b"".join(self._waiting)
        if self._prefix:
            data = data.replace(b"<" + self._prefix, b"<").replace(b"</" + self._prefix, b"</")
        return data

    def _take(self) -> bool:
        """Read and parse enough for a batch; False when there was nothing left."""
        size = 0
        while size < BYTES_PER_BATCH and (piece := self._guard.read(min(BYTES_PER_PIECE, BYTES_PER_BATCH))):
            size += len(piece)
            self._waiting.append(piece)
            if not self._root:
                self._find_root(b"".join(self._waiting))
            self._parse(piece)
        return size > 0

    def _parse(self, data: bytes | None) -> None:
        """Let the parser look at the next bytes; None: there are no more."""
        try:
            if data is None:
                self._parser.close()
            else:
                self._parser.feed(data)
        except etree.XMLSyntaxError as error:
            number = self._n_records + self._n_waiting_records() + 1
            raise FileRefused(FileFinding(_condition(error, self._guard), record_number=number)) from error

    def _n_waiting_records(self) -> int:
        """How many records come to their end before the bytes that broke the parser."""
        parser = etree.XMLPullParser(events=("end",), tag=self._shape.record, **_PARSING)
        n_records = 0
        with contextlib.suppress(etree.XMLSyntaxError):
            parser.feed(self._root + self._unread())
        with contextlib.suppress(etree.XMLSyntaxError):
            for _ in parser.read_events():
                n_records += 1
        return n_records

    def _find_root(self, data: bytes) -> None:
        """Judge the root by its attributes, and keep of the waiting bytes what comes after its start tag."""
        bare = data.removeprefix(b"\xef\xbb\xbf")
        found = _TO_ROOT.match(bare)
        if not found:
            return
        tag = found["tag"]
        try:
            root = etree.fromstring(tag if tag.endswith(b"/>") else tag[:-1] + b"/>", etree.XMLParser(**_PARSING))
        except etree.XMLSyntaxError as error:
            raise FileRefused(FileFinding(_condition(error, self._guard), record_number=1)) from error
        _check_root(root, self._shape, self._expected)
        self._root, self._root_end = tag, b"</" + found["name"] + b">"
        if self._shape.has_any_namespace and (root.nsmap.get(None) or root.prefix):
            name = self._shape.root.encode()
            others = [f' xmlns:{prefix}="{uri}"' for prefix, uri in root.nsmap.items() if prefix]
            self._root, self._root_end = b"<" + name + "".join(others).encode() + b">", b"</" + name + b">"
            self._prefix = root.prefix.encode() + b":" if root.prefix else b""
        self._waiting = [bare[found.end() :]]

    def _end_of_last_record(self, data: bytes) -> int:
        start = b"</" + self._shape.record.encode()
        at = len(data)
        while (at := data.rfind(start, 0, at)) >= 0:
            if found := self._record_end.match(data, at):
                return found.end()
        return 0

    def _rest(self, data: bytes) -> Iterator[Batch]:
        """What stands between the last batch and the end of the root: the last records, or nothing."""
        if not self._root:
            raise FileRefused("wrong_structure")
        is_plain = xml_columns.is_plain(data)
        records = data[: max(0, data.rfind(b"</"))] if is_plain else data
        root_end = self._root_end if is_plain else b""
        batch = self._batch(records, root_end)
        if batch is None:  # the parser has come to the end and said nothing, so each record is looked at
            try:
                batch = self._walked_batch(self._root + records + root_end)
            except (etree.XMLSyntaxError, ValueError) as error:
                raise FileRefused(FileFinding("not_well_formed", record_number=self._n_records + 1)) from error
        if batch.n_records:
            yield batch

    def _batch(self, data: bytes, root_end: bytes) -> Batch | None:
        """The records in `data`, which `root_end` follows; None when it ends in the middle of a comment or the like, or
        is broken in a way that the parser will tell when it comes there."""
        first = self._n_records + 1
        try:
            if len(data) <= BYTES_WALKED:
                return self._walked_batch(self._root + data + root_end)
            try:
                found = xml_columns.columns(data, self._shape, first)
            except xml_columns.NotPlain:
                found = xml_columns.columns(self._written_plainly(self._root + data + root_end), self._shape, first)
        except etree.XMLSyntaxError as error:
            if _condition(error, self._guard) == "too_deep":
                raise FileRefused("too_deep") from error
            return None
        except xml_columns.NotCut:
            return None
        except xml_columns.TooDeep as error:
            raise FileRefused("too_deep") from error
        except xml_columns.OtherElement as other:
            number = self._n_records + other.n_records + 1
            raise FileRefused(FileFinding("wrong_structure", record_number=number)) from other
        self._n_records += found.n_records
        return _with_walked(found, self._odd(found.odd), self._shape)

    def _odd(self, written: Mapping[int, bytes]) -> dict[int, etree._Element]:
        """The records that do not fit their layout. The first parser builds nothing and lets some things pass, and it
        may not have come to the end of the file: what is broken within a tag shows here."""
        records: dict[int, etree._Element] = {}
        for number, data in written.items():
            try:
                (records[number],) = self._parsed(self._root + data + self._root_end)
            except (etree.XMLSyntaxError, ValueError) as error:
                condition = "not_well_formed"
                if isinstance(error, etree.XMLSyntaxError):
                    condition = _condition(error, self._guard)
                raise FileRefused(FileFinding(condition, record_number=number)) from error
        return records

    def _parsed(self, document: bytes) -> etree._Element:
        root = _parsed(document)
        if self._shape.has_any_namespace:
            for element in root.iter():
                element.tag = etree.QName(element).localname
        return root

    @staticmethod
    def _written_plainly(document: bytes) -> bytes:
        """What stands in the root, without comments and CDATA, and with every `>` of a text as a reference."""
        plain: bytes = etree.tostring(_parsed(document), encoding="utf-8")
        found = _TO_ROOT.match(plain)
        assert found
        return plain[found.end() : max(found.end(), plain.rfind(b"</"))]

    def _walked_batch(self, document: bytes) -> Batch:
        """All records of a document, each walked."""
        records = list(self._parsed(document))
        first = self._n_records + 1
        frames, issues = _walked(dict(enumerate(records, first)), self._shape)
        self._n_records += len(records)
        return Batch(frames, issues, len(records))


def _with_walked(found: xml_columns.Columns, records: Mapping[int, etree._Element], shape: Layout) -> Batch:
    """Columns, and among them the records that do not fit their layout, each walked."""
    if not records:
        return Batch(found.frames, [], found.n_records)
    walked, issues = _walked(records, shape)
    frames = {}
    for table in shape.tables:
        rows = pl.concat([found.frames[table.name], walked[table.name]])
        frames[table.name] = rows.sort(table.columns[: table.n_places + 1], maintain_order=True)
    return Batch(frames, issues, found.n_records)


def _walked(
    records: Mapping[int, etree._Element], shape: Layout
) -> tuple[dict[str, pl.DataFrame], list[StructuralIssue]]:
    lines: list[list[Row]] = [[] for _ in shape.tables]
    issues: list[StructuralIssue] = []
    for number, record in records.items():
        if record.tag != shape.record:
            raise FileRefused(FileFinding("wrong_structure", record_number=number))
        row = shape.tables[0].empty.copy()
        row[0] = number
        lines[0].append(row)
        _walk(record, shape.node, row, shape.tables, lines, issues)
    return {t.name: _frame(t, rows) for t, rows in zip(shape.tables, lines, strict=True)}, issues


def _parsed(document: bytes) -> etree._Element:
    return etree.fromstring(document, etree.XMLParser(remove_comments=True, remove_pis=True, **_PARSING))


def _frame(table: TableLayout, lines: list[Row]) -> pl.DataFrame:
    """Rows that a walk has made, as a frame like those of `xml_columns`: marks left out, empty is missing."""
    columns = list(zip(*lines, strict=True)) if lines else [()] * len(table.columns)
    return pl.DataFrame(
        [
            pl.Series(name, values, pl.Int64)
            if at <= table.n_places
            else pl.Series(name, [(value and value.strip()) or None for value in values], pl.String)
            for at, (name, values) in enumerate(zip(table.columns, columns, strict=False))
        ]
    )


def _condition(error: etree.XMLSyntaxError, guard: _Guard) -> str:
    message = error.msg or ""
    if guard.is_empty:
        return "empty_file"
    if "xcessive depth" in message:
        return "too_deep"
    if "ncoding" in message or "not proper UTF-8" in message:
        return "bad_encoding"
    return "not_well_formed"


def _check_root(root: etree._Element | None, shape: Layout, expected: Mapping[str, tuple[str, str]]) -> None:
    if root is None or root.getparent() is not None:
        raise FileRefused("wrong_root")
    if (etree.QName(root).localname if shape.has_any_namespace else root.tag) != shape.root:
        raise FileRefused("wrong_root")
    conditions = []
    if root.get("versione", shape.version).strip() != shape.version:
        conditions.append(FileFinding("unsupported_version", field="versione"))
    for attribute, (value, condition) in expected.items():
        if root.get(attribute, value).strip() != value:
            conditions.append(FileFinding(condition, field=attribute))
    if conditions:
        raise FileRefused(*conditions)


def _walk(
    element: etree._Element,
    node: Node,
    row: Row,
    tables: tuple[TableLayout, ...],
    rows: list[list[Row]],
    issues: list[StructuralIssue],
) -> None:
    """Fill `row` from `element`; elements that are rows of a table below append rows of their own."""
    for name, slot in node.attributes:
        row[slot] = element.get(name)
    if node.text is not None:
        row[node.text] = element.text
    steps = node.steps
    n_rows: dict[int, int] = {}
    rank = 0
    texts = [child.tail for child in element]
    if node.text is None:
        texts.append(element.text)
    if any(text and text.strip() for text in texts):
        issues.append(_issue("stray_text", row, tables[node.table], node.name))
    for child in element:
        step = steps.get(child.tag)
        if step is None:
            issues.append(_issue("unknown_element", row, tables[node.table], node.name))
            continue
        slot, known = step
        if known.rank < rank:
            issues.append(_issue("misplaced_element", row, tables[node.table], known.name))
        rank = max(rank, known.rank)
        if slot:
            if row[slot] is not None:
                issues.append(_issue("duplicated_element", row, tables[node.table], known.name))
                continue
            if known.text is None:
                row[slot] = True
                _walk(child, known, row, tables, rows, issues)
                continue
            row[slot] = child.text or ""
            for name, attribute in known.attributes:
                row[attribute] = child.get(name)
            if len(child):
                issues.append(_issue("unknown_element", row, tables[node.table], known.name))
        else:
            table = tables[known.table]
            below = table.empty.copy()
            places = table.n_places
            below[:places] = row[:places]  # the record's number and the places above
            n_rows[known.table] = below[places] = n_rows.get(known.table, 0) + 1
            rows[known.table].append(below)
            _walk(child, known, below, tables, rows, issues)


def _issue(condition: str, row: Row, table: TableLayout, name: str | None) -> StructuralIssue:
    # the name of an unknown element is the sender's text and is not repeated: the place where it stands is
    item = ".".join(str(place) for place in row[1 : table.n_places + 1]) or None
    return StructuralIssue(int(row[0] or 0), condition, table.name, item, name)
