"""How dbt is called: a wrong argument here would rebuild too much, too little, or write into the repository."""

from __future__ import annotations

import re
from pathlib import Path

from orchestration.warehouse.dbt import PROJECT_DIR, Marks, dbt_args, dbt_environment, fingerprint

MARKS = Marks(from_delivery_id=10, to_delivery_id=12, from_identity_seq=3, to_identity_seq=4)


def _args(**more: bool) -> list[str]:
    return dbt_args("build", target_dir=Path("/home/t"), log_dir=Path("/home/l"), **more)


def test_an_incremental_build_leaves_seeds_alone() -> None:
    args = _args()
    assert [args[i + 1] for i, a in enumerate(args) if a == "--exclude-resource-type"] == ["unit_test", "seed"]


def test_a_full_refresh_loads_seeds() -> None:
    args = _args(full_refresh=True)
    assert "--full-refresh" in args and "seed" not in args


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
