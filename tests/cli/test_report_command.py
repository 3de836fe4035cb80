"""``ganzoo report``."""

import json

from reported import leaderboard


def test_a_run_and_never_over_another_file(ganzoo, tiny, tmp_path):
    tiny("--quiet")
    [run] = (tmp_path / "runs").glob("0001-*")
    first, second = ganzoo("report 1"), ganzoo(f"report {run.name}")
    assert (first.code, first.out) == (0, f"{run.name}.html\n")
    assert (second.code, second.out) == (0, f"{run.name}-2.html\n")
    page = (tmp_path / f"{run.name}.html").read_text(encoding="utf-8")
    assert f"<h1>{run.name}</h1>" in page
    assert (tmp_path / f"{run.name}-2.html").read_text(encoding="utf-8") == page
    named = ganzoo("report 1 --out deep/page.html")
    assert (named.code, (tmp_path / "deep" / "page.html").read_text(encoding="utf-8")) == (0, page)


def test_a_comparison_by_name_and_by_path(ganzoo, tmp_path):
    folder = tmp_path / "comparisons" / "losses"
    folder.mkdir(parents=True)
    (folder / "leaderboard.json").write_text(json.dumps(leaderboard()), encoding="utf-8")
    assert ganzoo("report losses").out == "losses.html\n"
    assert ganzoo(f"report {folder} --out other.html").out == "other.html\n"
    page = (tmp_path / "losses.html").read_text(encoding="utf-8")
    assert page == (tmp_path / "other.html").read_text(encoding="utf-8")
    assert "alpha is best." in page


def test_errors(ganzoo, tmp_path):
    (tmp_path / "there.html").write_text("mine")
    (tmp_path / "pictures").mkdir()
    for line, told in {
        "report 1": "there is no run '1'",
        "report ./pictures": "pictures is neither a run nor a comparison",
        "report 1 --out there.html": "there.html exists, and nothing is overwritten",
        "report 1 --out page.pdf": "a report is an HTML page",
    }.items():
        outcome = ganzoo(line)
        assert (outcome.code, told in outcome.err) == (2, True), outcome.err
    assert (tmp_path / "there.html").read_text() == "mine"
