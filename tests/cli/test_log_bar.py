"""Progress that a log tells: a bar on a terminal, a line elsewhere."""

import io
import logging
import re

import pytest
from rich.console import Console

from ganzoo.cli.log_bar import BAR, BarHandler
from ganzoo.foreign import visible


@pytest.fixture
def logged():
    """Records into a console, and what it shows of them."""

    def show(records, *, terminal, width=100):
        written = io.StringIO()
        console = Console(file=written, force_terminal=terminal, width=width, color_system=None)
        logger = logging.Logger("test")
        logger.addHandler(BarHandler(console=console, show_time=False, show_path=False, markup=False))
        for words, progress in records:
            logger.info(words, extra={} if progress is None else {"progress": progress})
        return written.getvalue()

    return show


RECORDS = [("read 2 of 8", (2, 8)), ("read 6 of 8", (6, 8)), ("read 8 of 8", None), ("next", None)]


def test_each_bar_takes_the_place_of_the_one_before_and_a_line_that_of_the_last(logged):
    first, second, last, following = re.split(r"\r\x1b\[2K|(?<=8 of 8)\s*\n", logged(RECORDS, terminal=True))
    assert first.startswith("read 2 of 8 ━")
    assert second.startswith("read 6 of 8 ━")
    assert second.count("━") == BAR
    assert re.search(r"about .+ left$", second)
    assert "\n" not in first + second
    assert "read 8 of 8" in last
    assert "next" in following


def test_elsewhere_all_are_lines(logged):
    shown = logged(RECORDS, terminal=False)
    assert [line.split("INFO", 1)[1].strip() for line in shown.splitlines()] == [words for words, _ in RECORDS]
    assert "\x1b" not in shown


def test_elsewhere_progress_is_a_line_for_each_tenth(logged):
    records = [(f"decoded {done}", (done, 1000)) for done in range(10, 1000, 10)]
    twice = [*records, ("decoded 1000", None), *records]
    shown = re.findall(r"decoded (\d+)", logged(twice, terminal=False))
    one = ["10", *(str(done) for done in range(100, 1000, 100))]
    assert shown == [*one, "1000", *one]


def test_in_80_columns_the_time_that_is_left_is_seen(logged):
    records = [(f"decoded {done:,} of 50,000 pictures", (done, 50_000)) for done in (10_001, 10_002)]
    assert re.search(r"━ about \S+ (s|min|h|days) left$", logged(records, terminal=True, width=80))


def test_a_bar_fits_into_a_narrow_terminal_and_shows_what_is_hostile(logged):
    shown = logged([(visible("\x1b[31mread" * 30), (1, 2))], terminal=True, width=40)
    assert len(shown) < 40
    assert "\x1b[31m" not in shown


def test_of_nothing_all_is_done(logged):
    assert "━" * BAR in logged([("read", (0, 0))], terminal=True)
