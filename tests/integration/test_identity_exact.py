"""Who is who, rule by rule: a wrong answer here fuses two people or counts one twice, for ever."""

import itertools
import random
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from orchestration.identity.anchors import PURPOSE, anchor_sql, key_blocks, key_sql
from orchestration.identity.run import IdentityResult, resolve
from orchestration.settings import Settings
from orchestration.warehouse import connection


class Warehouse:
    """Writes what the gate would have written, as the gate's role, with readable names instead of tokens."""

    def __init__(self, settings: Settings, conn: psycopg.Connection[Any]) -> None:
        self.settings = settings
        self.conn = conn
        self.last_segment: dict[int, int] = {}

    def delivery(self, flow: str = "IASS") -> int:
        row = self.conn.execute(
            """insert into landing.delivery
                (file_name, flow_code, sender_code, sha256, size_bytes, received_at, outcome, period_code, progressive)
            values ('x', %s, 'x', 'x', 1, now(), 'accepted',
                (select count(*) from landing.delivery)::text, 1) returning delivery_id""",
            [flow],
        ).fetchone()
        assert row
        return int(row[0])

    def present(
        self,
        name: str,
        code: str | None = None,
        *,
        kind: str = "0",
        local: str | None = None,
        sender: str = "10502",
        valid: bool = True,
        flow: str = "IASS",
        delivery: int | None = None,
    ) -> None:
        self.conn.execute(
            """insert into vault.presented_person (person_ref, flow_code, sender_code, identifier_type_code, identifier,
                base_identifier, is_identifier_valid, local_id, first_delivery_id)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            [ref(name), flow, sender, kind, code, code, valid and code is not None, local, delivery or self.delivery()],
        )

    def register(self, name: str, code: str | None, *old_codes: str, change_type: str = "open") -> int:
        """A snapshot that brings one person: her code now, and old ones that the registry tells."""
        delivery = self.delivery("NAAR")
        row = self.conn.execute(
            """insert into landing.registry_segment (to_snapshot_on, delivery_id) values ('2013-01-31', %s)
            returning segment_id""",
            [delivery],
        ).fetchone()
        assert row
        self.conn.execute(
            """insert into raw.naar__person (delivery_id, segment_id, snapshot_on, change_type, person_ref)
            values (%s, %s, '2013-01-31', %s, %s)""",
            [delivery, row[0], change_type, ref(name)],
        )
        self.conn.execute("update vault.registry_code set is_current = false where person_ref = %s", [ref(name)])
        for each in (code, *old_codes):
            if each is not None:
                self.conn.execute(
                    """insert into vault.registry_code values (%s, %s, %s, %s)
                    on conflict (base_identifier, person_ref) do update set is_current = excluded.is_current""",
                    [each, ref(name), each == code, delivery],
                )
        return int(row[0])

    def take_back(self, segment: int, name: str, code: str) -> None:
        """A corrected snapshot: the segment no longer holds, and the code was never hers."""
        self.conn.execute(
            "update landing.registry_segment set superseded_by_delivery_id = %s where segment_id = %s",
            [self.delivery("NAAR"), segment],
        )
        self.conn.execute(
            "delete from vault.registry_code where base_identifier = %s and person_ref = %s", [code, ref(name)]
        )

    def resolve(self) -> IdentityResult:
        return resolve(self.settings)

    def people(self) -> dict[str, tuple[int, str]]:
        """Name to key and method."""
        rows = self.conn.execute(
            "select person_ref, person_key, match_method_code from raw.identity__person"
        ).fetchall()
        return {NAMES[person_ref]: (key, method) for person_ref, key, method in rows}

    def key(self, name: str) -> int:
        return self.people()[name][0]

    def method(self, name: str) -> str:
        return self.people()[name][1]

    def groups(self) -> set[frozenset[str]]:
        people = self.people()
        return {
            frozenset(name for name, (key, _) in people.items() if key == wanted)
            for wanted in {key for key, _ in people.values()}
        }

    def events(self) -> list[tuple[str, int, int]]:
        return self.conn.execute(
            "select event_type, old_person_key, new_person_key from vault.identity_event order by event_seq"
        ).fetchall()


NAMES: dict[uuid.UUID, str] = {}


def ref(name: str) -> uuid.UUID:
    token = uuid.uuid5(uuid.NAMESPACE_OID, name)
    NAMES[token] = name
    return token


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Warehouse]:
    with connection.connect(settings, "owner", autocommit=True) as conn:
        yield Warehouse(settings, conn)


def test_current_code_leads_to_the_registry(warehouse: Warehouse) -> None:
    warehouse.register("anna", "CF-ANNA")
    warehouse.present("contact", "CF-ANNA")
    warehouse.resolve()
    assert warehouse.key("contact") == warehouse.key("anna")
    assert warehouse.method("contact") == "registry"


def test_old_codes_lead_to_the_registry_along_the_chain(warehouse: Warehouse) -> None:
    warehouse.register("anna", "CF-A")
    warehouse.register("anna", "CF-B", change_type="change")
    warehouse.register("anna", "CF-C", "CF-B", change_type="change")
    for code in "ABC":
        warehouse.present(f"contact {code}", f"CF-{code}")
    warehouse.resolve()
    assert {warehouse.key(f"contact {code}") for code in "ABC"} == {warehouse.key("anna")}
    assert [warehouse.method(f"contact {code}") for code in "ABC"] == ["alias", "alias", "registry"]


def test_the_present_holder_of_a_code_comes_before_the_former(warehouse: Warehouse) -> None:
    warehouse.register("anna", "CF-NEW", "CF-SHARED")
    warehouse.register("bruno", "CF-SHARED")
    warehouse.present("contact", "CF-SHARED")
    warehouse.resolve()
    assert warehouse.key("contact") == warehouse.key("bruno")


def test_a_code_of_two_persons_identifies_nobody(warehouse: Warehouse) -> None:
    warehouse.register("anna", "CF-SHARED")
    warehouse.register("bruno", "CF-SHARED")
    warehouse.present("one", "CF-SHARED")
    warehouse.present("two", "CF-SHARED", sender="10503")
    warehouse.resolve()
    assert len(warehouse.groups()) == 4
    assert warehouse.method("one") == "own"


@pytest.mark.parametrize(("kind", "method"), [("0", "code"), ("1", "temporary_code"), ("4", "temporary_code")])
def test_a_valid_code_that_the_registry_does_not_know_is_one_person(
    warehouse: Warehouse, kind: str, method: str
) -> None:
    warehouse.present("one", "X1", kind=kind)
    warehouse.present("two", "X1", kind=kind, sender="10503")
    warehouse.present("other", "X2", kind=kind)
    warehouse.resolve()
    assert warehouse.groups() == {frozenset({"one", "two"}), frozenset({"other"})}
    assert warehouse.method("one") == method


def test_wrong_codes_do_not_identify(warehouse: Warehouse) -> None:
    warehouse.register("anna", "CF-ANNA")
    warehouse.present("one", "CF-ANNA", valid=False)
    warehouse.present("two", "CF-ANNA", valid=False, sender="10503")
    warehouse.resolve()
    assert len(warehouse.groups()) == 3


def test_local_id_is_the_sender_s_own(warehouse: Warehouse) -> None:
    warehouse.present("one", local="77")
    warehouse.present("again", local="77")
    warehouse.present("elsewhere", local="77", sender="10503")
    warehouse.present("other flow", local="77", flow="SISAM")
    warehouse.resolve()
    assert warehouse.groups() == {frozenset({"one", "again"}), frozenset({"elsewhere"}), frozenset({"other flow"})}
    assert warehouse.method("one") == "local_id"


def test_local_id_beside_a_code_is_evidence(warehouse: Warehouse) -> None:
    warehouse.register("anna", "CF-ANNA")
    warehouse.present("with code", "CF-ANNA", local="77")
    warehouse.present("wrong code", "CF-WRONG", valid=False, local="77")
    warehouse.present("without code", local="77")
    warehouse.resolve()
    assert warehouse.groups() == {frozenset({"anna", "with code", "wrong code", "without code"})}
    assert warehouse.method("without code") == "local_id"


def test_a_local_id_of_two_persons_proves_nothing(warehouse: Warehouse) -> None:
    warehouse.present("one", "CF-1", local="77")
    warehouse.present("nobody", local="77")
    warehouse.resolve()
    assert warehouse.key("nobody") == warehouse.key("one")
    warehouse.present("two", "CF-2", local="77")
    result = warehouse.resolve()
    assert len(warehouse.groups()) == 3
    assert warehouse.method("nobody") == "own"
    assert result.relinked == 1
    assert [event for event, _, _ in warehouse.events()] == ["relink"]


def test_what_only_stands_for_a_local_id_proves_nothing(warehouse: Warehouse) -> None:
    for local in ("0", "N/D", "-"):
        warehouse.present(f"one {local}", "CF-1", local=local)
        warehouse.present(f"two {local}", local=local)
        warehouse.present(f"three {local}", local=local)
    result = warehouse.resolve()
    assert len(warehouse.groups()) == 7
    assert {warehouse.method(f"two {local}") for local in ("0", "N/D", "-")} == {"own"}
    assert result.looked_at == 9
    warehouse.present("late", local="0")
    assert warehouse.resolve().looked_at == 1, "who shares nothing is not looked at again"


def test_missing_identifiers_never_fuse_people(warehouse: Warehouse) -> None:
    for number in range(5):
        warehouse.present(f"nobody {number}", kind="99")
    warehouse.register("without code 1", None)
    warehouse.register("without code 2", None)
    warehouse.resolve()
    assert len(warehouse.groups()) == 7


def test_nothing_new_changes_nothing(warehouse: Warehouse) -> None:
    warehouse.register("anna", "CF-ANNA")
    warehouse.present("contact", "CF-ANNA")
    first = warehouse.resolve()
    before = warehouse.people()
    again = warehouse.resolve()
    warehouse.delivery()
    empty = warehouse.resolve()
    assert first.identity_seq is not None
    assert again.identity_seq is empty.identity_seq is None
    assert warehouse.people() == before


def test_a_run_from_the_start_gives_the_same_keys(warehouse: Warehouse) -> None:
    warehouse.present("early", "CF-ANNA")
    warehouse.resolve()
    warehouse.register("anna", "CF-NEW", "CF-ANNA")
    warehouse.present("local", local="1")
    warehouse.present("own", kind="99")
    warehouse.resolve()
    before = warehouse.people()
    warehouse.conn.execute("delete from vault.identity_run")
    assert warehouse.resolve().changed == 0
    warehouse.conn.execute("delete from vault.identity_run")
    warehouse.conn.execute("delete from raw.identity__person")
    warehouse.resolve()
    assert warehouse.people() == before


def test_cost_follows_the_change(warehouse: Warehouse) -> None:
    delivery = warehouse.delivery()
    for number in range(50):
        warehouse.present(f"old {number}", f"CF-{number}", delivery=delivery)
    warehouse.resolve()
    warehouse.present("new", "CF-1")
    result = warehouse.resolve()
    assert (result.looked_at, result.changed) == (1, 1)
    rows = warehouse.conn.execute("select changed_seq, count(*) from raw.identity__person group by 1 order by 1")
    assert [count for _, count in rows.fetchall()] == [50, 1]


def test_the_registry_adopts_the_key_of_a_code_seen_before(warehouse: Warehouse) -> None:
    warehouse.present("contact", "CF-ANNA")
    warehouse.resolve()
    key = warehouse.key("contact")
    warehouse.register("anna", "CF-ANNA")
    result = warehouse.resolve()
    assert warehouse.key("anna") == warehouse.key("contact") == key
    assert warehouse.method("contact") == "registry"
    assert result.merged == result.relinked == 0
    moved = warehouse.conn.execute("select changed_seq > moved_seq from raw.identity__person order by moved_seq")
    assert [row[0] for row in moved.fetchall()] == [True, False], "only the registry's token got a key"


def test_the_registry_adopts_also_by_an_old_code(warehouse: Warehouse) -> None:
    warehouse.present("contact", "CF-OLD")
    warehouse.resolve()
    key = warehouse.key("contact")
    warehouse.register("anna", "CF-NEW", "CF-OLD")
    warehouse.resolve()
    assert warehouse.key("anna") == warehouse.key("contact") == key


def test_a_code_that_turns_out_to_be_a_registered_person_is_merged(warehouse: Warehouse) -> None:
    warehouse.register("anna", "CF-A")
    warehouse.present("known", "CF-A")
    warehouse.present("stp", "STP-1", kind="1", local="77")
    warehouse.present("local", local="77")
    warehouse.resolve()
    old, new = warehouse.key("stp"), warehouse.key("anna")
    assert old != new
    warehouse.register("anna", "CF-A", "STP-1", change_type="change")
    result = warehouse.resolve()
    assert warehouse.groups() == {frozenset({"anna", "known", "stp", "local"})}
    assert warehouse.events() == [("merge", old, new)]
    assert (result.merged, result.relinked) == (1, 0)
    assert warehouse.key("anna") == new


def test_a_local_person_who_is_identified_later_is_merged(warehouse: Warehouse) -> None:
    warehouse.present("early", local="77")
    warehouse.resolve()
    old = warehouse.key("early")
    warehouse.present("late", "CF-1", local="77")
    warehouse.resolve()
    assert warehouse.key("early") == warehouse.key("late")
    assert warehouse.events() == [("merge", old, warehouse.key("late"))]


def test_a_code_given_to_another_person_moves_what_was_presented(warehouse: Warehouse) -> None:
    """Regression of a fusion: the key made from a code stays with its first holder, the second gets one of her own."""
    segment = warehouse.register("anna", "CF-1")
    warehouse.present("contact", "CF-1")
    warehouse.resolve()
    anna = warehouse.key("anna")
    warehouse.take_back(segment, "anna", "CF-1")
    warehouse.register("anna", "CF-2", change_type="change")
    warehouse.register("bruno", "CF-1")
    warehouse.resolve()
    assert warehouse.key("anna") == anna
    assert warehouse.groups() == {frozenset({"anna"}), frozenset({"bruno", "contact"})}
    assert warehouse.events() == [("relink", anna, warehouse.key("bruno"))]


def test_a_code_taken_back_from_the_registry_is_a_person_again(warehouse: Warehouse) -> None:
    segment = warehouse.register("anna", "CF-1")
    warehouse.present("contact", "CF-1")
    warehouse.resolve()
    warehouse.take_back(segment, "anna", "CF-1")
    warehouse.resolve()
    assert warehouse.groups() == {frozenset({"anna"}), frozenset({"contact"})}
    assert warehouse.method("contact") == "code"


def test_the_order_of_arrival_does_not_matter(new_settings: Any) -> None:
    """Registry first, contacts first, or mixed, with runs in between or one at the end: the same persons, and the same
    keys where the first code decides."""
    arrivals = [
        lambda w: w.register("anna", "CF-A", "CF-A-OLD"),
        lambda w: w.register("bruno", "CF-B"),
        lambda w: w.present("a", "CF-A"),
        lambda w: w.present("a old", "CF-A-OLD", local="1"),
        lambda w: w.present("a local", local="1"),
        lambda w: w.present("b", "CF-B", local="2"),
        lambda w: w.present("stranger", "CF-S", local="2"),
        lambda w: w.present("nobody", local="2"),
        lambda w: w.present("only local", local="3"),
    ]
    shuffled = (random.Random(seed).sample(arrivals, len(arrivals)) for seed in range(3))  # noqa: S311
    orders = [arrivals, arrivals[::-1], *shuffled]
    outcomes = []
    for order, every_step in itertools.product(orders, (True, False)):
        settings = new_settings()
        key_file = settings.secrets_dir / "pseudonym_key"
        key_file.parent.mkdir(parents=True, exist_ok=True)
        key_file.write_text("the same key for all of these homes, as long as it is needed")
        with connection.connect(settings, "owner", autocommit=True) as conn:
            warehouse = Warehouse(settings, conn)
            for arrive in order:
                arrive(warehouse)
                if every_step:
                    warehouse.resolve()
            warehouse.resolve()
            methods = {name: method for name, (_, method) in warehouse.people().items()}
            outcomes.append((warehouse.groups(), methods, warehouse.key("bruno"), warehouse.key("only local")))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert frozenset({"anna", "a", "a old", "a local"}) in outcomes[0][0]


def test_anchors_are_hmac_sha256_and_keys_are_positive(warehouse: Warehouse) -> None:
    import hmac

    secret = b"k" * 40
    blocks = key_blocks(secret)
    row = warehouse.conn.execute(
        f"select {anchor_sql('code', '%(code)s::text')}", {**blocks, "code": "RSSMRA50A01A944V"}
    ).fetchone()
    derived = hmac.digest(secret, PURPOSE, "sha256")
    expected = hmac.digest(derived, b"code\x1fRSSMRA50A01A944V", "sha256")[:16]
    assert row is not None
    assert row[0].bytes == expected
    for anchor in (uuid.UUID(bytes=expected), uuid.UUID(int=2**128 - 1), uuid.UUID(int=1 << 127)):
        key = warehouse.conn.execute(f"select {key_sql('%(anchor)s::uuid')}", {"anchor": anchor}).fetchone()
        assert key is not None
        assert key[0] == int.from_bytes(anchor.bytes[:8]) >> 1
