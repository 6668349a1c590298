"""Records compared in memory: DuckDB holds them, blocking picks pairs, Splink weighs them.

Belongs here: one comparison of a set of records with a set of persons under one model, from Arrow to scored pairs. Not
here: where records come from and where scores go (`linkage.py`), keys (`blocking.py`), levels and weights (`model.py`).

Nothing touches the disk: the database is in memory, has a limit, and may not spill (`temp_directory` is empty), because
what it would spill are names. A set too large for the limit is compared in slices.

A source of records has the columns of `SOURCE`; `ref` is a token, `code` a codice fiscale or nothing. The registry's
leaves out what is the same for all of its persons: four million times the same costs a third of the reading.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import polars as pl

from orchestration.identity import blocking
from orchestration.identity.folding import create_macros
from orchestration.identity.model import BEARERS, FLOOR_WEIGHT, FREQUENCIES, FREQUENT_NAME, Model
from orchestration.intake.contract import placeholders

if TYPE_CHECKING:
    import duckdb

SOURCE = (
    "ref", "is_registered", "is_coded", "family_name", "given_name", "sex", "birth_date", "birth_year", "place", "code",
)  # fmt: skip
_OF_REGISTRY = {"is_registered": "true", "is_coded": "true", "birth_year": "null::smallint"}
#: Leaves room for the rest of the process under two gigabytes.
MEMORY_LIMIT = "1400MB"
THREADS = 2
#: Records per slice: some 15 pairs each, at some hundred bytes a pair.
SLICE = 40_000


class Comparer:
    """A DuckDB in memory with records on both sides. Use as a context; what it held is gone afterwards."""

    def __init__(self, *, extra: Sequence[str] = (), keys: tuple[tuple[str, ...], ...] = blocking.KEYS) -> None:
        """`extra`: columns of the sources beyond `SOURCE`, compared as they are. `keys`: how candidates are found."""
        import duckdb

        self.extra, self.keys = tuple(extra), keys

        self.con: duckdb.DuckDBPyConnection = duckdb.connect(
            ":memory:", config={"memory_limit": MEMORY_LIMIT, "threads": THREADS, "temp_directory": ""}
        )
        self.run("set preserve_insertion_order = false")
        self.run("set enable_progress_bar = false")
        create_macros(self.run)
        columns = ("name", "folded", "bones", "sound", "first_word", "next_word")
        self.run(f"create table name ({', '.join(f'{column} varchar' for column in columns)})")
        self.run("create table frequent (given varchar)")
        self.run("create sequence uid")

    def __enter__(self) -> Comparer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.con.close()

    def load(self, table: str, source: Any) -> int:
        """Take a source (an Arrow reader or table) in as `table`; its names are folded once each. Names and dates that
        only stand for one that is not known are missing from here on."""
        self.con.register("arriving", source)
        given = {*source.schema.names}
        columns = ", ".join(
            name if name in given else f"{_OF_REGISTRY[name]} as {name}" for name in (*SOURCE, *self.extra)
        )
        self.run(f"create or replace table {table} as select nextval('uid') as uid, {columns} from arriving")
        self.con.unregister("arriving")
        self.run(
            f"""update {table} set birth_date = null
            where birth_date in (
                select birth_date from (select distinct birth_date from {table}) as every
                where regexp_full_match(birth_date::varchar, '{placeholders()["birth_date"]}')
            )"""
        )
        self.run(
            f"""insert into name
            select name, folded, skeleton(folded), sound(folded), words(name)[1], words(name)[2]
            from (
                select name, fold(name) as folded
                from (select family_name as name from {table} union select given_name from {table}) as every
                where name is not null and name not in (select known.name from name as known)
            ) as new"""
        )
        return int(self._value(f"select count(*) from {table}"))

    def features_sql(self, table: str, where: str = "true") -> str:
        """Rows of a table as they are compared."""
        return f"""select
                one.uid, one.is_registered, one.is_coded,
                family.folded as family, family.bones as family_bones,
                given.folded as given, given.bones as given_bones,
                given.sound as given_sound, given.first_word, given.next_word,
                given.folded in (select frequent.given from frequent) as given_is_frequent,
                one.sex, one.birth_date, one.birth_date::varchar as born,
                coalesce(one.birth_year, year(one.birth_date)) as birth_year,
                one.place, one.code{"".join(f", one.{name}" for name in self.extra)}
            from {table} as one
            left join name as family on family.name = one.family_name
            left join name as given on given.name = one.given_name
            where {where}"""

    def pick(self, records: str, persons: str, condition: str = "true") -> int:
        """Fill `pair` with the candidates among `persons` for each of `records`; `condition` on `one` and `other`.
        A key that too many share would bring much work and little news: blocking keys are made so that none is."""
        asked, offered = (blocking.keys_sql(self.keys, both_ways=both_ways) for both_ways in (True, False))
        self.run(
            f"create or replace table record_key as select distinct uid, unnest({asked}) as key"
            f" from ({self.features_sql(records)})"
        )
        self.run("delete from record_key where key is null")
        self.run(
            f"""create or replace table pair as
            select distinct found.one as uid_l, found.other as uid_r
            from (
                select asked.uid as one, offered.uid as other
                from (
                    select uid, unnest({offered}) as key
                    from ({self.features_sql(persons)})
                ) as offered
                inner join record_key as asked on asked.key = offered.key
                where asked.uid <> offered.uid
            ) as found
            inner join {records} as one on one.uid = found.one
            inner join {persons} as other on other.uid = found.other
            where {condition}"""
        )
        return int(self._value("select count(*) from pair"))

    def score(
        self,
        model: Model,
        terms: Mapping[str, Any],
        records: str,
        persons: str,
        *,
        hidden: Sequence[str] = (),
        floor: float = FLOOR_WEIGHT,
    ) -> pl.DataFrame:
        """The pairs of `pair` that weigh at least `floor`: `ref`, `other_ref`, `other_is_registered`, `weight` (prior
        included) and, in the order of the model's comparisons, `levels` and `weights`."""
        self.know_frequent(terms.get("given"), model.registry_size)
        tables = [records] if records == persons else [records, persons]
        self.run(
            "create or replace table compared as "
            + " union ".join(
                self.features_sql(table, "one.uid in (select uid_l from pair union select uid_r from pair)")
                for table in tables
            )
        )
        linker, api = self.linker(model, terms, hidden=tuple(hidden))
        linker.table_management.register_blocked_pairs_for_predict(
            api.register(
                self.con.sql("select '0' as match_key, uid_l as join_key_l, uid_r as join_key_r from pair"),
            )
        )
        scored = linker.inference.predict(threshold_match_weight=floor, warning_mode="never")
        shown = [name for name in model.comparisons() if name not in hidden]
        levels = ", ".join(f"gamma_{name}::smallint" for name in shown)
        weights = ", ".join(self._weight_sql(name) for name in shown)
        refs = " union all ".join(f"select uid, ref, is_registered from {table}" for table in tables)
        frame = self.con.sql(
            f"""select
                one.ref, other.ref as other_ref, other.is_registered as other_is_registered,
                scored.match_weight::float as weight,
                [{levels}]::smallint[] as levels,
                [{weights}]::float[] as weights
            from {scored.physical_name} as scored
            inner join pair
                on least(pair.uid_l, pair.uid_r) = least(scored.uid_l, scored.uid_r)
                and greatest(pair.uid_l, pair.uid_r) = greatest(scored.uid_l, scored.uid_r)
            inner join ({refs}) as one on one.uid = pair.uid_l
            inner join ({refs}) as other on other.uid = pair.uid_r"""
        ).pl()
        api.delete_tables_created_by_splink_from_db()
        return frame

    def know_frequent(self, given: pl.DataFrame | None, n_persons: int) -> None:
        """Which given names are frequent, by their share in a registry (as `terms` gives it) of so many persons."""
        self.run("delete from frequent")
        if given is not None:
            least = max(FREQUENT_NAME, (BEARERS - 0.5) / max(1, n_persons))
            self.con.register("found", given.filter(pl.col("tf_given") >= least).select("given").to_arrow())
            self.run("insert into frequent select given from found")
            self.con.unregister("found")

    def linker(self, model: Model, terms: Mapping[str, Any], *, hidden: tuple[str, ...] = ()) -> tuple[Any, Any]:
        """Splink on the table `compared`. Imported here: it takes a second that most commands need not spend."""
        from splink import Linker
        from splink.internals.duckdb.database_api import DuckDBAPI

        logging.getLogger("splink").setLevel(logging.ERROR)
        api = DuckDBAPI(connection=self.con)
        linker = Linker(
            api.register("compared"),
            settings=model.settings(hidden=hidden),
            log_level=logging.ERROR,
            validate_settings=False,
        )
        for comparison, column in FREQUENCIES.items():
            if comparison in model.levels and comparison not in hidden:
                frame = terms.get(column)
                if frame is not None:
                    linker.table_management.register_term_frequency_lookup(api.register(frame), column)
        return linker, api

    def terms(self, persons: str) -> dict[str, pl.DataFrame]:
        """How often each name, birth date and birth place occurs among `persons`, as a share. A date that two have is
        chance, and has no frequency."""
        found = {}
        for column in FREQUENCIES.values():
            found[column] = self.con.sql(
                f"""select {column}, n / total as tf_{column}
                from (
                    select {column}, count(*) as n, sum(count(*)) over () as total
                    from ({self.features_sql(persons)}) where {column} is not null group by {column}
                ) as counted
                where n >= {BEARERS if column == "born" else 1}
                order by {column}"""
            ).pl()
        return found

    @staticmethod
    def _weight_sql(name: str) -> str:
        adjusted = f" + coalesce(mw_tf_adj_{name}, 0)" if name in FREQUENCIES else ""
        return f"mw_{name}{adjusted}"

    def run(self, statement: str) -> list[Any]:
        """Run a statement to its end: DuckDB lets nothing else happen on a connection with a result half read."""
        return self.con.execute(statement).fetchall()

    def _value(self, statement: str) -> Any:
        return self.run(statement)[0][0]
