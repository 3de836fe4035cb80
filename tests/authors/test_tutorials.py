"""The tutorials, followed to the letter by somebody who has nothing but ganzoo and their text."""

from __future__ import annotations

import itertools
import re
from contextlib import closing

import pytest
from environments import Environment
from pages import ROOT, TUTORIALS, Block, blocks_of

CHAPTERS = (
    ("your-first-loss", "your-first-discriminator"),
    ("your-dataset",),
    ("your-own-loop",),
)
"""Pages that are followed one after the other in one folder."""


class Reader:
    """Saves what is to be saved, changes what is to be changed, and runs the rest, in an environment of its own."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def follow(self, found: list[Block]) -> None:
        for is_code, together in itertools.groupby(found, lambda block: block.language == "python" and not block.file):
            if is_code:
                self._run([(str(block), block.text) for block in together])
            else:
                for block in together:
                    self._follow(block)

    def _run(self, named: list[tuple[str, str]]) -> None:
        """Blocks that follow each other, each with names of its own, in one process that imports torch once."""
        program = 'for name, text in {}:\n    exec(compile(text, name, "exec"), {{"__name__": "__main__"}})'
        self.environment.run("python", "-c", program.format(named))

    def _follow(self, block: Block) -> None:
        if block.language == "python":
            path = self.environment.work / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "diff":
            self._change(block.text)
        elif block.language == "bash":
            self.environment.shell(block.text)
        elif block.language == "console":
            self._compare(block.text)
        else:
            assert block.language == "text", block

    def _change(self, text: str) -> None:
        """``-`` lines of the file become the ``+`` lines."""
        head, *lines = text.splitlines()
        path = self.environment.work / head.removeprefix("# ")
        before, after = ("\n".join(line[1:] for line in lines if line[0] == sign) for sign in "-+")
        source = path.read_text(encoding="utf-8")
        assert source.count(before) == 1, f"{before} is not in {path} once"
        path.write_text(source.replace(before, after), encoding="utf-8")

    def _compare(self, text: str) -> None:
        """What is shown below a command is what it says; ``…`` stands for anything."""
        for command, expected in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
            said = self.environment.shell(command, check=False)
            lines = [re.escape(line).replace("…", ".*") for line in expected.splitlines() if line != "…"]
            assert lines, command
            pattern = r"(?:.*\n)*?".join(f"{line}\n" for line in lines)
            assert re.search(rf"^{pattern}", said, re.MULTILINE), f"{command} says\n{said}"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda pages: pages[0])
def test_a_tutorial_can_be_followed(chapter, tmp_path):
    with closing(Environment(tmp_path / "environment")) as environment:
        environment.install(ROOT)
        reader = Reader(environment)
        for name in chapter:
            [page] = (page for page in TUTORIALS if page.stem == name)
            found = blocks_of(page)
            assert found
            reader.follow(found)


def test_every_tutorial_is_followed():
    assert sorted(name for chapter in CHAPTERS for name in chapter) == [page.stem for page in TUTORIALS]
