"""XML deliveries into columns: a streaming parse, one tight loop per record, batches of Polars frames of text.

The shape of a record comes from the contract (a `Node` tree made once per flow); this module knows XML and no flow. It
reports what only the structure can tell (unknown or repeated elements, a broken file); values are judged in `check`.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from operator import itemgetter
from typing import Any

import polars as pl
import pyarrow as pa
from lxml import etree

from orchestration.intake.archive import Readable
from orchestration.intake.contract import Table, load_contract
from orchestration.intake.delivery import FileFinding, FileRefused

RECORDS_PER_BATCH = 20_000
#: A record of these flows takes about a kilobyte. More than this without one coming to its end is no record.
MAX_BYTES_PER_RECORD = 32 << 20
MAX_PROLOGUE_BYTES = 1 << 20
#: Shapes of records that are remembered in a file; honest ones have some hundreds.
MAX_SHAPES = 4096
MAX_PLANNED_ELEMENTS = 1000

_DECLARED_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']+)["']""")
_COMMENT_OR_PI = re.compile(rb"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_ROOT_START = re.compile(rb"<[^!?\s]")

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


@cache
def layout(flow_code: str) -> Layout:
    """The layout of a flow, made from the sources that its contract gives to tables and fields."""
    contract = load_contract(flow_code)
    if contract.root is None or contract.record is None:
        raise ValueError(f"the contract of {flow_code} names no root and record")
    tops: dict[str, Node] = {}  # where each table's row begins
    tables: list[TableLayout] = []
    places: dict[str, tuple[str, ...]] = {}
    for position, table in enumerate(contract.tables):
        above = next((t for t in reversed(contract.tables[:position]) if _is_below(table, t)), None)
        if above is None:
            top = Node(position)
            own: tuple[str, ...] = ()
        else:
            top = tops[above.name]
            for step in table.source.removeprefix(above.source + "/").split("/"):
                top = top.child(step)
            top.table, top.is_row = position, True
            own = (*places[above.name], _place_column(table))
        tops[table.name], places[table.name] = top, own
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
    return Layout(contract.root, contract.record, contract.layout_version, first, _with_steps(first, tables))


def _is_below(table: Table, other: Table) -> bool:
    return table.source.startswith(other.source + "/")


def _place_column(table: Table) -> str:
    number = f"{table.name}_number"
    return number if any(f.name == number and not f.is_in_file for f in table.fields) else f"{table.name}_index"


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
    condition: str  # unknown_element | duplicated_element
    table_name: str
    item: str | None
    field: str | None


@dataclass(frozen=True)
class Batch:
    """Some thousands of records: one frame of text per table, and what was odd about their structure."""

    frames: dict[str, pl.DataFrame]
    issues: list[StructuralIssue]
    n_records: int


class _Guard:
    """Stands between bytes and parser: encoding, NUL, DOCTYPE and endless records are told before libxml2 sees them."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._prologue: bytes | None = b""
        self.bytes_since_record = 0
        self.is_empty = True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        if self._prologue is not None:
            self._check_prologue(data)
        if b"\0" in data:
            raise FileRefused("nul_byte")
        if data:
            self.is_empty = False
        self.bytes_since_record += len(data)
        if self.bytes_since_record > MAX_BYTES_PER_RECORD:
            raise FileRefused("wrong_structure")
        return data

    def _check_prologue(self, data: bytes) -> None:
        head = (self._prologue or b"") + data
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise FileRefused("bad_encoding")
        head = head.removeprefix(b"\xef\xbb\xbf")
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
    batches = _batches(stream, shape, expected)
    while True:
        with _no_cycle_search():
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


def _batches(stream: Readable, shape: Layout, expected: Mapping[str, tuple[str, str]]) -> Iterator[Batch]:
    guard = _Guard(stream)
    parser = etree.iterparse(
        guard,
        events=("end",),
        tag=shape.record,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_blank_text=True,
        remove_comments=True,
        remove_pis=True,
    )
    records = _Records(shape)
    root = None
    number = 0
    try:
        for _, element in parser:
            if root is None:
                root = element.getroottree().getroot()
                _check_root(root, shape, expected)
            parent = element.getparent()
            if parent is not root:
                raise FileRefused(FileFinding("wrong_structure", record_number=number + 1))
            number += 1
            records.add(element, number)
            guard.bytes_since_record = 0
            element.clear()
            before = element.getprevious()
            while before is not None:
                if before.tag != shape.record:
                    raise FileRefused(FileFinding("wrong_structure", record_number=number))
                parent.remove(before)
                before = element.getprevious()
            if len(records.rows[0]) >= RECORDS_PER_BATCH:
                yield _batch(shape, records.rows, records.issues)
                records.start_batch()
        if root is None:
            root = parser.root
            _check_root(root, shape, expected)
        if any(child.tag != shape.record for child in root):
            raise FileRefused("wrong_structure")
    except etree.XMLSyntaxError as error:
        raise FileRefused(FileFinding(_condition(error, guard), record_number=number + 1)) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise FileRefused("doctype")
    if number == 0:
        raise FileRefused("empty_file")
    if records.rows[0]:
        yield _batch(shape, records.rows, records.issues)


def _condition(error: etree.XMLSyntaxError, guard: _Guard) -> str:
    message = error.msg or ""
    if guard.is_empty:
        return "empty_file"
    if "xcessive depth" in message:
        return "too_deep"
    if "ncoding" in message or "not proper UTF-8" in message:
        return "bad_encoding"
    return "not_well_formed"


@contextmanager
def _no_cycle_search() -> Iterator[None]:
    """Millions of small lists and no cycle among them: looking for cycles would cost a quarter of the reading."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _check_root(root: etree._Element | None, shape: Layout, expected: Mapping[str, tuple[str, str]]) -> None:
    if root is None or root.tag != shape.root or root.getparent() is not None:
        raise FileRefused("wrong_root")
    conditions = []
    if root.get("versione", shape.version) != shape.version:
        conditions.append(FileFinding("unsupported_version", field="versione"))
    for attribute, (value, condition) in expected.items():
        if root.get(attribute, value) != value:
            conditions.append(FileFinding(condition, field=attribute))
    if conditions:
        raise FileRefused(*conditions)


class _Records:
    """Rows of the records of one batch, and how records of each shape become rows.

    Which elements a record has, and how they nest, is its shape: the tags in document order with their number of
    children. Records come in few shapes, so the walk over a layout is done once for each and remembered as a plan: from
    which places of the record the columns of its rows are taken. A shape that breaks the layout, or is very large, has
    no plan: each of its records is walked.
    """

    def __init__(self, shape: Layout) -> None:
        self._shape = shape
        self._plans: dict[tuple[Any, ...], _Plan | None] = {}
        self._widths = [len(table.columns) for table in shape.tables]
        self.start_batch()

    def start_batch(self) -> None:
        self.rows: list[list[Sequence[Any]]] = [[] for _ in self._shape.tables]
        self.issues: list[StructuralIssue] = []

    def add(self, element: etree._Element, number: int) -> None:
        elements = list(element.iter())
        tags = tuple([e.tag for e in elements])
        sizes = tuple([len(e) for e in elements])
        key = (tags, sizes)
        plan = self._plans.get(key)
        if plan is None and key not in self._plans:
            plan = self._plan(*key)
        if plan is None:
            walked = self._walk(element, number, self.issues)
            for rows, more in zip(self.rows, walked, strict=True):
                rows += more
            return
        values: list[Any] = [e.text for e in elements]
        for position, name in plan.attributes:
            values.append(elements[position].get(name))
        values += plan.constants
        values.append(number)
        for table, pick in plan.rows:
            self.rows[table].append(pick(values))

    def _walk(self, element: Any, number: Any, issues: list[StructuralIssue]) -> list[list[Sequence[Any]]]:
        shape = self._shape
        row = shape.tables[0].empty.copy()
        row[0] = number
        rows: list[list[Row]] = [[] for _ in shape.tables]
        rows[0].append(row)
        _walk(element, shape.node, row, shape.tables, rows, issues)
        return [[line[:width] for line in lines] for lines, width in zip(rows, self._widths, strict=True)]

    def _plan(self, tags: tuple[str, ...], sizes: tuple[int, ...]) -> _Plan | None:
        """Walk a ghost of the record, whose texts are places, and note where each column of each row came from."""
        if len(self._plans) >= MAX_SHAPES or len(tags) > MAX_PLANNED_ELEMENTS:
            return None
        attributes: list[tuple[int, str]] = []
        ghost, _ = _Ghost.grow(tags, sizes, 0, attributes)
        issues: list[StructuralIssue] = []
        walked = self._walk(ghost, _Place(-1), issues)
        plan = None
        if not issues:
            constants: list[Any] = []
            first_constant = len(tags) + len(attributes)
            picked: list[tuple[int, Callable[[Sequence[Any]], tuple[Any, ...]]]] = []
            for table, lines in enumerate(walked):
                for line in lines:
                    places: list[int] = []
                    for value in line:
                        if isinstance(value, _Place):
                            places.append(value.index)
                        elif isinstance(value, _AttributePlace):
                            places.append(len(tags) + value.index)
                        else:
                            places.append(first_constant + len(constants))
                            constants.append(value)
                    picked.append((table, itemgetter(*places)))
            plan = _Plan(tuple(attributes), constants, tuple(picked))
        self._plans[tags, sizes] = plan
        return plan


@dataclass(frozen=True)
class _Place:
    """Stands for the text of the element at this place in document order; the last place is the record's number."""

    index: int

    def __int__(self) -> int:
        return self.index


@dataclass(frozen=True)
class _AttributePlace:
    """Stands for the value of one of a plan's attributes."""

    index: int


@dataclass(frozen=True)
class _Plan:
    """Values of a record are its texts, these attributes (place, name), these constants, its number; rows pick some."""

    attributes: tuple[tuple[int, str], ...]
    constants: list[Any]
    rows: tuple[tuple[int, Callable[[Sequence[Any]], tuple[Any, ...]]], ...]


@dataclass
class _Ghost:
    """An element without content: what the walk asks of an element, answered with places."""

    tag: str
    text: _Place
    children: list[_Ghost]
    attributes: list[tuple[int, str]]  # of the whole record, filled as the walk asks for them

    @classmethod
    def grow(
        cls, tags: tuple[str, ...], sizes: tuple[int, ...], place: int, attributes: list[tuple[int, str]]
    ) -> tuple[_Ghost, int]:
        """The element at a place with all below it, and the place after them."""
        ghost, after = cls(tags[place], _Place(place), [], attributes), place + 1
        for _ in range(sizes[place]):
            child, after = cls.grow(tags, sizes, after, attributes)
            ghost.children.append(child)
        return ghost, after

    def __iter__(self) -> Iterator[_Ghost]:
        return iter(self.children)

    def __len__(self) -> int:
        return len(self.children)

    def get(self, name: str) -> _AttributePlace:
        self.attributes.append((self.text.index, name))
        return _AttributePlace(len(self.attributes) - 1)


def _walk(
    element: Any,  # an element, or the ghost of one
    node: Node,
    row: Row,
    tables: tuple[TableLayout, ...],
    rows: list[list[Row]],
    issues: list[StructuralIssue],
) -> None:
    """Fill `row` from `element`; elements that are rows of a table below append rows of their own."""
    for name, slot in node.attributes:
        row[slot] = element.get(name)
    steps = node.steps
    n_rows: dict[int, int] = {}
    for child in element:
        step = steps.get(child.tag)
        if step is None:
            issues.append(_issue("unknown_element", row, tables[node.table], node.name))
            continue
        slot, known = step
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


def _batch(layout: Layout, rows: list[list[Sequence[Any]]], issues: list[StructuralIssue]) -> Batch:
    frames = {}
    for table, lines in zip(layout.tables, rows, strict=True):
        columns = list(zip(*lines, strict=True)) if lines else [()] * len(table.columns)
        arrays = [
            pa.array(values, pa.int64() if position <= table.n_places else pa.large_string())
            for position, values in enumerate(columns)
        ]
        frame = pl.DataFrame(pl.from_arrow(pa.table(arrays, names=list(table.columns))))
        frames[table.name] = frame.with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)))
    return Batch(frames, issues, len(rows[0]))
