"""The matrix of ``ganzoo matrix --html``: one page without any other file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganzoo.studies.matrix import PairResult

STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1.5rem 0; }
th { font-weight: 600; text-align: left; padding: .25rem .6rem; white-space: nowrap; }
thead th { writing-mode: vertical-rl; transform: rotate(180deg); padding: .6rem .25rem; vertical-align: bottom; }
td { border: 1px solid #fff; padding: .25rem .5rem; text-align: center; font-size: 13px; }
td a { color: inherit; }
.ok { background: #d5ede4; } .warn { background: #fbe6b5; } .refused { background: #c9c9c9; }
.failed { background: #b3261e; color: #fff; font-weight: 700; }
.key span { padding: .15rem .5rem; margin-right: 1rem; }
li { margin: .8rem 0; white-space: pre-line; } li small { color: #555; display: block; }
"""


def page(results: Sequence[PairResult], *, steps: int) -> str:
    """Discriminators below each other, losses beside each other; a cell leads to its reasons."""
    losses = list(dict.fromkeys(result.loss for result in results))
    names = list(dict.fromkeys(result.discriminator for result in results))
    found = {(result.loss, result.discriminator): result for result in results}
    heads = "".join(f"<th scope='col'>{escape(loss)}</th>" for loss in losses)
    rows = [
        f"<tr><th scope='row'>{escape(name)}</th>{''.join(_cell(found[loss, name]) for loss in losses)}</tr>"
        for name in names
    ]
    counts = Counter(result.status for result in results)
    key = "".join(f"<span class='{status}'>{status}: {count}</span>" for status, count in counts.items())
    done = f"Each pair was trained for {steps} steps with narrow networks." if steps else "No pair was trained."
    lines = [
        "<!doctype html>",
        "<html lang='en'><head><meta charset='utf-8'><title>ganzoo matrix</title>",
        f"<style>\n{STYLE}</style></head><body>",
        f"<h1>Losses and discriminators</h1>\n<p>{done}</p>\n<p class='key'>{key}</p>",
        f"<table><thead><tr><td></td>{heads}</tr></thead><tbody>",
        *rows,
        "</tbody></table>\n<ul>",
        *(_item(result) for result in results if result.reasons),
        "</ul></body></html>",
    ]
    return "\n".join(lines)


def _anchor(result: PairResult) -> str:
    return escape(f"{result.loss}--{result.discriminator}", quote=True)


def _cell(result: PairResult) -> str:
    if not result.reasons:
        return f"<td class='{result.status}'>{result.status}</td>"
    title = escape("\n".join(result.reasons), quote=True)
    return f"<td class='{result.status}' title='{title}'><a href='#{_anchor(result)}'>{result.status}</a></td>"


def _item(result: PairResult) -> str:
    reasons = "\n".join(result.reasons)
    pair = f"{result.loss} with {result.discriminator}"
    return f"<li id='{_anchor(result)}'><small>{escape(pair)}: {result.status}</small>{escape(reasons)}</li>"
