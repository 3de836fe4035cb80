"""What torch makes of this machine. It is asked in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.doctor.child import Answer, ask
from ganzoo.doctor.device_probe import Probe
from ganzoo.doctor.diagnosis import Diagnosis


def device_checks() -> Iterator[Diagnosis]:
    """What torch said, and a fault if it did not come to its end."""
    answer = ask("ganzoo.doctor.device_probe")
    probes = [Probe(**row) for row in answer.rows]
    for probe in probes:
        yield Diagnosis(section="devices", name=probe.name, status="note" if probe.note else "ok", text=probe.text)
    if answer.ending:
        yield _breakdown(answer, imported=bool(probes))
    elif answer.chatter.strip():
        yield Diagnosis(section="devices", name="torch", status="note", text="printed", traceback=answer.chatter)


def _breakdown(answer: Answer, *, imported: bool) -> Diagnosis:
    reinstall = "python -m pip install --force-reinstall torch"
    return Diagnosis(
        section="devices",
        name="torch",
        status="fault",
        text=f"{'cannot be used' if imported else 'cannot be imported'}: {answer.reason}",
        fixes=("ganzoo run --device cpu", reinstall) if imported else (reinstall,),
        traceback=answer.chatter,
    )
