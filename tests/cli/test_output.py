"""Files that commands write: what a hint names is free."""

import pytest

NAMED = {
    "sample 1": "--grid samples-3.png",
    "sample 1 --grid samples.png": "--grid samples-3.png",
    "sample 1 --grid samples.jpg": "--grid samples-3.png",
    "plot run 1 2": "--out compared-2.png",
    "plot losses bce --out samples.png": "--out samples-3.png",
    "walk 1 --out walk.gif": "--out walk-2.gif",
    "walk 1 --out walk.mp4": "--out walk-2.gif",
    "report 1 --out 'my page.html'": "--out 'my page-2.html'",
    "data digits --sheet sheet": "--sheet sheet-2.png",
}


@pytest.mark.parametrize(("line", "hint"), NAMED.items())
def test_a_hint_names_no_file_that_is_there(ganzoo, tmp_path, line, hint):
    for name in ("samples.png", "samples-2.png", "compared.png", "walk.gif", "my page.html", "sheet.png"):
        (tmp_path / name).touch()
    outcome = ganzoo(line)
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1].endswith(hint)
