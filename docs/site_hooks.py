"""What the site has that no page of ``docs`` says: see ``mkdocs.yml``. mkdocs calls these functions by their names."""

from __future__ import annotations

import os
import re
from itertools import groupby
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from ganzoo.component import KINDS

DOCS = Path(__file__).parent
CHANGELOG = DOCS.parent / "CHANGELOG.md"
INDEX = "components/README.md"
LINK = re.compile(r"\[([^\]]+)\]\(((?!https?:)[\w./-]+)(#[\w-]+)?\)")
DOCSTRINGS = re.compile(r"<!-- docstrings: ([\w.]+) -->")
ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):(?=<code>)")
LITERAL = re.compile(r"<p>::</p>|:(?=:</p>)")
TREE = re.compile(r"<p>([^<]*├──[^<]*)</p>")


def on_config(config: MkDocsConfig) -> None:
    """Every page of a component has its place below "Components", kind by kind."""
    [components] = [section["Components"] for section in config.nav or [] if "Components" in section]
    components += component_sections()


def component_sections() -> list[dict[str, Any]]:
    """``{"Losses": [{"bce": "components/loss-bce.md"}, …]}`` and so on, in the order of the index."""
    plurals = {kind.name: kind.plural.capitalize() for kind in KINDS}
    names = re.findall(r"\((([a-z]+)-([\w-]+)\.md)\)", (DOCS / INDEX).read_text(encoding="utf-8"))
    return [
        {plurals[kind]: [{name: f"components/{file}"} for file, _, name in pages]}
        for kind, pages in groupby(names, key=lambda found: found[1])
    ]


def on_files(files: Files, config: MkDocsConfig) -> None:
    """The changelog, which lies outside of ``docs``, is a page."""
    files.append(File.generated(config, "changelog.md", abs_src_path=str(CHANGELOG)))


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links follow the changelog to where it is in the site; other links that leave ``docs`` become their text.

    Where a page of the reference has a comment that asks for docstrings, mkdocstrings is asked for them.
    """
    written = Path(page.file.abs_src_path or "").parent
    shown = (DOCS / page.file.src_uri).parent

    def in_the_site(link: re.Match[str]) -> str:
        text, path, anchor = link.groups(default="")
        goal = Path(os.path.normpath(written / path))
        goal = DOCS / "changelog.md" if goal == CHANGELOG else goal
        return f"[{text}]({os.path.relpath(goal, shown)}{anchor})" if goal.is_relative_to(DOCS) else text

    wanted = DOCSTRINGS.findall(markdown)
    return DOCSTRINGS.sub(lambda found: directive(found[1], alone=len(wanted) == 1), LINK.sub(in_the_site, markdown))


def directive(name: str, *, alone: bool) -> str:
    """For mkdocstrings; names that share a page have headings, which a module alone on its page needs not."""
    options = "" if alone else "\n    options: { show_root_heading: true, show_root_toc_entry: true }"
    return f"::: {name}{options}"


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Docstrings are written for terminals: marks of roles and of literal blocks go, and trees keep their lines."""
    page.meta["hide"] = empty_sidebars(page)
    return TREE.sub(r"<pre><code>\1</code></pre>", LITERAL.sub("", ROLE.sub("", html)))


def empty_sidebars(page: Page) -> list[str]:
    """A page alone in its tab needs no navigation beside it, and one without sections no table of contents."""
    sections = [section for title in page.toc for section in title.children]
    return [name for name, empty in (("navigation", page.parent is None), ("toc", not sections)) if empty]
