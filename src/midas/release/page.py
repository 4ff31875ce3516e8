"""One self-contained, printable HTML page around a body: no script, no font or picture from elsewhere."""

from html import escape

_STYLE = """
:root{--ink:#1d2733;--soft:#5b6775;--line:#dfe4ea;--wash:#f5f7f9;--accent:#0b6b62;--accent-wash:#e4f2f0}
*{box-sizing:border-box}
body{margin:0;color:var(--ink);background:#fff;font:16px/1.6 "Noto Sans","Noto Sans Devanagari",system-ui,sans-serif}
main{max-width:52rem;margin:0 auto;padding:3rem 1.5rem 5rem}
header{border-bottom:3px solid var(--accent);padding-bottom:1.25rem;margin-bottom:2rem}
header .eyebrow{color:var(--accent);font-weight:600;letter-spacing:.06em;text-transform:uppercase;font-size:.78rem;margin:0}
h1{font-size:2.1rem;line-height:1.2;margin:.3rem 0 .4rem;letter-spacing:-.01em}
h2{font-size:1.35rem;margin:2.6rem 0 .6rem;padding-top:1.2rem;border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.6rem 0 .4rem} h4,h5{font-size:.95rem;margin:1.2rem 0 .3rem;color:var(--soft)}
p,ul,ol{margin:.5rem 0 .9rem} a{color:var(--accent)}
.faint,header p{color:var(--soft)} header p{margin:0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem;margin:1.5rem 0}
.tile{background:var(--wash);border-radius:.5rem;padding:.8rem 1rem}
.tile b{display:block;font-size:1.5rem;line-height:1.2;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:.82rem}
.bars{display:grid;grid-template-columns:minmax(6rem,12rem) 1fr 4rem;gap:.3rem .8rem;align-items:center;font-size:.9rem}
.bars i{display:block;height:.8rem;border-radius:.2rem;background:var(--accent);min-width:2px}
.bars b{font-weight:400;color:var(--soft);font-variant-numeric:tabular-nums}
table{border-collapse:collapse;width:100%;margin:.6rem 0 1.2rem;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.4rem .7rem .4rem 0;overflow-wrap:anywhere}
th,td{border-bottom:1px solid var(--line)}
th{font-weight:600} table.pairs th{width:14rem;color:var(--soft);font-weight:500}
code{font:.86em ui-monospace,"DejaVu Sans Mono",monospace;background:var(--wash);padding:.1em .3em;border-radius:.25rem}
pre{background:var(--wash);border-radius:.5rem;padding:1rem;overflow-x:auto} pre code{padding:0}
.mark{background:#fff3d6;border-left:4px solid #b7791f;padding:.8rem 1rem;border-radius:.25rem;margin:1.2rem 0}
@media print{@page{margin:18mm}body{font-size:10.5pt}main{max-width:none;padding:0}
h2{break-after:avoid}table,.tile,.bars{break-inside:avoid}.tile{border:1px solid var(--line)}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""


def page(*, title: str, body: str, eyebrow: str = "MIDAS", under: str = "") -> str:
    """Return the page; `body` is HTML that is safe already, the other texts are escaped here."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<header><p class="eyebrow">{escape(eyebrow)}</p><h1>{escape(title)}</h1>'
        f"<p>{escape(under)}</p></header>\n{body}\n</main>\n</body>\n</html>\n"
    )


def bars(counts: list[tuple[str, int]]) -> str:
    """Return a small bar chart that needs no picture: label, bar, count."""
    top = max((count for _, count in counts), default=0) or 1
    rows = "".join(
        f"<span>{escape(label)}</span><i style='width:{100 * count / top:.1f}%'></i><b>{count:,}</b>"
        for label, count in counts
    )
    return f"<div class='bars'>{rows}</div>"
