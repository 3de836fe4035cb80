"""The only way to a terminal: nothing that is printed here can command it, be it in a string, a table or a text.

Brackets are no markup, colons no emoji, and control characters are written out: see :mod:`ganzoo.foreign`. Styles are
given as styles, never inside the text.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from rich import console, text

from ganzoo import launch
from ganzoo.foreign import visible
from ganzoo.lines import say as say
from ganzoo.lines import say_path as say_path
from ganzoo.program import as_started

if TYPE_CHECKING:
    from rich.theme import Theme


class Text(text.Text):
    """A text with styles, whose words are shown as they are."""

    def __init__(self, text: str = "", *args: Any, **kwargs: Any) -> None:
        super().__init__(visible(text), *args, **kwargs)

    @classmethod
    def assemble(cls, *parts: Any, **kwargs: Any) -> Text:
        """Words, each with its style if it has one."""
        return cast("Text", super().assemble(*parts, **kwargs))

    def append(self, text: text.Text | str, style: Any = None) -> Text:
        """Add words."""
        super().append(visible(text) if isinstance(text, str) else text, style)
        return self


class Screen(console.Console):
    """A console for words of all origins. Only the first of several processes has one, unless it is needed anyhow."""

    def __init__(
        self,
        *,
        stderr: bool = False,
        quiet: bool = False,
        soft_wrap: bool = False,
        anyhow: bool = False,
        theme: Theme | None = None,
        force_terminal: bool | None = None,
        width: int | None = None,
    ) -> None:
        super().__init__(
            stderr=stderr,
            quiet=quiet or (launch.silent() and not anyhow),
            soft_wrap=soft_wrap,
            theme=theme,
            force_terminal=force_terminal,
            width=width,
            markup=False,
            emoji=False,
            highlight=False,
        )

    def print(self, *objects: Any, **kwargs: Any) -> None:
        """Print what can be rendered; all else, such as a path, as its words."""
        shown = (one if hasattr(one, "__rich_console__") or hasattr(one, "__rich__") else str(one) for one in objects)
        super().print(*shown, **kwargs | {"markup": False, "emoji": False, "highlight": False})

    def render_str(self, text: str, **kwargs: Any) -> text.Text:
        """The words of a string, or of a cell of a table, as they are."""
        return super().render_str(visible(text), **kwargs | {"markup": False, "emoji": False, "highlight": False})


class VisibleFormatter(logging.Formatter):
    """Formats records of a log so that reading it on a terminal is harmless.

    With ``program``, commands in them begin as the program was started.
    """

    def __init__(self, form: str | None = None, *, program: bool = False) -> None:
        super().__init__(form)
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        written = visible(super().format(record))
        return as_started(written) if self._program else written
