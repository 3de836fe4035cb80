"""The documentation as a site: built without warnings, every page there, formulas and docstrings readable."""

from __future__ import annotations

import html
import inspect
import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from ganzoo.component import KINDS
from ganzoo.protocols import DataSpec, Loss
from ganzoo.registry import Registry

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS) for path in DOCS.rglob("*.md"))

pytestmark = pytest.mark.xdist_group("site")  # one process makes what they share


def build(checkout: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """As ``make docs`` builds it, but where no proxy answers: a build that asks the network for anything fails."""
    pytest.importorskip("material", reason="needs ganzoo[docs]")
    nowhere = dict.fromkeys(["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"], "http://127.0.0.1:9")
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=checkout,
        env={**os.environ, **nowhere, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    built = build(ROOT, folder)
    assert built.returncode == 0, built.stderr
    assert built.stdout == ""
    assert [line for line in built.stderr.splitlines() if not line.startswith("INFO ")] == []
    return folder


def content(site: Path, name: str) -> str:
    """The HTML of a page, without what surrounds it."""
    [article] = re.findall(r"<article.*?</article>", (site / name).read_text(encoding="utf-8"), re.DOTALL)
    return article


def plain(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", markup))


def code_blocks(site: Path, name: str) -> list[str]:
    return [plain(block).strip() for block in re.findall(r"<pre>.*?</pre>", content(site, name), re.DOTALL)]


def test_a_dead_link_and_a_page_without_its_place_are_refused(tmp_path):
    """With the site's configuration and fewer pages, since every page takes its time."""
    pages = ("index.md", "components/README.md")
    for name in ("site_hooks.py", *pages):
        (tmp_path / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "docs" / name).write_text("# A page\n" if name in pages else (DOCS / name).read_text())
    configuration, nav = (ROOT / "mkdocs.yml").read_text().split("nav:\n", 1)
    rest = re.sub(r"\A(?: .*\n)+", "", nav)
    nav = "nav: [index.md, Components: [components/README.md]]\n"
    (tmp_path / "mkdocs.yml").write_text(configuration + nav + rest)
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
    (tmp_path / "docs" / "lost.md").write_text("# Lost\n\n[nowhere](nowhere.md), [no part](index.md#no-part)\n")
    built = build(tmp_path, tmp_path / "site")
    assert built.returncode == 1
    said = [built.stderr.count(words) for words in ("WARNING", "  - lost.md\n", "'nowhere.md'", "'#no-part'")]
    assert said == [3, 1, 1, 1], built.stderr


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_page_is_there(site, page):
    built = page.with_name("index.html" if page.name == "README.md" else f"{page.stem}.html")
    title = re.search(r"^# (.+)$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)[1]
    heading = re.search(r"<h1.*?</h1>", content(site, str(built)), re.DOTALL)[0]
    assert plain(heading).rstrip("¶") == title


def test_links_within_the_site_lead_somewhere(site):
    broken = []
    for page in site.rglob("*.html"):
        for target in re.findall(r'(?:href|src)="?([^"\s>]+)', page.read_text(encoding="utf-8")):
            place = target.partition("#")[0].partition("?")[0]
            if place and not re.match(r"https?:|mailto:|data:|/", place) and not (page.parent / place).exists():
                broken.append(f"{page.relative_to(site)}: {target}")
    assert broken == []


def test_nothing_is_fetched_from_elsewhere(site):
    fetched = re.compile(r'<(?:script|img|iframe|link)\b[^>]*(?:src|href)="?https?:')
    assert [str(page) for page in site.rglob("*.html") if fetched.search(page.read_text(encoding="utf-8"))] == []


def test_what_is_no_page_is_left_out(site):
    assert list(site.rglob("*.py")) == []
    assert list(site.rglob("*.md")) == []


def test_every_component_has_its_place_below_its_kind(site):
    text = (site / "components" / "index.html").read_text(encoding="utf-8")
    [navigation] = re.findall(r'<nav class="md-nav md-nav--primary.*?</nav>\s*</div>', text, re.DOTALL)
    entries = Registry.load(plugins=False).entries()
    linked = re.findall(r'href="((?:\w+)-[\w-]+\.html)"', navigation)
    assert linked == [f"{entry.kind}-{entry.name}.html" for entry in entries]
    names = {kind.name: kind.plural.capitalize() for kind in KINDS}
    words = plain(navigation)
    places = [words.index(names[kind]) for kind in dict.fromkeys(entry.kind for entry in entries)]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("page", "hidden"),
    [
        ("user-guide.html", {"navigation"}),
        ("tutorials/your-dataset.html", set()),
        ("figures/recipes.html", {"toc"}),
        ("changelog.html", {"navigation"}),
    ],
)
def test_only_empty_sidebars_are_hidden(site, page, hidden):
    sidebars = re.findall(r'<div class="md-sidebar [^>]*>', (site / page).read_text(encoding="utf-8"))
    assert len(sidebars) == 2
    assert {re.search(r'data-md-type="(\w+)"', bar)[1] for bar in sidebars if re.search(r" hidden\b", bar)} == hidden


def test_the_changelog_is_a_page_and_links_to_it_are_followed(site):
    assert "Keep a Changelog" in plain(content(site, "changelog.html"))
    assert 'href="changelog.html"' in content(site, "index.html")


def test_links_that_leave_the_documentation_are_plain_words(site):
    article = content(site, "plugin-guide.html")
    assert "examples/third_party_plugin" in plain(article)
    assert "third_party_plugin/README" not in article


def test_a_formula_keeps_its_lines(site):
    formula = "D: scale·(E relu(1−r) + E relu(1+f))\nG: −E f, or E relu(1−f) with generator=relu"
    assert formula in code_blocks(site, "components/loss-hinge.html")


def test_signs_of_markdown_are_signs_of_mathematics(site):
    text = plain(content(site, "components/loss-hinge.html"))
    assert "where r < 1 or f > −1" in text


def test_the_reference_shows_protocols_with_their_signatures(site):
    assert any(
        " ".join(block.split()) == "discriminator_loss(*, real: Tensor, fake: Tensor) -> Tensor"
        for block in code_blocks(site, "reference/protocols.html")
    )
    text = plain(content(site, "reference/protocols.html"))
    for described in (Loss.discriminator_loss, Loss, DataSpec):
        assert inspect.getdoc(described).partition("\n")[0] in text
    for attribute in fields(DataSpec):
        assert f'title="ganzoo.protocols.DataSpec.{attribute.name}"' in content(site, "reference/protocols.html")


def test_the_reference_shows_what_most_programs_need(site):
    article = content(site, "reference/ganzoo.html")
    for name in ("run", "load_run", "Run", "Run.sample", "build"):
        assert f'id="ganzoo.{name}"' in article, name
    assert "UnknownNameError" in article


def test_the_error_tree_keeps_its_lines(site):
    tree = code_blocks(site, "reference/errors.html")[0].splitlines()
    assert tree[0].startswith("GanzooError  ")
    assert tree[1].startswith("├── ConfigError  ")


@pytest.mark.parametrize("page", [page for page in PAGES if page.parts[0] == "reference"], ids=str)
def test_no_marks_of_roles_and_sections_are_left(site, page):
    name = str(page.with_name("index.html" if page.name == "README.md" else f"{page.stem}.html"))
    assert re.findall(r":(?:class|meth|func|data|mod):|``|::|\b(?:Args|Formula):", plain(content(site, name))) == []
