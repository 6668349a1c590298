"""Draws one star per fact (docs/pictures/star-<fact>.svg) and the bus matrix in docs/analysts/README.md.

Both come from the models' descriptions (dbt_project/models/core/*.yml): a column that is tested to point to a
dimension (test `points_to_members`) is a ray of the star. Run it after a change of a fact; with --check it only says
whether something is out of date.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
CORE = HERE.parents[1] / "dbt_project" / "models" / "core"
README = HERE.parent / "analysts" / "README.md"
BEGIN, END = "<!-- bus matrix: made by docs/pictures/make_stars.py -->", "<!-- end of bus matrix -->"

W, TOP, STEP = 900, 56, 46
DIM_W, DIM_H, FACT_W = 240, 36, 250
BLUE, GREEN = ("#E8EEF4", "#17324D"), ("#DDF0E6", "#0B5D3B")


@dataclass(frozen=True)
class Star:
    """A fact: its rays (key column, dimension), what is counted, and the other columns."""

    name: str
    rays: list[tuple[str, str]]
    measures: list[str]
    others: list[str]


def is_measure(column: str) -> bool:
    return column.startswith("n_") or column.endswith("_days")


def read_stars() -> list[Star]:
    stars = []
    for path in sorted(CORE.glob("fct_*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
            tests = [test["points_to_members"] for test in model.get("data_tests", []) if "points_to_members" in test]
            keys = tests[0]["arguments"]["keys"] if tests else {}
            columns = [column["name"] for column in model["columns"]]
            rays = [(column, keys[column].split(".")[0]) for column in columns if column in keys]
            others = [column for column in columns if column not in keys]
            stars.append(
                Star(
                    model["name"], rays, [c for c in others if is_measure(c)], [c for c in others if not is_measure(c)]
                )
            )
    return stars


def text(x: float, y: float, content: str, css: str, ink: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{css}" fill="{ink}">{content}</text>'


def rectangle(x: float, y: float, width: float, height: float, colours: tuple[str, str]) -> str:
    fill, ink = colours
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="9" fill="{fill}" '
        f'stroke="{ink}" stroke-width="1.2"/>'
    )


def draw(star: Star) -> str:
    half = (len(star.rays) + 1) // 2
    lines = [(name, "measure") for name in star.measures] + [(name, "small") for name in star.others]
    fact_height = 46 + 16 * len(lines)
    height = TOP + max(half * STEP, fact_height) + 16
    middle = TOP + (height - TOP - 16) / 2
    fact_x, fact_y = (W - FACT_W) / 2, middle - fact_height / 2
    parts = []
    for side, rays in ((0, star.rays[:half]), (1, star.rays[half:])):
        x = 24 if side == 0 else W - 24 - DIM_W
        first = middle - len(rays) * STEP / 2 + (STEP - DIM_H) / 2
        for number, (key, dimension) in enumerate(rays):
            y = first + number * STEP
            near, far = (x + DIM_W, fact_x) if side == 0 else (x, fact_x + FACT_W)
            target = fact_y + fact_height * (number + 1) / (len(rays) + 1)
            parts.append(
                f'<line x1="{near:g}" y1="{y + DIM_H / 2:g}" x2="{far:g}" y2="{target:g}" stroke="#5A6772" '
                'stroke-width="1.3"/>'
            )
            parts.append(rectangle(x, y, DIM_W, DIM_H, BLUE))
            parts.append(text(x + DIM_W / 2, y + 16, dimension, "title", BLUE[1]))
            parts.append(text(x + DIM_W / 2, y + 30, key, "small", BLUE[1]))
    parts.append(rectangle(fact_x, fact_y, FACT_W, fact_height, GREEN))
    parts.append(text(W / 2, fact_y + 26, star.name, "fact", GREEN[1]))
    for number, (name, css) in enumerate(lines):
        parts.append(text(W / 2, fact_y + 46 + 16 * number, name, css, GREEN[1]))
    dimensions = ", ".join(dict.fromkeys(dimension for _, dimension in star.rays))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {W} {height:g}" role="img" '
        f'aria-label="The star of {star.name}: {dimensions}">'
        "<style>text{font-family:'Titillium Web','Segoe UI',Helvetica,Arial,sans-serif;text-anchor:middle}"
        ".fact{font-size:18px;font-weight:600}.title{font-size:13px;font-weight:600}.small{font-size:11px}"
        ".measure{font-size:12px;font-weight:600}.head{font-size:14px;text-anchor:start}</style>"
        f'<rect width="{W}" height="{height:g}" fill="#FFFFFF"/>'
        f'<text x="24" y="32" class="head" fill="#17324D">{star.name}: measures in bold; under each dimension the '
        f"fact's column that points to it</text>{''.join(parts)}</svg>\n"
    )


def matrix(stars: list[Star]) -> str:
    """Facts across, dimensions down: a dot is one role, two dots are two."""
    dimensions = sorted({dimension for star in stars for _, dimension in star.rays})
    rows = [f"| | {' | '.join(f'`{star.name}`' for star in stars)} |", "|---|" + ":-:|" * len(stars)]
    for dimension in dimensions:
        roles = [sum(1 for _, each in star.rays if each == dimension) for star in stars]
        rows.append(f"| `{dimension}` | {' | '.join('' if not n else '●' * n for n in roles)} |")
    return "\n".join(rows)


def outputs() -> dict[Path, str]:
    stars = read_stars()
    made = {HERE / f"star-{star.name.removeprefix('fct_').replace('_', '-')}.svg": draw(star) for star in stars}
    page = README.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    made[README] = f"{before}{BEGIN}\n{matrix(stars)}\n{END}{rest.split(END)[1]}"
    return made


def main() -> int:
    stale = [
        path for path, content in outputs().items() if not path.exists() or path.read_text(encoding="utf-8") != content
    ]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(HERE.parents[1])} is out of date: run python docs/pictures/make_stars.py")
        return 1 if stale else 0
    for path, content in outputs().items():
        path.write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
