"""Text from elsewhere, shown and never obeyed: names of folders and classes, cells of tables, keys, messages of parts.

A terminal obeys control characters: it moves the cursor, changes titles and colors, or writes what was typed before.
Whoever unpacks a stranger's archive prints the names in it sooner or later.
"""

from __future__ import annotations

import re

# C0 without line feed and tab, delete and C1; marks that reverse the order of letters, so that a name reads as another;
# Unicode's own line breaks; and bytes of a path that are no UTF-8, which Python keeps as surrogates.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""The text with everything that a terminal would obey written out, as in ``\x1b[31m``; line feeds and tabs stay.

    What is visible already stays as it is, so that it may be called on the way more than once.
    """
    return _OBEYED.sub(_written_out, text) if _OBEYED.search(text) else text


def on_one_line(name: str) -> str:
    r"""A name among others, one to a line: its line feeds are written out as well, as ``\n``."""
    return visible(name).replace("\n", "\\n")


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte, as os.fsdecode hides it
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
