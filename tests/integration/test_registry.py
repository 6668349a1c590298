"""Registry snapshots through the gate: the history must be that of the days, not that of the post."""

import gzip
import itertools
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration.errors import IassError
from orchestration.identity.run import resolve
from orchestration.intake import confirmation, fiscal_code
from orchestration.intake.contract import load_contract
from orchestration.intake.gate import intake
from orchestration.settings import Settings
from orchestration.warehouse import connection

COLUMNS = [
    *("id_assistito", "tipo_identificativo", "identificativo", "identificativo_precedente", "cognome", "nome", "sesso"),
    *("data_nascita", "codice_nascita", "cittadinanza", "comune_residenza", "ausl_residenza", "ausl_assistenza"),
    *("stato", "data_stato", "data_decesso", "codice_medico"),
]

BOLOGNA, IMOLA = ("037006", "080105"), ("037032", "080106")
NAMES = {"a": "ALBERTI", "b": "BIANCHI", "c": "CONTI", "d": "DONATI", "e": "ESPOSITO"}


def code_of(person: str, born: date = date(1950, 1, 1)) -> str:
    one = [NAMES[person[0]], "ANNA", "F", born, "A944"]
    return fiscal_code.encode(*(pl.Series([value]) for value in one)).item()


def row(person: str, **changes: str) -> dict[str, str]:
    base = dict.fromkeys(COLUMNS, "") | {
        "id_assistito": person,
        "tipo_identificativo": "0",
        "identificativo": code_of(person),
        "cognome": NAMES[person[0]],
        "nome": "ANNA",
        "sesso": "F",
        "data_nascita": "1950-01-01",
        "codice_nascita": "A944",
        "cittadinanza": "100",
        "comune_residenza": BOLOGNA[0],
        "ausl_residenza": BOLOGNA[1],
        "ausl_assistenza": BOLOGNA[1],
        "stato": "A",
        "data_stato": "2010-01-01",
        "codice_medico": "M1",
    }
    return base | changes


def moved(person: str) -> dict[str, str]:
    return row(person, comune_residenza=IMOLA[0], ausl_residenza=IMOLA[1], ausl_assistenza=IMOLA[1])


def broken(person: str) -> dict[str, str]:
    """A row that is discarded: its comune is not one."""
    return row(person, comune_residenza="abc")


def snapshot(folder: Path, day: str, *rows: dict[str, str], progressive: int = 1, packed: bool = False) -> Path:
    lines = [COLUMNS, *([each[name] for name in COLUMNS] for each in rows)]
    content = "".join(";".join(line) + "\n" for line in lines).encode()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"NAAR_080_{day}_{progressive:03}.csv{'.gz' if packed else ''}"
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


def history(settings: Settings) -> list[tuple[Any, ...]]:
    """The segments in force with all that they say, without the numbers of deliveries and segments."""
    return query(
        settings,
        """select
            segment.from_snapshot_on, segment.to_snapshot_on, raw.change_type, raw.person_ref,
            raw.residence_comune_code, raw.birth_month_on, raw.status_on, vault.registry_id, vault.identifier,
            vault.base_identifier, vault.birth_date
        from landing.registry_segment as segment
        left join raw.naar__person as raw on raw.segment_id = segment.segment_id
        left join vault.registry_change as vault
            on vault.segment_id = raw.segment_id and vault.person_ref = raw.person_ref
        where segment.superseded_by_delivery_id is null
        order by 2, 4""",
    )


def changes(settings: Settings) -> list[tuple[str, str, str]]:
    """(day, person, change) of the history."""
    return [(line[1].isoformat(), line[7], line[2]) for line in history(settings) if line[2]]


def codes(settings: Settings) -> list[tuple[Any, ...]]:
    return query(settings, "select base_identifier, person_ref, is_current from vault.registry_code order by 1, 2")


def query(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    with connection.connect(settings, "owner") as conn:
        return conn.execute(statement).fetchall()


def same_key(*homes: Settings) -> None:
    """Tokens of several homes can be compared only under one key."""
    for settings in homes:
        settings.secrets_dir.mkdir(parents=True, exist_ok=True)
        (settings.secrets_dir / "pseudonym_key").write_text("one key for all the homes of this test, long enough")


def test_first_snapshot_opens_all_and_the_next_tells_the_difference(settings: Settings, tmp_path: Path) -> None:
    intake(settings, [snapshot(tmp_path, "2013-01-31", row("a1"), row("b1"), row("c1"))])
    assert {change for change in changes(settings)} == {("2013-01-31", p, "open") for p in ("a1", "b1", "c1")}
    (result,) = intake(settings, [snapshot(tmp_path, "2013-02-28", row("c1"), moved("b1"), row("d1"), packed=True)])
    assert (result.records_sent, result.records_accepted, result.records_discarded) == (3, 3, 0)
    assert {change for change in changes(settings) if change[0] == "2013-02-28"} == {
        ("2013-02-28", "a1", "close"),
        ("2013-02-28", "b1", "change"),
        ("2013-02-28", "d1", "open"),
    }
    assert query(settings, "select count(*) from raw.naar__person where birth_month_on <> '1950-01-01'") == [(0,)]


def test_identity_stays_in_the_vault(settings: Settings, tmp_path: Path) -> None:
    intake(settings, [snapshot(tmp_path, "2013-01-31", row("a1"))])
    (line,) = query(settings, "select raw::text from raw.naar__person as raw")
    assert not {"a1", code_of("a"), NAMES["a"], "1950-01-02"} & set(str(line).replace(",", " ").split())
    assert query(settings, "select family_name, birth_date from vault.registry_change") == [
        (NAMES["a"], date(1950, 1, 1))
    ]


def test_discarded_rows_leave_people_as_they_were(settings: Settings, tmp_path: Path) -> None:
    intake(settings, [snapshot(tmp_path, "2013-01-31", row("a1"), row("b1"))])
    (result,) = intake(settings, [snapshot(tmp_path, "2013-02-28", broken("a1"), row("b1"), broken("e1"))])
    assert (result.records_accepted, result.records_discarded) == (1, 2)
    intake(settings, [snapshot(tmp_path, "2013-03-31", row("a1"), row("b1"))])
    assert {day for day, _, _ in changes(settings)} == {"2013-01-31"}


def test_the_second_row_with_an_id_is_discarded(settings: Settings, tmp_path: Path) -> None:
    (result,) = intake(settings, [snapshot(tmp_path, "2013-01-31", row("a1"), row("b1"), moved("a1"), row("a1"))])
    assert (result.records_accepted, result.records_discarded) == (2, 2)
    assert query(
        settings, "select record_number, rule_code from landing.finding where grade = 'SCARTO' order by 1"
    ) == [
        (3, "NAAR-103"),
        (4, "NAAR-103"),
    ]


def test_findings_of_unchanged_rows_are_told_each_time(settings: Settings, tmp_path: Path) -> None:
    """A receipt is about its own file, so a row that was flagged is flagged again although nothing changed."""
    flagged = row("a1", ausl_assistenza="")
    for day in ("2013-01-31", "2013-02-28", "2013-03-31"):
        (result,) = intake(settings, [snapshot(tmp_path, day, row("b1"), flagged)])
        assert result.records_flagged == 1
    assert query(settings, "select record_number, count(*), min(record_key) from landing.finding group by 1") == [
        (2, 3, None)
    ]


def test_a_list_that_ends_is_seen_in_unchanged_rows(settings: Settings, tmp_path: Path) -> None:
    """On 1 January 2014 the AUSL of Romagna took the place of four: a row that stayed as it was is wrong now."""
    rimini = row("a1", comune_residenza="099014", ausl_residenza="080113", ausl_assistenza="080113")
    intake(settings, [snapshot(tmp_path, "2013-12-31", rimini, row("b1"))])
    (result,) = intake(settings, [snapshot(tmp_path, "2014-01-31", rimini, row("b1"))])
    assert result.records_discarded == 1


def test_two_persons_with_one_code_are_told_even_if_one_is_unchanged(settings: Settings, tmp_path: Path) -> None:
    intake(settings, [snapshot(tmp_path, "2013-01-31", row("a1"))])
    (result,) = intake(settings, [snapshot(tmp_path, "2013-02-28", row("a1"), row("a2"))])
    assert result.records_flagged == 2
    variant = fiscal_code.omocodia(pl.Series([code_of("a")]), 2).item()
    (result,) = intake(settings, [snapshot(tmp_path, "2013-03-31", row("a1"), row("a2", identificativo=variant))])
    assert result.records_flagged == 0, "with the letters of an omocodia it is the code of another person"
    (result,) = intake(settings, [snapshot(tmp_path, "2013-04-30", row("a1"))])
    assert result.records_flagged == 0


def test_codes_follow_the_latest_day_and_old_ones_stay(settings: Settings, tmp_path: Path) -> None:
    new = code_of("a", date(1951, 1, 1))
    intake(settings, [snapshot(tmp_path, "2013-01-31", row("a1"))])
    changed = row("a1", identificativo=new, identificativo_precedente=code_of("a"), data_nascita="1951-01-01")
    intake(settings, [snapshot(tmp_path, "2013-02-28", changed)])
    assert {(code, is_current) for code, _, is_current in codes(settings)} == {(code_of("a"), False), (new, True)}


def test_wrong_codes_lead_to_nobody(settings: Settings, tmp_path: Path) -> None:
    wrong = code_of("a")[:-1] + ("A" if code_of("a")[-1] != "A" else "B")
    intake(settings, [snapshot(tmp_path, "2013-01-31", row("a1", identificativo=wrong))])
    assert codes(settings) == []


def test_a_correction_takes_the_place_of_its_day(settings: Settings, tmp_path: Path) -> None:
    intake(settings, [snapshot(tmp_path, "2013-01-31", row("a1"), row("b1"))])
    intake(settings, [snapshot(tmp_path, "2013-02-28", moved("a1"))])
    intake(settings, [snapshot(tmp_path, "2013-03-31", moved("a1"), row("b1"))])
    assert ("2013-03-31", "b1", "reopen") in changes(settings)
    intake(settings, [snapshot(tmp_path, "2013-02-28", row("a1"), row("b1"), progressive=2)])
    assert set(changes(settings)) == {
        ("2013-01-31", "a1", "open"),
        ("2013-01-31", "b1", "open"),
        ("2013-03-31", "a1", "change"),
    }


def test_a_late_snapshot_before_the_first(settings: Settings, tmp_path: Path) -> None:
    intake(settings, [snapshot(tmp_path, "2013-02-28", row("a1"), row("b1"))])
    intake(settings, [snapshot(tmp_path, "2013-01-31", row("a1"), row("c1"))])
    assert set(changes(settings)) == {
        ("2013-01-31", "a1", "open"),
        ("2013-01-31", "c1", "open"),
        ("2013-02-28", "b1", "open"),
        ("2013-02-28", "c1", "close"),
    }


def test_the_state_is_only_a_cache(settings: Settings, tmp_path: Path, new_settings: Callable[[], Settings]) -> None:
    """Lost or torn, it is rebuilt: from the archive, and for who was discarded or closed from the history."""
    other = new_settings()
    same_key(settings, other)
    days: list[tuple[str, list[dict[str, str]]]] = [
        ("2013-01-31", [row("a1"), row("b1"), row("c1"), row("d1")]),
        ("2013-02-28", [moved("a1"), broken("b1"), row("d1")]),
        ("2013-03-31", [broken("a1"), broken("b1"), broken("c1"), row("d1")]),
        ("2013-04-30", [moved("a1"), row("b1"), row("c1")]),
        ("2013-05-31", [moved("a1"), row("b1"), row("c1"), row("d1")]),
    ]
    for day, rows in days:
        path = snapshot(tmp_path, day, *rows)
        for home in (settings, other):
            intake(home, [path])
        for state in (other.state_dir / "naar").glob("*"):
            state.write_bytes(b"torn") if day < "2013-03" else state.unlink()
    assert history(settings) == history(other)
    assert ("2013-04-30", "c1", "reopen") in changes(other)
    assert not any(day == "2013-04-30" and person in ("a1", "b1") for day, person, _ in changes(other))


def test_a_repeat_and_a_refused_file_change_nothing(settings: Settings, tmp_path: Path) -> None:
    first = snapshot(tmp_path, "2013-01-31", row("a1"))
    intake(settings, [first])
    before = history(settings)
    content = first.read_bytes()
    second = snapshot(tmp_path / "again", "2013-01-31", row("a1"))
    second.write_bytes(content)
    short = tmp_path / "NAAR_080_2013-02-28_001.csv"
    short.write_bytes(content + b"a2;0;X\n")
    outcomes = [result.outcome for path in (second, short) for result in intake(settings, [path])]
    assert outcomes == ["repeated", "refused"]
    assert history(settings) == before


@pytest.fixture
def small_registries_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(load_contract("NAAR").parameters, "shrink_from_records", 4)


@pytest.mark.usefixtures("small_registries_are_judged")
def test_a_registry_that_shrinks_waits_for_a_persons_word(settings: Settings, tmp_path: Path) -> None:
    whole = [row(person) for person in ("a1", "b1", "c1", "d1")]
    intake(settings, [snapshot(tmp_path, "2013-01-31", *whole)])
    before = history(settings)
    half = snapshot(tmp_path, "2013-02-28", *whole[:2])
    (refused,) = intake(settings, [half])
    assert (refused.outcome, refused.records_sent) == ("refused", 0)
    assert history(settings) == before, "nobody is closed"
    assert query(settings, "select rule_code from landing.finding") == [("NAAR-040",)]
    (again,) = intake(settings, [half])
    assert again.outcome == "repeated"

    taken = confirmation.confirm(settings, refused.delivery_id, "due distretti sono passati a un'altra regione", "Ada")
    assert (taken.outcome, taken.records_accepted) == ("accepted", 2)
    assert {change for change in changes(settings) if change[0] == "2013-02-28"} == {
        ("2013-02-28", "c1", "close"),
        ("2013-02-28", "d1", "close"),
    }
    assert query(settings, "select delivery_id, confirmed_by, rule_code from landing.confirmation") == [
        (refused.delivery_id, "Ada", "NAAR-040")
    ]
    with pytest.raises(IassError, match="only a refused one"):
        confirmation.confirm(settings, taken.delivery_id, "di nuovo", "Ada")


@pytest.mark.usefixtures("small_registries_are_judged")
def test_a_whole_snapshot_takes_the_place_of_a_refused_half(settings: Settings, tmp_path: Path) -> None:
    whole = [row(person) for person in ("a1", "b1", "c1", "d1")]
    results = [
        *intake(settings, [snapshot(tmp_path / "1", "2013-01-31", *whole)]),
        *intake(settings, [snapshot(tmp_path / "2", "2013-02-28", *whole[:3])]),
        *intake(settings, [snapshot(tmp_path / "3", "2013-02-28", *whole[:3], moved("d1"))]),
    ]
    assert [result.outcome for result in results] == ["accepted", "refused", "accepted"]


@pytest.mark.usefixtures("small_registries_are_judged")
def test_what_a_first_and_an_earlier_snapshot_are_judged_by(settings: Settings, tmp_path: Path) -> None:
    whole = [row(person) for person in ("a1", "b1", "c1", "d1")]
    results = [
        *intake(settings, [snapshot(tmp_path, "2013-02-28", *whole)]),
        *intake(settings, [snapshot(tmp_path, "2013-01-31", *whole[:1])]),
        *intake(settings, [snapshot(tmp_path, "2013-02-28", *whole[:1], progressive=2)]),
    ]
    assert [result.outcome for result in results] == ["accepted", "refused", "refused"]


def test_only_what_a_person_can_know_is_confirmed(settings: Settings, tmp_path: Path) -> None:
    broken_file = snapshot(tmp_path, "2013-01-31", row("a1"))
    broken_file.write_bytes(b"a;b\n1;2\n")
    (refused,) = intake(settings, [broken_file])
    with pytest.raises(IassError, match="no person can confirm"):
        confirmation.confirm(settings, refused.delivery_id, "va bene", "Ada")


VARIANTS: dict[str, Callable[[str], dict[str, str]]] = {"row": row, "moved": moved, "broken": broken}
DAYS = ["2013-01-31", "2013-02-28", "2013-03-31", "2013-04-30"]
contents = st.lists(
    st.dictionaries(st.sampled_from(["a1", "b1", "c1"]), st.sampled_from(sorted(VARIANTS)), min_size=1),
    min_size=len(DAYS),
    max_size=len(DAYS),
)


@hypothesis_settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(days=contents, order=st.permutations(range(len(DAYS))))
def test_history_does_not_depend_on_the_order_of_arrival(
    new_settings: Callable[[], Settings],
    tmp_path_factory: pytest.TempPathFactory,
    days: list[dict[str, str]],
    order: list[int],
) -> None:
    folder = tmp_path_factory.mktemp("days")
    paths = [
        snapshot(folder, day, *(VARIANTS[variant](person) for person, variant in content.items()))
        for day, content in zip(DAYS, days, strict=True)
    ]
    in_order, as_it_came = new_settings(), new_settings()
    same_key(in_order, as_it_came)
    for settings, sequence in ((in_order, range(len(DAYS))), (as_it_came, order)):
        for place in sequence:
            intake(settings, [paths[place]])
    assert history(in_order) == history(as_it_came)
    assert codes(in_order) == codes(as_it_came)


def test_every_order_of_a_telling_case(new_settings: Callable[[], Settings], tmp_path: Path) -> None:
    """A person who is discarded between two changes, one who is gone at last, and a code that changes."""
    new = row("b1", identificativo=code_of("b", date(1951, 1, 1)), data_nascita="1951-01-01")
    paths = [
        snapshot(tmp_path, "2013-01-31", row("a1"), row("b1")),
        snapshot(tmp_path, "2013-02-28", moved("a1"), row("b1"), row("c1")),
        snapshot(tmp_path, "2013-03-31", broken("a1"), new),
        snapshot(tmp_path, "2013-04-30", moved("a1"), row("c1")),
    ]
    outcomes = []
    for order in itertools.islice(itertools.permutations(paths), 0, None, 5):
        settings = new_settings()
        same_key(settings)
        for path in order:
            intake(settings, [path])
        resolve(settings)
        outcomes.append((history(settings), codes(settings)))
    assert all(outcome == outcomes[0] for outcome in outcomes)
