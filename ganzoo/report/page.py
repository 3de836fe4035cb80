"""A page without any other file: its style and its script are inside, and a browser is told to run nothing else.

What strangers named (classes, runs, options) is escaped by the template engine wherever it stands. Should a value slip
through all the same, the content security policy still keeps it from running: it allows the one script and the one
style sheet by their hashes, pictures inside the page, and nothing from any address.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ganzoo.foreign import visible
from ganzoo.report import words


def render(template: str, **content: Any) -> str:
    """The page that ``templates/<template>`` makes of its content."""
    style, script = _own("style.css"), _own("script.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        _templates()
        .get_template(template)
        # Our own two files are the only text that is not escaped.
        .render(style=Markup(style), script=Markup(script), policy=policy, version=version("ganzoo"), **content)  # noqa: S704  # our own two files
    )


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("ganzoo.report"),
        autoescape=True,
        finalize=_as_text,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"number": words.number, "count": words.count, "duration": words.duration}
    return templates


def _as_text(value: Any) -> Any:
    """Text with what a reader would not see, or would see as something else, written out; our own stays as it is."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _own(name: str) -> str:
    return (files("ganzoo.report") / "templates" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a content security policy names what it allows."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
