"""Who may do what: role x schema x privilege, seen by each role through its own connection.

`EXPECTED` is the whole truth: a right that is not listed must not exist.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import psycopg
import pytest

from orchestration.settings import ROLES, Settings
from orchestration.warehouse import connection

PUBLISHED = [
    "core",
    "mart_demand",
    "mart_target_group",
    "mart_outcome",
    "mart_indicator",
    "mart_offer",
    "mart_pathway",
    "quality",
]
BUILT_BY_DBT = ["staging", "intermediate", "seeds", *PUBLISHED]

#: role | schemas, or tables by pattern | rights. Of several lines for one table the last one counts.
EXPECTED = """
owner       | access landing raw vault migration public                  | usage create
owner       | access.* landing.* raw.* vault.* migration.*               | select insert update delete truncate maintain
loader      | landing vault raw                                          | usage
loader      | landing.*                                                  | select insert update delete maintain
loader      | landing.build                                              | select insert update delete
loader      | landing.confirmation                                       | select insert
loader      | raw.*                                                      | select insert maintain
loader      | raw.identity__*                                            |
loader      | vault.presented_person vault.registry_change               | select insert update delete maintain
loader      | vault.registry_code                                        | select insert update delete maintain
identity    | landing vault raw                                          | usage
identity    | landing.* raw.* vault.*                                    | select
identity    | raw.identity__person                                       | select insert update delete maintain
identity    | raw.identity__relink                                       | select insert
identity    | landing.receipt_due landing.confirmation                   |
identity    | vault.identity_event vault.identity_run vault.linkage_case | select insert update delete
identity    | vault.linkage_registry vault.linkage_record                | select insert update delete maintain
identity    | vault.linkage_pair                                         | select insert update delete maintain
identity    | vault.linkage_decision vault.person_anchor                 | select insert update delete maintain
identity    | vault.linkage_model vault.linkage_term                     | select insert update delete
identity    | landing.linkage_check                                      | select insert update delete
identity    | landing.receipt_due                                        |
loader      | landing.linkage_check                                      | select
reviewer    | vault                                                      | usage
reviewer    | vault.review_case                                          | select
transformer | landing raw                                                | usage
transformer | landing.* raw.*                                            | select
transformer | landing.receipt_due                                        |
transformer | landing.build                                              | select insert update
transformer | landing.receipt_due                                        |
transformer | {built}                                                    | usage create
transformer | {built_tables}                                             | select insert update delete truncate maintain
publisher   | core quality published                                     | usage
publisher   | core.* quality.* published.*                               | select
publisher   | published.release published.cell                           | select insert
owner       | published                                                  | usage create
owner       | published.*                                                | select insert update delete truncate maintain
loader      | published                                                  | usage
loader      | published.*                                                | select
identity    | published                                                  | usage
identity    | published.*                                                | select
transformer | published                                                  | usage
transformer | published.*                                                | select
analyst     | published                                                  | usage
analyst     | published.*                                                | select
analyst     | {published}                                                | usage
analyst     | {published_tables}                                         | select
""".format(
    built=" ".join(BUILT_BY_DBT),
    built_tables=" ".join(f"{schema}.*" for schema in BUILT_BY_DBT),
    published=" ".join(PUBLISHED),
    published_tables=" ".join(f"{schema}.*" for schema in PUBLISHED),
)

SCHEMA_RIGHTS = ("usage", "create")
TABLE_RIGHTS = ("select", "insert", "update", "delete", "truncate", "maintain")


@pytest.fixture
def warehouse(settings: Settings) -> Settings:
    """A warehouse with a table in each schema that dbt fills, made as dbt makes it: by the transformer, at the end."""
    with connection.connect(settings, "transformer") as conn:
        for schema in BUILT_BY_DBT:
            conn.execute(f"create table {schema}.sample (id integer)")
    with connection.connect(settings, "owner") as conn:
        conn.execute("create table access.sample (id integer)")
    return settings


def expected_rights(role: str, name: str) -> set[str]:
    """What `EXPECTED` says about a schema (`core`) or a table (`core.sample`)."""
    found: set[str] = set()
    for line in EXPECTED.strip().splitlines():
        line_role, objects, rights = (part.strip() for part in line.split("|"))
        if line_role == role and any(fnmatchcase(name, each) for each in objects.split()):
            found = set(rights.split())
    return found


def actual_rights(settings: Settings, role: str) -> dict[str, set[str]]:
    """What the role itself is told by the server, for every schema and table there is."""
    with connection.connect(settings, role) as conn:
        schemas = conn.execute(
            "select nspname, array(select p from unnest(%s::text[]) p where has_schema_privilege(oid, p)) "
            "from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'",
            [list(SCHEMA_RIGHTS)],
        ).fetchall()
        tables = conn.execute(
            "select format('%%s.%%s', nspname, relname), "
            "array(select p from unnest(%s::text[]) p where has_table_privilege(c.oid, p)) "
            "from pg_class c join pg_namespace n on n.oid = relnamespace "
            "where relkind in ('r', 'p', 'v', 'm', 'f') and nspname !~ '^pg_' and nspname <> 'information_schema'",
            [list(TABLE_RIGHTS)],
        ).fetchall()
    return {name: set(rights) for name, rights in [*schemas, *tables]}


def _said(rights: set[str]) -> str:
    return ", ".join(right for right in (*SCHEMA_RIGHTS, *TABLE_RIGHTS) if right in rights) or "nothing"


def test_every_role_has_exactly_its_rights(warehouse: Settings) -> None:
    wrong = []
    for role in ROLES:
        actual = actual_rights(warehouse, role)
        assert len(actual) > 25, "the catalogue was not read"
        wrong += [
            f"{role:<11} on {name:<32} may {_said(rights)}; should: {_said(expected_rights(role, name))}"
            for name, rights in sorted(actual.items())
            if rights != expected_rights(role, name)
        ]
    assert not wrong, "rights differ from the table:\n" + "\n".join(wrong)


def test_every_object_of_the_table_exists(warehouse: Settings) -> None:
    known = set(actual_rights(warehouse, "owner"))
    named = {name for line in EXPECTED.strip().splitlines() for name in line.split("|")[1].split()}
    assert not [name for name in named if not any(fnmatchcase(each, name) for each in known)]


@pytest.mark.parametrize("role", ROLES)
def test_what_is_not_granted_is_refused_when_tried(warehouse: Settings, role: str) -> None:
    """The catalogue could be read wrongly by the test above, so each role also knocks at each door."""
    with connection.connect(warehouse, role, autocommit=True) as conn:
        for name in (name for name in actual_rights(warehouse, "owner") if "." in name):
            may_read = "select" in expected_rights(role, name) and "usage" in expected_rights(role, name.split(".")[0])
            try:
                conn.execute(f"select from {name} limit 0")
                was_read = True
            except psycopg.errors.InsufficientPrivilege:
                was_read = False
            assert was_read == may_read, f"{role} reading {name}"


@pytest.mark.parametrize("role", ROLES)
def test_roles_are_plain_logins(warehouse: Settings, role: str) -> None:
    with connection.connect(warehouse, role) as conn:
        powers = conn.execute(
            "select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls from pg_roles "
            "where rolname = current_user"
        ).fetchone()
        memberships = conn.execute(
            "select r.rolname, inherit_option, set_option, admin_option from pg_auth_members m "
            "join pg_roles r on r.oid = m.roleid where m.member = current_user::regrole"
        ).fetchall()
    assert powers == (False, False, False, False, False)
    # The owner makes the transformer's schemas; it may act as the transformer but does not inherit what it owns.
    transformer = warehouse.role_name("transformer")
    assert memberships == ([(transformer, False, True, False)] if role == "owner" else [])


def test_the_database_is_open_to_our_roles_only(warehouse: Settings) -> None:
    rights = {}
    for role in ROLES:
        with connection.connect(warehouse, role) as conn:
            rights[role] = conn.execute(
                "select array(select p from unnest(array['connect', 'create', 'temporary']) p "
                "where has_database_privilege(current_database(), p))"
            ).fetchone()[0]  # type: ignore[index]
    assert rights == {
        "owner": ["connect", "create", "temporary"],
        "loader": ["connect", "temporary"],
        "identity": ["connect", "temporary"],
        "reviewer": ["connect"],
        "transformer": ["connect", "temporary"],
        "publisher": ["connect"],
        "analyst": ["connect"],
    }
    with connection.connect_admin(warehouse) as admin:
        assert admin.execute(
            "select has_database_privilege('public', %s, 'connect')", [warehouse.database_name]
        ).fetchone() == (False,)


def test_the_analyst_reads_what_dbt_makes_again(warehouse: Settings) -> None:
    """dbt drops and creates its tables: the right to read must come back with the new ones."""
    with connection.connect(warehouse, "transformer") as conn:
        conn.execute("drop table core.sample cascade")
        conn.execute("create table core.sample (id integer)")
        conn.execute("create view mart_demand.again as select id from core.sample")
    with connection.connect(warehouse, "analyst") as conn:
        assert conn.execute("select count(*) from core.sample").fetchone() == (0,)
        assert conn.execute("select count(*) from mart_demand.again").fetchone() == (0,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            conn.execute("create temporary table mine (id integer)")


@pytest.mark.parametrize("role", ["analyst", "reviewer"])
@pytest.mark.parametrize(
    "call",
    [
        "pg_advisory_lock(1)",
        "pg_try_advisory_lock_shared(1, 1)",
        "pg_advisory_xact_lock(1)",
        "lo_create(0)",
        "lo_from_bytea(0, 'x')",
    ],
)
def test_readers_lock_nothing_and_store_nothing(warehouse: Settings, role: str, call: str) -> None:
    """The gate takes an advisory lock: a reader who could take it would stop every intake."""
    with connection.connect(warehouse, role, autocommit=True) as conn:
        conn.execute("set default_transaction_read_only = off")  # a reader can, so it protects nothing
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(f"select {call}")  # type: ignore[arg-type]
    with connection.connect(warehouse, "loader", autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(1), pg_advisory_unlock(1)")


def test_a_condition_of_the_reviewer_sees_only_cases(warehouse: Settings) -> None:
    """An error in a condition tells a value: no row behind the view may be tried with it."""
    with connection.connect(warehouse, "loader") as conn:
        conn.execute(
            "insert into vault.presented_person"
            " (person_ref, flow_code, sender_code, is_identifier_valid, family_name, first_delivery_id)"
            " values (gen_random_uuid(), 'IASS', '10502', false, 'nobody', 1)"
        )
    with connection.connect(warehouse, "reviewer") as conn:
        assert conn.execute("select * from vault.review_case where family_name::int = 1").fetchall() == []


def test_the_server_logs_no_error_of_a_statement(warehouse: Settings) -> None:
    """The text of an error repeats the value that caused it."""
    for role in ROLES:
        with connection.connect(warehouse, role) as conn:
            assert conn.execute("show log_min_messages").fetchone() == ("log",), role
