"""What only a new process can tell: the wait for the first step, and the peak of memory.

``python -m ganzoo.benchmarking.fresh`` reads a :class:`Question` from standard input, takes some steps, and says when
the first is done and what memory they took.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
MARK = "ganzoo-bench: "


@dataclass(frozen=True, kw_only=True)
class Question:
    """Who is to be tried.

    Attributes:
        values: the configuration, path → value.
        loop: ``ganzoo``, or the name of a rival.
        plugins: whether those of others are loaded.
        threads: of torch.
        steps: how many are taken.
        match: the library whose networks are trained, and what is chosen beside it; instead of ``values``.
    """

    values: dict[str, Any]
    loop: str
    plugins: bool
    threads: int
    steps: int
    match: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Fresh:
    """What a new process told; ``None`` where it is not measured.

    Attributes:
        first_step_seconds: from the start of the process to the end of the first step.
        peak_bytes: the most memory at a time: of the process, or what tensors took on a GPU.
        before_bytes: what there was before the first step.
        trouble: why nothing is known; empty if all went well.
    """

    first_step_seconds: float | None = None
    peak_bytes: int | None = None
    before_bytes: int | None = None
    trouble: str = ""


def measure_fresh(question: Question) -> Fresh:
    """Start a process, and take the time until it says that the first step is done."""
    # -P: a file torch.py in the current folder must not stand in for torch.
    command = (sys.executable, "-P", "-m", __spec__.name)
    with tempfile.TemporaryFile() as chatter:
        begun = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603  # this program, with arguments of its own
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=chatter, text=True, encoding="utf-8"
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with process:
            process.stdin.write(json.dumps(asdict(question)))
            process.stdin.close()
            marks: list[tuple[float, Any]] = [
                (time.perf_counter() - begun, json.loads(line.removeprefix(MARK)))
                for line in process.stdout
                if line.startswith(MARK)
            ]
        if process.returncode or len(marks) != 2:
            chatter.seek(0)
            last = chatter.read().decode("utf-8", errors="replace").strip().splitlines()[-1:]
            ended = f"a process of its own ended with exit code {process.returncode}"
            return Fresh(trouble=": ".join([ended, *last]))
    (first, _), (_, memory) = marks
    return Fresh(first_step_seconds=first, **memory)


def answer(question: Question, *, tell: Callable[[Any], None]) -> None:
    """In the new process: the first step, then the others, and the memory that they took."""
    from ganzoo.allocator import keep_freed_memory
    from ganzoo.config.layers import ConfigLayer
    from ganzoo.planning.choice import choose
    from ganzoo.registry import Registry
    from ganzoo.torch_import import load_torch

    registry = Registry.load(plugins=question.plugins)
    choice = None if question.match else choose(registry, [ConfigLayer("bench", question.values)])

    if question.loop == "ganzoo":
        keep_freed_memory()
        load_torch()
    import torch

    from ganzoo.benchmarking.contestants import Entered, scratch
    from ganzoo.benchmarking.names import Asked
    from ganzoo.benchmarking.peers.match import match
    from ganzoo.planning.plan import make_plan
    from ganzoo.training.runtime import pick_device

    torch.set_num_threads(question.threads)
    plan = make_plan(choice) if choice else match(registry, Asked(**question.match or {}))
    entered = Entered(label=question.loop, loop=question.loop, precision=plan.config.runtime.precision)
    with scratch() as folder, entered.built(plan, folder) as contestant, contestant.active():
        device = pick_device(plan.config.runtime.device)
        gpu = device.type == "cuda"
        before = torch.cuda.memory_allocated(device) if gpu else status_bytes("VmRSS")

        def done(taken: int) -> None:
            if gpu:
                torch.cuda.synchronize(device)
            if taken == 1:
                tell("first step")

        contestant.steps(question.steps, done)
        peak = torch.cuda.max_memory_allocated(device) if gpu else status_bytes("VmHWM")
    tell({"peak_bytes": peak, "before_bytes": before})


def status_bytes(name: str, *, status: Path = STATUS) -> int | None:
    """A line of Linux's account of this process; ``None`` where there is none."""
    if not status.exists():
        return None
    lines = {key: value for key, _, value in (line.partition(":") for line in status.read_text().splitlines())}
    return int(lines[name].split()[0]) * 1024 if name in lines else None


def _say(what: Any) -> None:
    # A library may have left a line of its own unfinished.
    print(f"\n{MARK}{json.dumps(what)}", flush=True)


if __name__ == "__main__":
    answer(Question(**json.load(sys.stdin)), tell=_say)
