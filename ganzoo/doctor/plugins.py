"""Which plugins there are and what is wrong with them. They are loaded in a process of its own, which one may end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from ganzoo.doctor.child import Answer, ask
from ganzoo.doctor.diagnosis import Diagnosis
from ganzoo.doctor.plugin_probe import leave_out, loading_checks
from ganzoo.registry import ALLOW, DENY, Source, installed, select


def plugin_checks(*, plugins: bool = True) -> Iterator[Diagnosis]:
    """What :func:`loading_checks` finds, and a fault for each plugin that ends the process it is loaded in."""
    if not plugins:
        yield from loading_checks(plugins=False)
        return
    answer = _load()
    sources = {source.distribution: source for source in _chosen()} if answer.ending else {}
    fatal = {name: alone for name in sources if (alone := _load({ALLOW: name})).ending}
    if fatal:
        denied = [os.environ.get(DENY), *fatal]
        answer = _load({DENY: ",".join(filter(None, denied))})
    checks = [Diagnosis(**{**row, "fixes": tuple(row["fixes"])}) for row in answer.rows]
    yield from (check for check in checks if check.name not in fatal)
    yield from (_fatal(sources[name], alone) for name, alone in fatal.items())
    if answer.ending:
        yield Diagnosis(
            section="plugins",
            name="all together",
            status="fault",
            text=f"cannot be loaded together in one process: {answer.reason}",
            fixes=("ganzoo --no-plugins …",),
            traceback=answer.chatter,
        )
    elif answer.chatter.strip():
        yield Diagnosis(section="plugins", name="plugins", status="note", text="printed", traceback=answer.chatter)


def _load(environ: dict[str, str] | None = None) -> Answer:
    """Load in a process that finds what this one finds."""
    return ask("ganzoo.doctor.plugin_probe", {"PYTHONPATH": os.pathsep.join(sys.path), **(environ or {})})


def _chosen() -> list[Source]:
    """The entry points of third parties that the user wants."""
    sources, _ = installed()
    chosen = select(sources, plugins=True, environ=os.environ).chosen
    return [source for source in chosen if not source.first_party]


def _fatal(source: Source, answer: Answer) -> Diagnosis:
    return Diagnosis(
        section="plugins",
        name=source.distribution,
        status="fault",
        text=f"{source.version}: crashes ganzoo when it or one of its components is loaded: {answer.reason}",
        fixes=(source.origin.upgrade, "report it to its authors", leave_out(source.distribution)),
        traceback=answer.chatter,
    )
