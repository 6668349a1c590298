"""How dbt is called: a wrong argument here would rebuild too much, too little, or write into the repository."""

from __future__ import annotations

import re
from pathlib import Path

from orchestration.settings import Settings
from orchestration.warehouse import dbt
from orchestration.warehouse.dbt import PROJECT_DIR, Marks, dbt_args, dbt_environment, fingerprint

MARKS = Marks(from_delivery_id=10, to_delivery_id=12, from_identity_seq=3, to_identity_seq=4)


def _args(**more: bool) -> list[str]:
    return dbt_args("build", target_dir=Path("/home/t"), log_dir=Path("/home/l"), **more)


def test_an_incremental_build_leaves_alone_what_only_a_changed_project_changes() -> None:
    args = _args()
    assert [args[i + 1] for i, a in enumerate(args) if a == "--exclude-resource-type"] == ["unit_test", "seed"]
    assert args[args.index("--exclude") + 1 :][:2] == ["tag:from_seeds", "config.materialized:view"]


def test_a_full_refresh_makes_everything() -> None:
    args = _args(full_refresh=True)
    assert "--full-refresh" in args and "seed" not in args and "--exclude" not in args


def test_what_stands_on_seeds_alone_is_tagged_so() -> None:
    """A table with the tag that read a delivery would never be brought up to date again."""
    models = _models()
    seeds = {file.stem for file in (PROJECT_DIR / "seeds").glob("*.csv")}

    def stands_on_seeds(name: str) -> bool:
        text = models[name]
        named = set(re.findall(r"\b(?:ref\('|code_dimension\('\w+', ')(\w+)'", text)) - seeds
        return "source(" not in text and "_delivery_id" not in text and all(stands_on_seeds(each) for each in named)

    tagged = {name for name, text in models.items() if "tags='from_seeds'" in text}
    assert len(tagged) > 15
    assert not {name for name in tagged if not stands_on_seeds(name)}, "these are not from seeds alone"
    assert not {
        name
        for name, text in models.items()
        if name.startswith(("dim_", "fct_")) and stands_on_seeds(name) and name not in tagged
    }, "these are built again and again for nothing"


def test_no_view_reads_the_marks() -> None:
    """Views are made at a full refresh, which has no marks: to them everything would be new for ever."""
    reading = {name: text for name, text in _models().items() if "env_var('IASS_" in text}
    assert len(reading) > 5
    assert not {name for name, text in reading.items() if not re.search("materialized='(table|incremental)'", text)}


def _models() -> dict[str, str]:
    """Each model with the macros that it calls."""
    macros = {name: text for file in (PROJECT_DIR / "macros").glob("*.sql") for name, text in _macros(file.read_text())}

    def whole(text: str) -> str:
        called = [macros[name] for name in set(re.findall(r"\b(\w+)\(", text)) & set(macros)]
        return text + "".join(whole(each) for each in called)

    return {file.stem: whole(file.read_text()) for file in (PROJECT_DIR / "models").rglob("*.sql")}


def _macros(text: str) -> list[tuple[str, str]]:
    return re.findall(r"{%-? macro (\w+)\((.*?){%-? endmacro", text, flags=re.DOTALL)


def test_marks_have_the_names_that_the_models_read() -> None:
    read = set(re.findall(r"env_var\('(IASS_\w+)'", (PROJECT_DIR / "macros" / "new_since.sql").read_text()))
    given = dbt_environment(None, base={}, marks=MARKS)
    assert {name: given[name] for name in read} == {
        "IASS_FROM_DELIVERY_ID": "10", "IASS_TO_DELIVERY_ID": "12",
        "IASS_FROM_IDENTITY_SEQ": "3", "IASS_TO_IDENTITY_SEQ": "4",
    }  # fmt: skip
    assert not set(dbt_environment(None, base={})) & read, "a full refresh has no marks"


def test_a_changed_project_is_read_anew() -> None:
    """What dbt kept of the project before stops it where a metric has another name now."""
    assert "--no-partial-parse" in _args(project_has_changed=True) and "--no-partial-parse" not in _args()


def test_nothing_is_written_into_the_repository() -> None:
    args = _args()
    assert args[args.index("--target-path") + 1] == "/home/t"
    assert args[args.index("--log-path") + 1] == "/home/l"


def test_the_password_goes_by_a_variable_that_dbt_masks() -> None:
    env = dbt_environment("postgresql://u:secret@127.0.0.1:5433/iass", base={})
    assert [name for name, value in env.items() if value == "secret"] == ["DBT_ENV_SECRET_IASS_PASSWORD"]


def test_a_new_nomenclature_or_project_changes_the_fingerprint(tmp_path: Path) -> None:
    assert fingerprint() == fingerprint(PROJECT_DIR)
    assert fingerprint(nomenclature_version=1) != fingerprint(nomenclature_version=2)


def test_a_row_that_stands_twice_is_told_without_its_values(tmp_path: Path) -> None:
    message = (
        'Database Error in model fct_x (models/core/fct_x.sql)\n  could not create unique index "a"\n'
        "  DETAIL:  Key (x_key, month_on)=(4711, 2013-01-01) is duplicated."
    )
    result = {"unique_id": "model.iass.fct_x", "status": "error", "message": message, "execution_time": 1}
    said = dbt._failure(Settings(home=tmp_path), tmp_path, [result], "")
    assert said.startswith("Two rows of fct_x have the same x_key, month_on, so its counts would be too high."), said
    assert "4711" not in said
