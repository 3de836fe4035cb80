"""Several runs in one figure: every line is of its own run, in its own color."""

import pytest

pytest.importorskip("matplotlib")

from matplotlib.backends.backend_agg import FigureCanvasAgg

from ganzoo.errors import ConfigError
from ganzoo.plotting.overlay import COLORS, PANELS, overlay


def rows(offset, *, steps=3, **more):
    """Rows whose every value tells its run, its column and its step."""
    columns = [name for lines in PANELS.values() for name in lines]
    return [
        {"step": step, **{name: offset + 10 * place + step for place, name in enumerate(columns)}, **more}
        for step in range(1, steps + 1)
    ]


def lines(panel):
    """(color, style) → points of each line."""
    return {
        (line.get_color(), line.get_linestyle()): line.get_xydata().tolist()
        for line in panel.lines
        if len(line.get_xdata())
    }


def test_each_panel_has_the_lines_of_every_run():
    sheet = overlay({"one": rows(100), "other": rows(1000, steps=2)})
    columns = [name for drawn in PANELS.values() for name in drawn]
    for (title, drawn), panel in zip(PANELS.items(), sheet.axes, strict=True):
        assert panel.get_title(loc="left") == title
        expected = {}
        for color, offset, steps in ((COLORS[0], 100, 3), (COLORS[1], 1000, 2)):
            for name, style in drawn.items():
                value = offset + 10 * columns.index(name)
                expected[color, style] = [[step, value + step] for step in range(1, steps + 1)]
        assert lines(panel) == expected
    [legend] = sheet.legends
    assert [text.get_text() for text in legend.get_texts()] == ["one", "other"]
    assert [handle.get_color() for handle in legend.get_lines()] == list(COLORS[:2])
    FigureCanvasAgg(sheet).draw()


def test_a_metric_that_one_run_has_gets_a_panel_with_that_run_alone():
    sheet = overlay({"one": rows(0), "other": rows(0, **{"metric/mode-coverage/high_quality": 0.5})})
    panel = sheet.axes[len(PANELS)]
    assert panel.get_title(loc="left") == "mode-coverage/high quality"
    [(color, _)] = [key for key, points in lines(panel).items() if points]
    assert color == COLORS[1]


def test_long_runs_are_smoothed_and_metrics_are_not():
    noisy = [{"step": step, "d/total": step % 2, "metric/a": step % 2} for step in range(100)]
    sheet = overlay({"one": noisy, "other": noisy})
    objective, metric = sheet.axes[0], sheet.axes[len(PANELS)]
    middle = [value for step, value in lines(objective)[COLORS[0], "-"] if 10 < step < 90]
    assert max(middle) - min(middle) < 0.5
    assert {value for _, value in lines(metric)[COLORS[0], "-"]} == {0, 1}


def test_what_cannot_be_drawn():
    with pytest.raises(ConfigError, match="run other has not written any metrics yet"):
        overlay({"one": rows(0), "other": []})
    with pytest.raises(ConfigError, match=f"at most {len(COLORS)} runs"):
        overlay({str(number): rows(0) for number in range(len(COLORS) + 1)})
