"""What a user means by the target of a report, and its page."""

from __future__ import annotations

from pathlib import Path

from ganzoo.errors import ConfigError
from ganzoo.files import expanded
from ganzoo.registry import Registry
from ganzoo.report.comparison_page import comparison_page
from ganzoo.report.leaderboard import LEADERBOARD, read_leaderboard
from ganzoo.report.run_page import run_page
from ganzoo.runs.directory import find_run
from ganzoo.runs.run import Run

COMPARISONS = Path("comparisons")


def page_of(registry: Registry, runs: Path, word: str) -> tuple[str, str]:
    """The name of a run or comparison, and its page.

    Raises:
        ConfigError: there is neither, or its files cannot be read.
    """
    if (comparison := _comparison(word)) is not None:
        return comparison.name, comparison_page(comparison, read_leaderboard(comparison))
    path = expanded(word)
    if path.is_dir() and not (path / "config.yaml").exists() and "/" in word:
        raise ConfigError(
            f"{path} is neither a run nor a comparison",
            given=path,
            allowed=f"a folder with config.yaml (a run) or {LEADERBOARD} (a comparison)",
            hint="ganzoo runs",
        )
    run = Run(find_run(runs, word).path)
    return run.path.resolve().name, run_page(registry, run)


def _comparison(word: str) -> Path | None:
    for path in (expanded(word), COMPARISONS / word):
        if (path / LEADERBOARD).is_file():
            return path.resolve()
    return None
