"""Registry snapshots (NAAR) through the gate: what a snapshot changes, wherever its day stands among the others.

Belongs here: reading a snapshot, choosing the rows that must be checked, and the order of days. Does not belong here:
the comparison (`registry_state.py`), the tables (`registry_log.py`), the rules (contract and `check.py`).

Only rows that are new or changed, or that may break a rule although they are as they were, go through the rules:

- rows that were flagged the last time, since a receipt lists all findings of its own file;
- rows that share an id or an identifier with another row of the file;
- people so old that the limit of age may have been passed;
- everything, when a code list, a comune or the contract changed between the two days.

A snapshot that is not the latest is put in its place: the segment that led over its day is written again in two, and
so is every later one until the state is what it was. The history is the same as if all had come in order.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl
import psycopg

from orchestration import clock
from orchestration.intake import archive, fiscal_code, ledger, read_csv, reference
from orchestration.intake.check import CheckContext, check, prepare
from orchestration.intake.contract import Contract
from orchestration.intake.delivery import FINDING_SCHEMA, Delivery, FileRefused, LoadOutcome
from orchestration.intake.registry_log import ROWS_PER_SLICE, RegistryLog, Snapshot
from orchestration.intake.registry_state import (
    StateCache,
    empty_state,
    row_hashes,
    same_state,
    to_check,
    transition,
    unchanged,
)
from orchestration.intake.tokens import tokens
from orchestration.settings import Settings

#: What the change log takes from the checked columns; all else is taken as it was received.
TYPED_SCHEMA = {
    "record_number": pl.Int64,
    "birth_date": pl.Date,
    "status_on": pl.Date,
    "death_on": pl.Date,
    "base_identifier": pl.String,
    "previous_base_identifier": pl.String,
}

_CODICE_FISCALE = r"^[A-Z0-9]{16}$"


def load_snapshot(
    settings: Settings, conn: psycopg.Connection[Any], delivery: Delivery, contract: Contract
) -> LoadOutcome:
    """Check a snapshot and write what it changes, in the gate's transaction."""
    return _Loader(settings, conn, delivery, contract).load()


class _Loader:
    def __init__(
        self, settings: Settings, conn: psycopg.Connection[Any], delivery: Delivery, contract: Contract
    ) -> None:
        self.settings = settings
        self.delivery = delivery
        self.day = delivery.period_start_on
        self.contract = contract
        self.table = contract.tables[0]
        self.columns = [field.name for field in self.table.file_fields]
        self.log = RegistryLog(conn, delivery.delivery_id)
        self.cache = StateCache(settings.state_dir / "naar", contract.content_hash, self.columns)

    def load(self) -> LoadOutcome:
        earlier = [snapshot for snapshot in self.log.snapshots if snapshot.on < self.day]
        later = [snapshot for snapshot in self.log.snapshots if snapshot.on > self.day]
        previous = earlier[-1] if earlier else None
        state = self._state_at(previous) if previous else empty_state()

        text = self._read(self.delivery.sha256, self.delivery.file_name)
        self._refuse_if_shrunk(text.height)
        rows = self._rows(text)
        is_unchanged = unchanged(state, rows)
        findings, typed = self._check(text, self._asked(text, rows, state, is_unchanged, previous))
        discarded = findings.filter(pl.col("grade") == "SCARTO")["record_number"].unique()
        flagged = findings.filter(pl.col("grade") == "ANOMALIA")["record_number"].unique()
        flagged = flagged.filter(~flagged.is_in(discarded.implode()))
        if text.height and len(discarded) == text.height:  # no day of the registry: nobody is closed by it
            return LoadOutcome(text.height, 0, text.height, 0, findings)
        step = transition(state, rows, is_unchanged, discarded, flagged)
        del state, rows  # some hundred megabytes each, and the writing needs room
        written = self._write(previous.on if previous else None, self.day, step.changes, text, typed)
        states = {self.day: step.state}
        sent = text.height
        del text, typed

        if later or self.log.segments:
            self._write_later(later, states)
            self.log.rewrite_codes(is_latest=not later and self.day not in self.log.segments)
        else:
            self.log.write_first_codes(_codes(written))
        return LoadOutcome(
            records_sent=sent,
            records_accepted=sent - len(discarded),
            records_discarded=len(discarded),
            records_flagged=len(flagged),
            findings=findings,
            after_commit=[lambda: self._keep(states)],
        )

    def _refuse_if_shrunk(self, n_records: int) -> None:
        """Half a file looks like a registry from which half of the people have gone, and would close them all: what has
        far fewer rows than the snapshot that it is compared with waits for a person's word. A first snapshot, or one
        before all others, is compared with what stands nearest."""
        near = [snapshot for snapshot in self.log.snapshots if snapshot.on <= self.day] or self.log.snapshots[::-1]
        parameters = self.contract.parameters
        if not near or near[-1].n_records < parameters["shrink_from_records"]:
            return
        rule = self.contract.file_rule("registry_shrinks")
        if n_records < near[-1].n_records * parameters["shrink_to_share"] and not ledger.is_confirmed(
            self.log.conn, self.delivery.sha256, rule.code
        ):
            raise FileRefused("registry_shrinks")

    def _write_later(self, later: list[Snapshot], states: dict[date, pl.DataFrame]) -> None:
        """Write the segments after the day again, until a state comes out as it was: from there on nothing changes.

        What was discarded then is what their own findings say: the rules do not look at other days.
        """
        previous_day = self.day
        for snapshot in later:
            text = self._read(snapshot.sha256, snapshot.file_name)
            rows = self._rows(text)
            state = states[previous_day]
            findings = self.log.recorded_findings(snapshot.delivery_id)
            step = transition(state, rows, unchanged(state, rows), *findings)
            changed = rows["record_number"].is_in(step.changes["record_number"].drop_nulls().implode())
            typed = _typed(_prepared(self.contract, text.filter(changed), self._context(snapshot.on)))
            self._write(previous_day, snapshot.on, step.changes, text, typed)
            states[snapshot.on] = step.state
            if same_state(self._state_at(snapshot), step.state):
                return
            if previous_day != self.day:
                del states[previous_day]
            previous_day = snapshot.on

    def _read(self, sha256: str, file_name: str) -> pl.DataFrame:
        """All records as text. The archive has every accepted file, so the late days of others can be read again."""
        with archive.open_member(archive.archive_path(self.settings.archive_dir, sha256), file_name) as stream:
            return read_csv.read(stream, self.contract)

    def _rows(self, text: pl.DataFrame) -> pl.DataFrame:
        return text.select("record_number", "registry_id").with_columns(row_hashes(text, self.columns))

    def _asked(
        self,
        text: pl.DataFrame,
        rows: pl.DataFrame,
        state: pl.DataFrame,
        is_unchanged: pl.Series,
        previous: Snapshot | None,
    ) -> pl.DataFrame:
        """The rows that go through the rules. Those that share an id or identifier come first, in the order of the
        file, so that they meet in one slice."""
        ids, bases = text["registry_id"], _base_identifiers(text)
        if (
            previous is None
            or previous.contract_hash != self.contract.content_hash
            or self._lists_changed(previous.on, self.day)
        ):
            is_asked = pl.repeat(True, text.height, eager=True)
            is_repeated = _repeated(ids, bases)
        else:
            oldest = f"{self.day.year - int(self.contract.parameters['max_age_years']):04}-{self.day:%m-%d}"
            is_asked = to_check(state, rows, is_unchanged) | (text["birth_date"] <= oldest).fill_null(False)
            is_repeated = _repeated_with(is_asked, rows["row_hash"], ids, bases)
        together = text.filter(is_repeated)
        alone = text.filter(is_asked & ~is_repeated)
        return pl.concat([together, alone]) if together.height else alone

    def _lists_changed(self, since: date, until: date) -> bool:
        """Does a comune or a code begin or end to hold between two days? Then unchanged rows may be right no more."""
        limits = [
            (code.valid_from, code.valid_to) for codes in self.contract.code_lists.values() for code in codes.codes
        ]
        for table in (reference.comuni(), reference.citizenships()):
            limits += table.select("valid_from", "valid_to").rows()
        return any(
            (first is not None and since < first <= until) or (last is not None and since <= last < until)
            for first, last in limits
        )

    def _check(self, text: pl.DataFrame, asked: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Findings, and the typed columns of everything that was asked."""
        context = self._context(self.day)
        findings = [pl.DataFrame(schema=FINDING_SCHEMA)]
        typed = [pl.DataFrame(schema=TYPED_SCHEMA)]
        for part in asked.iter_slices(ROWS_PER_SLICE):
            frames = _prepared(self.contract, part, context)
            # The key would be the person's regional id; the record's number tells the sender as much, and nobody else.
            found = check(self.contract, frames, context).with_columns(record_key=pl.lit(None, dtype=pl.String))
            findings.append(found.select([pl.col(name).cast(dtype) for name, dtype in FINDING_SCHEMA.items()]))
            typed.append(_typed(frames))
        return pl.concat(findings), pl.concat(typed)

    def _context(self, day: date) -> CheckContext:
        return CheckContext(
            sender_code=self.delivery.sender_code,
            period_start=day,
            period_end=day,
            today=clock.today(self.delivery.received_at),
        )

    def _write(
        self, from_on: date | None, to_on: date, changes: pl.DataFrame, text: pl.DataFrame, typed: pl.DataFrame
    ) -> pl.DataFrame:
        """Write a segment and its changes; returns them with token and typed columns, in the order of the token, which
        is the order of the tables' indexes."""
        refs = [self._refs(part["registry_id"]) for part in changes.iter_slices(ROWS_PER_SLICE)]
        ref = pl.concat(refs) if refs else pl.Series(dtype=pl.Binary)
        rows = changes.with_columns(ref.alias("person_ref")).join(typed, on="record_number", how="left")
        rows = rows.sort("person_ref")
        received = [name for name in self.columns if name not in ("registry_id", *TYPED_SCHEMA)]

        def slices() -> Iterator[pl.DataFrame]:
            for part in rows.iter_slices(ROWS_PER_SLICE):
                yield pl.concat(
                    [part, text.select(pl.col(received).gather(part["record_number"] - 1))], how="horizontal"
                ).with_columns(birth_month_on=pl.col("birth_date").dt.month_start())

        self.log.write_changes(self.log.write_segment(from_on, to_on), to_on, slices())
        return rows

    def _refs(self, registry_ids: pl.Series) -> pl.Series:
        return tokens(self.settings.pseudonym_key, ["registry"], registry_ids.to_frame("registry_id"), ["registry_id"])

    def _state_at(self, snapshot: Snapshot) -> pl.DataFrame:
        """The state after a snapshot, as the log was when this delivery came."""
        kept = self.cache.get(snapshot.on.isoformat(), self._lineage(self.log.snapshots, snapshot.on))
        return kept if kept is not None else self._rebuild(snapshot)

    def _rebuild(self, snapshot: Snapshot) -> pl.DataFrame:
        """A state from the archived bytes and the log: who is in the file and was accepted is there; who was discarded
        is as in the file of her last change; who was closed last is closed."""
        discarded, flagged = self.log.recorded_findings(snapshot.delivery_id)
        rows = self._rows(self._read(snapshot.sha256, snapshot.file_name))
        is_discarded = pl.col("record_number").is_in(discarded.implode())
        present = rows.filter(~is_discarded).select(
            "registry_id", "row_hash", has_finding=pl.col("record_number").is_in(flagged.implode())
        )
        held = rows.filter(is_discarded & pl.col("registry_id").is_not_null()).select("registry_id").unique()
        held = held.join(present, on="registry_id", how="anti")
        last_days: dict[date, list[str]] = {}
        for registry_id, day in self.log.last_change_days(self._refs(held["registry_id"]), snapshot.on):
            last_days.setdefault(day, []).append(registry_id)
        parts = [present]
        for day, registry_ids in last_days.items():
            then = next(other for other in self.log.snapshots if other.on == day)
            discarded_then, _ = self.log.recorded_findings(then.delivery_id)
            parts.append(
                self._rows(self._read(then.sha256, then.file_name))
                .filter(
                    pl.col("registry_id").is_in(registry_ids) & ~pl.col("record_number").is_in(discarded_then.implode())
                )
                .select("registry_id", "row_hash", has_finding=pl.lit(False))
            )
        closed = pl.DataFrame({"registry_id": self.log.closed_ids(snapshot.on)}, schema={"registry_id": pl.String})
        parts.append(closed.with_columns(row_hash=pl.lit(None, dtype=pl.UInt64), has_finding=pl.lit(False)))
        return pl.concat(parts)

    def _keep(self, states: dict[date, pl.DataFrame]) -> None:
        """Keep the states for the next snapshot. A later day whose state came out as before gets its new lineage."""
        mine = Snapshot(self.day, self.delivery.delivery_id, self.delivery.file_name, self.delivery.sha256, None)
        now = sorted(
            [mine, *(snapshot for snapshot in self.log.snapshots if snapshot.on != self.day)], key=lambda s: s.on
        )
        latest = now[-1]
        if latest.on not in states:
            kept = self.cache.get(latest.on.isoformat(), self._lineage(self.log.snapshots, latest.on))
            if kept is not None:
                states[latest.on] = kept
        for day in sorted(states):
            self.cache.put(day.isoformat(), self._lineage(now, day), states[day])

    @staticmethod
    def _lineage(snapshots: list[Snapshot], until: date) -> list[str]:
        return [snapshot.sha256 for snapshot in snapshots if snapshot.on <= until]


def _prepared(contract: Contract, text: pl.DataFrame, context: CheckContext) -> dict[str, pl.DataFrame]:
    return prepare(contract, {contract.tables[0].name: text}, context)


def _typed(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """What the log needs of checked columns. Only valid codes lead to a person later."""
    (frame,) = frames.values()
    return frame.with_columns(
        base_identifier=pl.when("identifier_is_valid").then("base_identifier"),
        previous_base_identifier=pl.when("previous_identifier_is_valid").then("previous_base_identifier"),
    ).select(*TYPED_SCHEMA)


def _codes(written: pl.DataFrame) -> pl.DataFrame:
    """Codes of the persons of a first snapshot: the current one, and the one that the registry calls previous."""
    current = written.select("base_identifier", "person_ref", is_current=pl.lit(True))
    previous = written.select(
        pl.col("previous_base_identifier").alias("base_identifier"), "person_ref", is_current=pl.lit(False)
    )
    previous = previous.filter(current["base_identifier"].ne_missing(previous["base_identifier"]))
    return pl.concat([current, previous]).filter(pl.col("base_identifier").is_not_null())


def _base_identifiers(text: pl.DataFrame) -> pl.Series:
    """The column under which two identifiers are the same. Only the few that do not look like a codice fiscale can be
    another way to write one; working that out for all would cost more than reading the file."""
    codes = text["identifier"]
    unusual = (~codes.str.contains(_CODICE_FISCALE)).fill_null(False)
    return codes.scatter(unusual.arg_true(), fiscal_code.normalise(codes.filter(unusual))) if unusual.any() else codes


def _repeated(*columns: pl.Series) -> pl.Series:
    """Which rows share a value of one of the columns with another row. Hashes first, of all columns at once: as a rule
    the answer is none, and hashes say so in no time."""
    n_distinct = pl.select(
        pl.lit(values).drop_nulls().hash().n_unique().alias(str(position)) for position, values in enumerate(columns)
    ).row(0)
    is_repeated = pl.repeat(False, len(columns[0]), eager=True)
    for values, n in zip(columns, n_distinct, strict=True):
        if n < len(values) - values.null_count():
            is_repeated = is_repeated | (values.is_duplicated() & values.is_not_null())
    return is_repeated


def _repeated_with(is_asked: pl.Series, row_hash: pl.Series, *columns: pl.Series) -> pl.Series:
    """As `_repeated`, when the rows that are not asked are known to share nothing with one another but whole rows: a
    value that is shared is then one of an asked row, and few values are looked for in many instead of many in many."""
    candidates = is_asked
    if row_hash.n_unique() < len(row_hash):  # as a rule there are none, and to count is a third of the work
        candidates = is_asked | row_hash.is_duplicated()
    shared = pl.repeat(False, len(is_asked), eager=True)
    for values in columns:
        mine = values.filter(candidates).drop_nulls()
        found = values.is_in(mine.implode()).fill_null(False)
        if found.sum() > len(mine) or not mine.is_unique().all():
            again = values.filter(found)
            shared = shared | values.is_in(again.filter(again.is_duplicated()).unique().implode()).fill_null(False)
    return shared
