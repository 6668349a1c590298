"""Contracts of the flows (ODCS v3 documents in expectations/contracts) as small immutable objects.

Here a contract is read and nothing else: how a rule is evaluated is in `check.py`, what is generated from a contract in
`derive.py`. Columns, code lists and rules are data of the contract; no flow is named in this module.

Frames that readers hand to `check` hold, for each table, one text column per field with a `source`, named as the field,
exactly as received (null = missing or empty), plus where the element stands:
`record_number` (1-based in the file) everywhere; in repeated parts their place in what holds them, outermost first (see
`Contract.places`). Places are never taken from what the sender wrote.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml
from open_data_contract_standard.model import (
    CustomProperty,
    DataQuality,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
)

EXPECTATIONS_DIR = Path(__file__).resolve().parents[2] / "expectations"
CONTRACTS_DIR = EXPECTATIONS_DIR / "contracts"
COMMON = "common"

#: Engines of a rule: an expression over columns, or the name of a condition that only the gate can see.
POLARS_SQL = "polars-sql"
GATE = "gate"


@dataclass(frozen=True)
class Code:
    """One code of a list. Open ends of validity are null."""

    code: str
    label_it: str
    label_en: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True)
class CodeList:
    """A list of codes with validity dates. `is_open`: an unlisted code of the right form is only an anomaly."""

    name: str
    label_it: str
    codes: tuple[Code, ...]
    is_open: bool = False

    def has_dates(self) -> bool:
        return any(c.valid_from or c.valid_to for c in self.codes)


@dataclass(frozen=True)
class Field:
    """One column: where it comes from in the file and where it may go."""

    name: str
    source: str | None  # path relative to the record element, or CSV column; None = made by the gate
    dtype: str  # PostgreSQL type without "not null"
    required: bool  # by the layout; conditions are rules
    not_null: bool  # in the raw table
    pattern: str | None
    max_length: int | None
    code_list: str | None
    destination: str  # raw | vault | both | derived (raw column made by the gate) | none (control of the file only)
    classification: str  # public | internal | personal | identifying
    label_it: str
    description: str
    example: str | None
    note_it: str | None
    minimum: date | None = None  # of a date: the days that the field may name
    maximum: date | None = None
    no_end: str | None = None  # of a last day: how others write that there is none

    @property
    def is_in_file(self) -> bool:
        return self.source is not None

    @property
    def is_in_raw(self) -> bool:
        return self.destination in ("raw", "both", "derived")


@dataclass(frozen=True)
class Table:
    """One kind of element of a file: the record itself or a repeated part of it."""

    name: str
    physical_name: str
    source: str  # path of the element, or empty for a CSV row
    label_it: str
    description: str
    grain: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field:
        return next(f for f in self.fields if f.name == name)

    @property
    def file_fields(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.is_in_file)


@dataclass(frozen=True)
class Rule:
    """One line of the catalogue. A `polars-sql` expression is TRUE when the rule is broken."""

    code: str
    grade: str  # FILE | SCARTO | ANOMALIA
    table: str | None
    field: str | None
    sentence_it: str
    sentence_en: str
    engine: str
    expression: str
    is_file_rule: bool
    on_cancellation: bool = False  # also holds for a record that only cancels its key
    each_of: tuple[str, ...] = ()  # the same expression for several fields, each in the place of `{field}`
    is_cross_record: bool = False  # reads what other records say, so it is judged again when they change

    def per_field(self) -> tuple[tuple[str | None, str], ...]:
        """Field and expression of each column that the rule looks at."""
        if not self.each_of:
            return ((self.field, self.expression),)
        return tuple((name, self.expression.replace("{field}", name)) for name in self.each_of)


@dataclass(frozen=True)
class Window:
    """Days after the end of the period by which a delivery, then its corrections, are due."""

    first_days: int | None
    correction_days: int | None
    label_it: str


@dataclass(frozen=True)
class RecordKey:
    """What a record is known by within its sender.

    One field of the file, or a column made by the gate from several (`parts`): those that identify nobody stay
    readable, all of them go into a keyed token. Flows of one `namespace` make the same key for the same thing.
    """

    field: str
    parts: tuple[str, ...] = ()
    namespace: str = ""
    is_per_period: bool = False  # the same key in another period is another record


@dataclass(frozen=True)
class Lookup:
    """Columns about other records, which the gate reads from the database by a column of the record."""

    name: str
    by: str
    query: str
    columns: tuple[tuple[str, str], ...]  # what it gives besides `by`: name and PostgreSQL type


@dataclass(frozen=True)
class Index:
    """An index of a raw table, for those who read it."""

    name: str
    table: str
    columns: str


@dataclass(frozen=True)
class Contract:
    """All that the house knows about one flow."""

    flow_code: str
    version: str
    name: str
    purpose: str
    file_format: str  # xml | csv
    layout_version: str
    root: str | None
    record: str | None
    sender_kind: str  # district | ausl | region
    period_kind: str  # month | day | quarter | half_year
    has_operations: bool
    key: RecordKey
    windows: Window
    tables: tuple[Table, ...]
    rules: tuple[Rule, ...]
    code_lists: dict[str, CodeList]
    parameters: dict[str, Any]
    header: tuple[Field, ...] = ()  # attributes of the file itself
    example: str = ""  # a small right file, for senders
    migration: str = "0004_raw"  # the migration that makes the raw tables
    indexes: tuple[Index, ...] = ()
    record_on: str | None = None  # the date at which codes of the record are judged
    any_order_after: str | None = None  # the element of the record after which the others come in any order
    is_taken_together: bool = False  # files of several senders may be judged in one set of columns
    has_any_namespace: bool = False  # producers put the elements of the layout into namespaces of their own
    is_read_whole: bool = False  # rules compare the lines of a file with one another
    awaits: str | None = None  # the flow whose record of the same key must be there
    lookups: tuple[Lookup, ...] = ()

    @cached_property
    def content_hash(self) -> str:
        """What the contract says, whatever it calls its version: comments and order of writing do not count."""
        return hashlib.sha256(json.dumps(_said(replace(self, version="")), sort_keys=True).encode()).hexdigest()

    @property
    def period_months(self) -> int:
        """How often a delivery is due, in months: the snapshot of a day is due every month."""
        return {"quarter": 3, "half_year": 6}.get(self.period_kind, 1)

    def table(self, name: str) -> Table:
        return next(t for t in self.tables if t.name == name)

    def holder(self, table: Table) -> Table | None:
        """The table whose element holds the elements of this one; none for the record itself."""
        before = self.tables[: self.tables.index(table)]
        return next((t for t in reversed(before) if table.source.startswith(t.source + "/")), None)

    def places(self, table: Table) -> tuple[str, ...]:
        """Columns that say where in its record an element stands, outermost first: `<table>_number` if the raw table
        keeps it, else `<table>_index`."""
        holder = self.holder(table)
        if holder is None:
            return ()
        number = f"{table.name}_number"
        is_kept = any(f.name == number and not f.is_in_file for f in table.fields)
        return (*self.places(holder), number if is_kept else f"{table.name}_index")

    def rule(self, code: str) -> Rule:
        return next(r for r in self.rules if r.code == code)

    def name_in_file(self, code: str, field: str | None) -> str | None:
        """What the sender calls the field of a finding: element, attribute or CSV column of her own file."""
        table = self.rule(code).table
        for candidate in (self.header, *(t.fields for t in self.tables if table in (None, t.name))):
            for known in candidate:
                if known.name == field and known.source:
                    return known.source
        return field

    def gate_rule(self, condition: str) -> Rule:
        """The rule that the gate applies for a condition it has seen, e.g. `insert_live_key`."""
        return self._by_condition()[condition]

    def file_rule(self, condition: str) -> Rule:
        rule = self._by_condition()[condition]
        if not rule.is_file_rule:
            raise KeyError(condition)
        return rule

    def has_gate_rule(self, condition: str) -> bool:
        return condition in self._by_condition()

    def _by_condition(self) -> dict[str, Rule]:
        return {r.expression: r for r in self.rules if r.engine == GATE}


def _said(value: Any) -> Any:
    """Data classes as plain data, without what stands at its default: a new optional part changes no old contract."""
    if is_dataclass(value):
        parts = ((part, getattr(value, part.name)) for part in fields(value))
        return {part.name: _said(said) for part, said in parts if said != part.default}
    if isinstance(value, Mapping):
        return {str(key): _said(said) for key, said in value.items()}
    if isinstance(value, list | tuple):
        return [_said(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


@cache
def flow_codes() -> tuple[str, ...]:
    """Flows that have a contract, in alphabetical order."""
    return tuple(
        sorted(p.name.split(".")[0].upper() for p in CONTRACTS_DIR.glob("*.odcs.yaml") if not p.name.startswith(COMMON))
    )


@cache
def load_contract(flow_code: str) -> Contract:
    """The contract of a flow, with the rules about files that all flows share."""
    path = CONTRACTS_DIR / f"{flow_code.lower()}.odcs.yaml"
    if flow_code != flow_code.upper() or not path.is_file():
        raise KeyError(f"no contract for flow {flow_code!r}")
    document = _document(path)
    common = _document(CONTRACTS_DIR / f"{COMMON}.odcs.yaml")
    custom = _custom(document.customProperties)
    shared = _custom(common.customProperties)
    file_format = custom["fileFormat"]
    schema = [_complete(part) for part in document.schema_ or []]
    tables = tuple(_table(s) for s in schema if _custom(s.customProperties).get("role") != "file")
    header = tuple(
        _field(p) for s in schema if _custom(s.customProperties).get("role") == "file" for p in s.properties or []
    )
    rules: list[Rule] = []
    for part in common.schema_ or []:
        for quality in part.quality or []:
            formats = _custom(quality.customProperties).get("formats", ["xml", "csv"])
            if file_format in formats:
                rules.append(_rule(quality, flow_code, None, None))
    for part in schema:
        table = None if _custom(part.customProperties).get("role") == "file" else part.name
        rules += [_rule(q, flow_code, table, None) for q in part.quality or []]
        for prop in part.properties or []:
            rules += [_rule(q, flow_code, table, prop.name) for q in prop.quality or []]
    rules.sort(key=lambda r: r.code)
    lists = [*shared.get("codeLists", []), *custom.get("codeLists", [])]
    due = custom["windows"]
    return Contract(
        flow_code=flow_code,
        version=document.version or "",
        name=document.name or flow_code,
        purpose=(document.description.purpose if document.description else None) or "",
        file_format=file_format,
        layout_version=str(custom["layoutVersion"]),
        root=custom.get("root"),
        record=custom.get("record"),
        sender_kind=custom["senderKind"],
        period_kind=custom["periodKind"],
        has_operations=bool(custom.get("hasOperations", False)),
        key=RecordKey(
            custom["keyField"],
            tuple(custom.get("keyParts", ())),
            custom.get("keyNamespace", flow_code),
            bool(custom.get("keyPerPeriod", False)),
        ),
        windows=Window(due.get("firstDays"), due.get("correctionDays"), due["label_it"]),
        tables=tables,
        rules=tuple(rules),
        code_lists={entry["name"]: _code_list(entry) for entry in lists},
        parameters=dict(custom.get("parameters", {})),
        header=header,
        example=custom.get("example", ""),
        migration=custom.get("migration", Contract.migration),
        indexes=tuple(Index(i["name"], i["table"], i["columns"]) for i in custom.get("indexes", ())),
        record_on=custom.get("recordOn"),
        any_order_after=custom.get("anyOrderAfter"),
        is_taken_together=bool(custom.get("takenTogether", False)),
        has_any_namespace=bool(custom.get("anyNamespace", False)),
        is_read_whole=bool(custom.get("readWhole", False)),
        awaits=custom.get("awaits"),
        lookups=tuple(
            Lookup(entry["name"], entry["by"], entry["query"], tuple(entry["columns"].items()))
            for entry in custom.get("lookups", ())
        ),
    )


def rules() -> Iterator[Rule]:
    """The whole catalogue."""
    for flow_code in flow_codes():
        yield from load_contract(flow_code).rules


@cache
def placeholders() -> dict[str, str]:
    """What is written where a value is not known, as one regular expression for each kind of value: `name` (of its
    capital letters), `local_id` (of its capital letters and digits), `birth_date`. Such a value counts as missing."""
    listed = _custom(_document(CONTRACTS_DIR / f"{COMMON}_person.odcs.yaml").customProperties)["placeholders"]
    return {entry["name"]: f"^({'|'.join(value['written'] for value in entry['values'])})$" for entry in listed}


@cache
def _document(path: Path) -> OpenDataContractStandard:
    """As `OpenDataContractStandard.from_file`, with the parser in C: every process of the gate pays for this."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return OpenDataContractStandard(**yaml.load(path.read_text(encoding="utf-8"), Loader=loader))  # noqa: S506


def _custom(properties: list[CustomProperty] | None) -> dict[str, Any]:
    return {p.property: p.value for p in properties or [] if p.property}


def _complete(part: SchemaObject) -> SchemaObject:
    """A table with its includes in place: a property with `include` stands for all of the document that it names."""
    properties: list[SchemaProperty] = []
    for prop in part.properties or []:
        included = _custom(prop.customProperties).get("include")
        if included is None:
            properties.append(prop)
            continue
        for shared in _document(CONTRACTS_DIR / f"{included}.odcs.yaml").schema_ or []:
            properties += shared.properties or []
    return part.model_copy(update={"properties": properties})


def _table(schema: SchemaObject) -> Table:
    custom = _custom(schema.customProperties)
    return Table(
        name=schema.name or "",
        physical_name=schema.physicalName or "",
        source=custom.get("source", ""),
        label_it=schema.businessName or "",
        description=schema.description or "",
        grain=schema.dataGranularityDescription or "",
        fields=tuple(_field(p) for p in schema.properties or []),
    )


def _field(prop: SchemaProperty) -> Field:
    custom = _custom(prop.customProperties)
    options = prop.logicalTypeOptions or {}
    return Field(
        name=prop.name or "",
        source=custom.get("source"),
        dtype=prop.physicalType or "text",
        required=bool(prop.required),
        not_null=bool(custom.get("notNull", False)),
        pattern=options.get("pattern"),
        max_length=options.get("maxLength"),
        code_list=custom.get("codeList"),
        destination=custom["destination"],
        classification=prop.classification or "internal",
        label_it=prop.businessName or "",
        description=prop.description or "",
        example=str(prop.examples[0]) if prop.examples else None,
        note_it=custom.get("note_it"),
        minimum=_day(options.get("minimum")),
        maximum=_day(options.get("maximum")),
        no_end=custom.get("noEnd"),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _rule(quality: DataQuality, flow_code: str, table: str | None, field: str | None) -> Rule:
    custom = _custom(quality.customProperties)
    code = (quality.name or "").replace("FLOW-", f"{flow_code}-")
    grade = quality.severity or ""
    return Rule(
        code=code,
        grade=grade,
        table=table,
        field=custom.get("field", field),
        sentence_it=custom["sentence_it"],
        sentence_en=quality.description or "",
        engine=quality.engine or "",
        expression=str(quality.implementation),
        is_file_rule=grade == "FILE",
        on_cancellation=bool(custom.get("onCancellation", False)),
        each_of=tuple(custom.get("eachOf", ())),
        is_cross_record=bool(custom.get("crossRecord", False)),
    )


def _code_list(entry: dict[str, Any]) -> CodeList:
    return CodeList(
        name=entry["name"],
        label_it=entry["label_it"],
        codes=tuple(
            Code(str(c["code"]), c["label_it"], c["label_en"], c.get("valid_from"), c.get("valid_to"))
            for c in entry["codes"]
        ),
        is_open=bool(entry.get("isOpen", False)),
    )
