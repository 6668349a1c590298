"""From the vault into memory: records and persons as Arrow, read by ADBC with the rights of the role `identity`.

Belongs here: the queries whose columns are those of `comparing.SOURCE`, and what a run has in memory of their rows.
Not here: what is compared with what.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from types import TracebackType
from typing import Any

import polars as pl

from orchestration.identity.comparing import Comparer
from orchestration.settings import Settings
from orchestration.warehouse import connection

#: Records that the exact rules left and that can be compared. A record of a person with a valid code of her own stands
#: for that person: it is there to be found, and is not looked up in the registry, which knows another code.
RECORDS = """
select
    uuid_send(record.person_ref) as ref,
    false as is_registered,
    exists (
        select from vault.linkage_record as coded
        where coded.person_key = record.person_key and coded.match_method_code = 'code'
    ) as is_coded,
    presented.family_name, presented.given_name, presented.sex_code as sex,
    presented.birth_date, presented.birth_year, presented.birth_place_code as place,
    case when presented.identifier_type_code = '0' then presented.identifier end as code
from vault.linkage_record as record
inner join vault.presented_person as presented on presented.person_ref = record.person_ref
where record.is_comparable and {where}
"""
REGISTRY = """
select
    uuid_send(person_ref) as ref, family_name, given_name, sex_code as sex, birth_date, birth_place_code as place,
    identifier as code
from vault.linkage_registry
where {where}
"""
#: Records that a code led to the registry: pairs that are true without being compared.
LINKED_BY_CODE = """
select
    uuid_send(presented.person_ref) as ref, false as is_registered, false as is_coded,
    presented.family_name, presented.given_name, presented.sex_code as sex,
    presented.birth_date, presented.birth_year, presented.birth_place_code as place,
    null::text as code,
    uuid_send(registry.person_ref) as true_ref, presented.flow_code,
    date_trunc('month', delivery.period_start_on)::date as month_on
from vault.presented_person as presented
inner join landing.delivery as delivery on delivery.delivery_id = presented.first_delivery_id
inner join vault.registry_code as owner on owner.base_identifier = presented.base_identifier and owner.is_current
inner join vault.linkage_registry as registry on registry.person_ref = owner.person_ref
inner join raw.identity__person as identity on identity.person_ref = presented.person_ref
where presented.is_identifier_valid
    and identity.match_method_code = 'registry'
    and presented.family_name is not null and presented.given_name is not null
    and (presented.birth_date is not null or presented.birth_year is not null)
    and {where}
"""


def load_libraries() -> None:
    """Import what comparing takes, a second of work, while the process waits for something else."""
    for name in ("adbc_driver_postgresql.dbapi", "duckdb", "splink.internals.duckdb.database_api"):
        importlib.import_module(name)


class Memory:
    """What a run compares: one comparer, filled over one connection. Use as a context; what it held is gone afterwards.

    Both are opened when they are first wanted, because most runs find nothing to compare, and the registry is read
    once, because it is by far the most there is to read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open = ExitStack()

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    @cached_property
    def comparer(self) -> Comparer:
        return self._open.enter_context(Comparer())

    @cached_property
    def registry(self) -> str:
        """The table of the comparer that holds the registry."""
        self.load("registry", REGISTRY)
        return "registry"

    def load(self, table: str, query: str, where: str = "true") -> int:
        """Take what a query finds into a table of the comparer; of its stream only the batch at hand is held."""
        with self._stream(query, where) as stream:
            return self.comparer.load(table, stream)

    def frame(self, query: str, where: str = "true") -> pl.DataFrame:
        with self._stream(query, where) as stream:
            frame = pl.from_arrow(stream.read_all())
        assert isinstance(frame, pl.DataFrame)
        return frame

    @contextmanager
    def _stream(self, query: str, where: str) -> Iterator[Any]:
        with self._vault.cursor() as cursor:
            cursor.execute(query.format(where=where))
            yield cursor.fetch_record_batch()

    @cached_property
    def _vault(self) -> Any:
        import adbc_driver_postgresql.dbapi as adbc

        return self._open.enter_context(adbc.connect(connection.url(self._settings, "identity"), autocommit=True))
