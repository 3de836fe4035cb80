"""What all figures share: matplotlib, where it is installed, colors, panels, files."""

from __future__ import annotations

from pathlib import Path

from ganzoo.errors import ConfigError
from ganzoo.files import whole_file
from ganzoo.foreign import visible

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "matplotlib":
        raise
    raise ConfigError(
        "ganzoo plot draws with matplotlib, which is not installed", hint="python -m pip install 'ganzoo[plot]'"
    ) from None

__all__ = ["Axes", "Figure", "check_format", "decades", "plain", "save", "whole_numbers"]

BLUE, SKY, VERMILION, GREEN, PINK, GRAY = "#0072B2", "#56B4E9", "#D55E00", "#009E73", "#CC79A7", "#7F7F7F"
OTHERS = (SKY, "#E69F00", "#8C6BB1", "#6B4C35")
"""All colors can be told apart by color-blind readers (after Okabe & Ito)."""
BAND = "#E3E3E3"
FORMATS = (".png", ".svg", ".pdf")


def plain(axes: Axes) -> None:
    """A quiet panel: a faint grid, no frame to the right and above."""
    axes.set_axisbelow(True)
    axes.grid(color="0.9", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("0.6")
    axes.tick_params(colors="0.35", labelsize=9)


def decades(axes: Axes) -> None:
    """A logarithmic axis of values, with labels that read 0.05 and 20."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1000 * low else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", color="0.35")


def whole_numbers() -> MaxNLocator:
    """Ticks at whole numbers only, and if it is a single one."""
    return MaxNLocator(5, integer=True, min_n_ticks=1)


def check_format(path: Path) -> None:
    """Raises :class:`ganzoo.errors.ConfigError` if the suffix of the file names no format."""
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(
            f"the suffix of {path.name} must be an image format",
            given=path.suffix or "(none)",
            allowed=", ".join(FORMATS),
        )


def save(sheet: Figure, path: Path) -> None:
    """Write the figure in the format that the suffix names.

    Raises:
        ConfigError: of another format.
        ResourceError: nothing can be written there.
    """
    check_format(path)
    for text in sheet.findobj(Text):
        text.set_parse_math(False)  # names of runs and columns come from anywhere, and dollars in them are no formulas
        text.set_text(visible(text.get_text()))
    with whole_file(path, place="--out FILE") as beside:
        sheet.savefig(beside, dpi=150, format=path.suffix[1:].lower())
