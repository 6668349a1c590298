"""What `iass identity …` shows on a terminal. Draws; asks and computes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.identity.explain import RULES
from orchestration.pipeline import linkage_table

if TYPE_CHECKING:
    from orchestration.identity.explain import Explanation
    from orchestration.identity.febrl import Score
    from orchestration.identity.quality import Quality
    from orchestration.identity.review import Imported

_out = Console()
REASONS = {
    "band": "alike, but not enough",
    "guard": "first name or birth differ",
    "several": "several persons fit",
}
_SHOWN = ("family_name", "given_name", "sex_code", "birth_date", "birth_place_code", "identifier")


def cases(rows: list[dict[str, Any]]) -> None:
    """Pairs one under the other, what differs in bold."""
    if not rows:
        _out.print("No pair waits for a decision.")
        return
    drawn = Table(title=f"{len(rows):,} pairs wait for a decision", title_justify="left")
    for name in ("case", "why", "", "family name", "given name", "sex", "birth", "place", "code"):
        drawn.add_column(name, overflow="fold")
    for row in rows:
        for side in ("", "other_"):
            birth = row[f"{side}birth_date"] or row.get(f"{side}birth_year")
            place = (
                "registry"
                if side and row["other_is_registered"]
                else f"{row[f'{side}flow_code']} {row[f'{side}sender_code']}"
            )
            values = {**{name: row[f"{side}{name}"] for name in _SHOWN}, "birth_date": birth}
            other = "" if side else "other_"
            differs = {
                name
                for name in _SHOWN
                if str(values[name] or "") != str(row[f"{other}{name}"] or "") and values[name] is not None
            }
            drawn.add_row(
                "" if side else str(row["case_id"]),
                f"{row['probability']:.2f}" if side else REASONS[row["reason"]],
                place,
                *(
                    f"[bold]{escape(str(values[name]))}[/]" if name in differs else escape(str(values[name] or ""))
                    for name in _SHOWN
                ),
            )
        drawn.add_section()
    _out.print(drawn)


def exported(count: int, path: Path) -> None:
    _out.print(
        f"{count:,} pairs in {escape(str(path))}: fill in is_same with yes or no, give it back with --import, "
        "then delete it: it holds names."
    )


def imported(found: Imported) -> None:
    _out.print(
        f"{found.same:,} said to be one person, {found.different:,} to be two, {found.unanswered:,} left open. "
        "The next `iass build` follows."
    )


def explanation(found: Explanation) -> None:
    """The person's records, the links that brought them together, and what happened to the key."""
    kind = "a person of the registry" if found.is_registered else "a person whom the registry does not know"
    _out.print(f"[bold]{found.person_key}[/]: {kind}, {len(found.records):,} records in deliveries")
    drawn = Table(box=None, title="[bold]Records[/]", title_justify="left")
    for name in ("flow", "sender", "delivery", "record", "key", "presented", "code", "by"):
        drawn.add_column(name, overflow="fold")
    for row in found.records:
        drawn.add_row(
            row.flow_code, row.sender_code, row.delivery, str(row.record_number), escape(row.record_key),
            row.reference, row.identifier, row.method,
        )  # fmt: skip
    if found.records:
        _out.print(drawn)
        for method in sorted({row.method for row in found.records}):
            _out.print(f"  [cyan]{method}[/]  {RULES[method]}")
    for link in found.links:
        if link.weight is None:
            _out.print(f"[bold]Linked by a person[/]  {link.reference} and {link.other_reference}")
            continue
        drawn = Table(
            box=None,
            title=f"[bold]Linked by weight[/]  {link.reference} and {link.other_reference}: probability "
            f"{link.probability:.4f}, weight {link.weight:+.1f} (model {link.model_version}, {link.decided_by})",
            title_justify="left",
        )
        for name in ("comparison", "likeness", "weight"):
            drawn.add_column(name, justify="right" if name == "weight" else "left")
        for name, level, weight in link.comparisons:
            drawn.add_row(name.replace("_", " "), level, f"{weight:+.1f}")
        rest = link.weight - sum(weight for _, _, weight in link.comparisons)
        drawn.add_row("[dim]prior[/]", "[dim]before comparing[/]", f"[dim]{rest:+.1f}[/]")
        _out.print(drawn)
    for at, event, old, new, method in found.events:
        _out.print(f"{at:%Y-%m-%d %H:%M}  {event}: {old} → {new} ({method})")


def quality(found: Quality) -> None:
    """Precision and recall by flow and kind of fault, then what went wrong."""
    _out.print(linkage_table.scores(found.overall, "[bold]All records[/]"))
    _out.print(linkage_table.scores(found.by_case, "[bold]By how the person was presented[/]"))
    _out.print(linkage_table.targets(found.targets))
    if found.confusions:
        drawn = Table(title="What went wrong", title_justify="left", box=None)
        for name in ("what", "presented as", "by", "records"):
            drawn.add_column(name, justify="right" if name == "records" else "left")
        for kind, case, method, count in found.confusions:
            drawn.add_row(kind, case, method, f"{count:,}")
        _out.print(drawn)


def febrl(scores: list[Score]) -> None:
    drawn = Table(title="FEBRL 4, 5,000 originals and 5,000 duplicates", title_justify="left")
    for name in ("social-security number", "precision", "recall", "F1", "target"):
        drawn.add_column(name, justify="left" if name.startswith("social") else "right")
    for score in scores:
        mark = "[green]✓[/]" if score.f1 >= score.target else "[bold red]✗[/]"
        figures = map(linkage_table.share, (score.precision, score.recall, score.f1))
        drawn.add_row("hidden" if score.is_hidden else "shown", *figures, f"{mark} {score.target}")
    _out.print(drawn)
