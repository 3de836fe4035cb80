"""A run of two processes that loses one, and the same run without a loss, forked from one Python; run by a test."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

import torch
from comparing import SMALL

from ganzoo.cli import main as command
from ganzoo.training.loop import train  # noqa: F401  imported before the fork, since that is what takes long

SIZE = 2
RUN = ["run", "--data", "synthetic", "--image-size", "16", "--batch-size", "4", "--steps", "30", "--quiet"]
RUN += ["--metric", "sliced-wasserstein", "--set=eval.n=70", "--set=eval.every=5"]
RUN += [f"--set={path}={value}" for path, value in SMALL.items()]


def started(words: list[str], said: Path) -> list[int]:
    """The processes of a group, which write what they say into ``said-NUMBER``."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    return [_forked(words, number, port, said.with_name(f"{said.name}-{number}")) for number in range(SIZE)]


def _forked(words: list[str], number: int, port: int, said: Path) -> int:
    child = os.fork()
    if child:
        return child
    file = os.open(said, os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.environ |= {"RANK": str(number), "WORLD_SIZE": str(SIZE), "MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
    sys.argv = ["ganzoo", *words]
    code = 1
    try:
        command()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ended(processes: list[int]) -> list[int]:
    return [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]


def has_rows(out: Path, count: int) -> bool:
    return any(len(file.read_bytes().splitlines()) > count for file in out.glob("0001-*/metrics.jsonl"))


def main(folder: Path) -> None:
    """What becomes of them, as exit codes."""
    torch.set_num_threads(1)
    found = {"whole": ended(started([*RUN, "--out", str(folder / "whole")], folder / "whole-said"))}
    group = started([*RUN, "--out", str(folder / "cut")], folder / "cut-said")
    while not has_rows(folder / "cut", 9):
        time.sleep(0.005)
    os.kill(group[1], signal.SIGKILL)
    found["cut"] = ended(group)
    (run,) = (folder / "cut").glob("0001-*")
    found["resumed"] = ended(started(["resume", str(run), "--quiet"], folder / "resumed-said"))
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
