"""Reports as Chromium shows them: clicked through, by keyboard too, and nothing that a stranger named is run."""

import pytest
from reported import CLASSES, WARNING

from ganzoo.report.comparison_page import comparison_page
from ganzoo.report.leaderboard import read_leaderboard

CONTRAST = """
(() => {
  const light = (color) => {
    const parts = color.match(/[\\d.]+/g).map(Number);
    const linear = (part) => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4;
    const [r, g, b] = parts.map((part) => linear(part / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor;
      if (!/, 0\\)$/.test(color)) return color;
    }
    return getComputedStyle(document.body).backgroundColor;
  };
  const shown = [...document.querySelectorAll("body *")].filter((one) =>
    [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) && one.getClientRects().length
    && !["SCRIPT", "STYLE"].includes(one.tagName) && !one.closest("svg"));
  return Math.min(...shown.map((one) => {
    const [a, b] = [getComputedStyle(one).color, ground(one)].map(light).sort((x, y) => y - x);
    return (a + .05) / (b + .05);
  }));
})()
"""


@pytest.fixture
def report(browser):
    """Open a page; afterwards it must not have asked for anything else, nor run anything."""
    browser.requests.clear()
    browser.complaints.clear()
    yield browser
    outside = [one for one in browser.requests if not one.startswith(("file:", "data:", "about:"))]
    assert (outside, browser.complaints) == ([], [])


@pytest.fixture
def board(comparison):
    path = comparison / "report.html"
    path.write_text(comparison_page(comparison, read_leaderboard(comparison)), encoding="utf-8")
    return path


def shown_step(page):
    return page.ask("[...document.querySelectorAll('.strip figure.now')].map((one) => one.dataset.step).join()")


class TestARun:
    def test_the_slider_follows_the_keyboard(self, report, hostile_page):
        report.open(hostile_page)
        assert shown_step(report) == "4"
        report.ask("document.querySelector('.slider input').focus()")
        report.press("ArrowLeft")
        assert shown_step(report) == "2"
        assert report.ask("document.querySelector('.slider input').getAttribute('aria-valuetext')") == "Step 2"
        report.press("Home")
        assert shown_step(report) == "0"
        assert report.ask("document.querySelector('.slider output').textContent") == "Step 0"

    def test_play_goes_on_from_the_first_and_stops(self, report, hostile_page):
        report.open(hostile_page)
        report.click(".slider button")
        assert shown_step(report) == "0"
        report.click(".slider button")
        assert report.ask("document.querySelector('.slider button').textContent") == "Play"

    def test_names_of_strangers_are_text(self, report, hostile_page):
        report.open(hostile_page)
        text = report.ask("document.body.textContent")
        assert all(name in text for name in (*CLASSES, WARNING))
        assert report.ask("document.querySelectorAll('script').length") == 1
        assert report.ask("document.querySelectorAll('[onclick], [onerror], b').length") == 0

    def test_a_script_that_got_in_would_not_run(self, browser, tmp_path, hostile_page):
        """The policy, not the escaping: the same page with a script that is not ours."""
        page = hostile_page.read_text(encoding="utf-8")
        planted = page.replace("</main>", "<script>document.title = 'owned'</script></main>")
        assert planted != page
        (tmp_path / "planted.html").write_text(planted, encoding="utf-8")
        browser.open(tmp_path / "planted.html")
        assert browser.ask("document.title") != "owned"
        assert any("Content Security Policy" in one for one in browser.complaints)

    def test_it_can_be_read_without_scripts(self, report, hostile_page):
        report.open(hostile_page, scripts=False)
        visible = "[...document.querySelectorAll('.strip figure')].filter((one) => one.getClientRects().length).length"
        assert report.ask(visible) == 3

    def test_every_picture_is_there_and_is_described(self, report, hostile_page):
        report.open(hostile_page)
        pictures = report.ask(
            "[...document.images].map((one) => [one.complete && one.naturalWidth > 0, one.alt.length > 0])"
        )
        assert pictures
        assert all(all(one) for one in pictures)
        assert report.ask("[...document.querySelectorAll('svg')].every((one) => one.getAttribute('aria-label'))")

    def test_focus_is_seen_and_sections_are_landmarks(self, report, hostile_page):
        report.open(hostile_page)
        report.press("Tab")
        assert report.ask("document.activeElement.className") == "skip"
        assert report.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        assert report.ask("['header', 'nav', 'main', 'footer'].every((one) => document.querySelector(one))")
        assert report.ask("[...document.querySelectorAll('nav a')].every((one) => document.querySelector(one.hash))")

    def test_nothing_plays_where_motion_is_not_wanted(self, report, hostile_page):
        report.open(hostile_page, still=True)
        assert report.ask("getComputedStyle(document.querySelector('.slider button')).display") == "none"


class TestAComparison:
    def order(self, page):
        return page.ask(
            "[...document.querySelectorAll('.sortable tbody th')].map((one) => one.textContent[0]).join('')"
        )

    def sorted_by(self, page):
        return page.ask(
            "[...document.querySelectorAll('th[aria-sort]')]"
            ".map((one) => one.textContent.trim().slice(0, 5) + ' ' + one.ariaSort)"
        )

    def test_columns_are_sorted_by_click_and_by_key(self, report, board):
        report.open(board)
        assert self.order(report) == "abgd"
        report.click(".sortable th:nth-child(2) button")
        assert (self.order(report), self.sorted_by(report)) == ("abdg", ["Cell ascending"])
        report.press("Enter")
        assert (self.order(report), self.sorted_by(report)) == ("gdba", ["Cell descending"])

    def test_what_has_no_number_stands_last_either_way(self, report, board):
        report.open(board)
        report.click(".sortable th:nth-child(3) button")
        assert self.order(report) == "abgd"
        report.click(".sortable th:nth-child(3) button")
        assert self.order(report) == "gbad"

    def test_cells_are_text(self, report, board):
        report.open(board)
        assert "gamma <script>alert(5)</script>" in report.ask("document.body.textContent")
        assert "out of memory" in report.ask("document.querySelector('#failures').textContent")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_contrast_is_enough_to_read(report, hostile_page, board, dark):
    """WCAG 2.2 AA asks for 4.5."""
    for page in (hostile_page, board):
        report.open(page, dark=dark)
        assert report.ask(CONTRAST) >= 4.5


def test_a_phone_scrolls_in_one_direction(report, hostile_page, board):
    for page in (hostile_page, board):
        report.open(page, width=360)
        assert report.ask("document.documentElement.scrollWidth") == 360
