import pytest

from ganzoo.did_you_mean import did_you_mean, nearest


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("hing", "hinge"),
        ("HINGE", "hinge"),
        ("margin_hinge", "margin-hinge"),
        ("patchgansn", "patchgan_SN"),
        ("xyz", None),
        ("", None),
    ],
)
def test_the_nearest_word(given, expected):
    assert nearest(given, ["hinge", "margin-hinge", "patchgan_SN"]) == expected


def test_the_end_of_a_message():
    assert did_you_mean("los", ["loss", "generator"]) == "; did you mean 'loss'?"
    assert did_you_mean("xyz", ["loss", "generator"]) == ""
    assert did_you_mean("xyz", []) == ""
