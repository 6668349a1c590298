"""Draws docs/pictures/way-of-the-data.svg. The picture is text, so a change of the house is a change of this list."""

from pathlib import Path

W, H = 1180, 330
STEPS = [
    ("landing", ["files of the senders", "XML · CSV · gz · zip"], "#E8EEF4", "#17324D"),
    ("gate", ["archive, contract, rules,", "one transaction"], "#FDEBD3", "#7A4A00"),
    ("raw", ["accepted records,", "tokens, no names"], "#E8EEF4", "#17324D"),
    ("staging", ["current version", "of each key"], "#E8EEF4", "#17324D"),
    ("core", ["dimensions that", "conform, and facts"], "#DDF0E6", "#0B5D3B"),
    ("marts", ["demand · target ·", "outcome"], "#DDF0E6", "#0B5D3B"),
    ("readers", ["SQL · BI · reports"], "#E8EEF4", "#17324D"),
]
BOX, GAP, TOP = 136, 28, 60


def box(x: float, y: float, title: str, lines: list[str], fill: str, ink: str, width: float = BOX) -> str:
    text = "".join(
        f'<text x="{x + width / 2}" y="{y + 52 + 17 * i}" class="small" fill="{ink}">{line}</text>'
        for i, line in enumerate(lines)
    )
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="86" rx="9" fill="{fill}" stroke="{ink}" stroke-width="1.2"/>'
        f'<text x="{x + width / 2}" y="{y + 28}" class="title" fill="{ink}">{title}</text>{text}'
    )


def arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#5A6772" stroke-width="1.8" marker-end="url(#a)"/>'


def main() -> None:
    parts = []
    left = [24 + i * (BOX + GAP) for i in range(len(STEPS))]
    for x, (title, lines, fill, ink) in zip(left, STEPS, strict=True):
        parts.append(box(x, TOP, title, lines, fill, ink))
    for x in left[:-1]:
        parts.append(arrow(x + BOX + 3, TOP + 43, x + BOX + GAP - 3, TOP + 43))
    low = 214
    parts.append(box(left[0], low, "receipts", ["json · csv · html", "back to the sender"], "#E8EEF4", "#17324D"))
    parts.append(arrow(left[1] + 30, TOP + 89, left[0] + BOX + 3, low + 30))
    parts.append(
        box(
            left[1] + 60,
            low,
            "vault",
            ["identifiers, names;", "loader and identity only"],
            "#FBE3E4",
            "#8A1C24",
        )
    )
    parts.append(arrow(left[1] + 110, TOP + 89, left[1] + 122, low - 3))
    x_identity = left[1] + 60 + BOX + GAP
    parts.append(box(x_identity, low, "identity", ["one person_key", "per person"], "#FBE3E4", "#8A1C24"))
    parts.append(arrow(x_identity - GAP + 3, low + 43, x_identity - 3, low + 43))
    parts.append(arrow(x_identity + BOX - 20, low - 1, left[4] + 24, TOP + 90))
    Path(__file__).with_name("way-of-the-data.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {W} {H}" role="img" aria-label="The way of the data: '
        "landing, gate, raw, staging, core, marts, readers; the gate answers with receipts and puts identities in the "
        'vault, from which identity gives one key per person">'
        "<defs><marker id='a' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' markerHeight='7' orient='auto'>"
        "<path d='M0 0L8 4L0 8z' fill='#5A6772'/></marker></defs>"
        "<style>text{font-family:'Titillium Web','Segoe UI',Helvetica,Arial,sans-serif;text-anchor:middle}"
        ".title{font-size:17px;font-weight:600}.small{font-size:11px}.head{font-size:15px;text-anchor:start}</style>"
        f'<rect width="{W}" height="{H}" fill="#FFFFFF"/>'
        '<text x="24" y="34" class="head" fill="#17324D">One direction only: nothing downstream writes upstream, '
        "nothing right of the vault knows a name</text>" + "".join(parts) + "</svg>\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
