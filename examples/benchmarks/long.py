"""Hours of training with all that a run does besides: do memory, open files, disk and throughput stay as they are?

    python examples/benchmarks/long.py --minutes 120 --out long

Starts ``ganzoo run`` with a small pair on digits, where grids, evaluations, checkpoints and a tracker come many times a
minute, and reads from outside, every few seconds, what the process holds and what the run's folder takes. A table of
slopes per hour and a picture are made of it; ``--only-fit`` makes them of a table that is there, also while it grows.

Values a few seconds apart are not independent, and the least squares of all of them would promise too narrow an
interval. So the time after the warm-up is cut into twenty blocks, and the line goes through their means, with
Student's t for 18 degrees of freedom.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

T_OF_18 = 2.101
"""97.5 % of Student's t."""
BLOCKS = 20
TRAINED = [
    "--loss",
    "hinge",
    "--disc",
    "patchgan-sn",
    "--gen",
    "dcgan",
    "--data",
    "digits",
    "--image-size",
    "16",
    "--batch-size",
    "16",
    "--tracker",
    "tensorboard",
    "--metric",
    "sliced-wasserstein",
    "--set",
    "discriminator.ndf=8",
    "--set",
    "generator.ngf=8",
    "--set",
    "eval.n=200",
    "--set",
    "eval.every=300",
    "--set",
    "train.sample_every=100",
    "--set",
    "train.checkpoint_every=100",
    "--set",
    "train.log_every=10",
    "--set",
    "runtime.threads=1",
    "--quiet",
]


def main() -> None:
    """Watch a training, or only fit; print and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--every", type=float, default=5, help="seconds between two looks")
    parser.add_argument("--warm", type=float, default=10, help="minutes at the start that are not fitted")
    parser.add_argument("--out", type=Path, default=Path("long"))
    parser.add_argument("--only-fit", action="store_true")
    arguments = parser.parse_args()
    if not arguments.only_fit:
        watch(arguments.out, arguments.minutes, arguments.every)
    summarize(arguments.out, arguments.warm)


def watch(out: Path, minutes: float, every: float) -> None:
    """Train, and write what is seen from outside into ``seen.csv``."""
    out.mkdir(parents=True)
    command = [sys.executable, "-m", "ganzoo", "run", *TRAINED, "--runs", str(out / "runs")]
    command += ["--set", "train.steps=null", "--set", f"train.minutes={minutes}"]
    training = subprocess.Popen(command)
    began = time.monotonic()
    with (out / "seen.csv").open("w", newline="", buffering=1) as file:
        rows: csv.DictWriter[str] | None = None
        while training.poll() is None:
            seen = look(training.pid, out / "runs") | {"minutes": (time.monotonic() - began) / 60}
            if seen["step"]:
                if rows is None:
                    rows = csv.DictWriter(file, fieldnames=list(seen))
                    rows.writeheader()
                rows.writerow(seen)
            time.sleep(every)
    print(f"the training ended with exit code {training.returncode}")


def look(process: int, runs: Path) -> dict[str, float]:
    """What a process holds, in MB, and what the run's folder takes, in MB; its processor time, in seconds."""
    seen = {"step": 0.0}
    try:
        about = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        seen["processor"] = (int(about[11]) + int(about[12])) / os.sysconf("SC_CLK_TCK")
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        seen["memory"] = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        seen["open files"] = len(os.listdir(f"/proc/{process}/fd"))
        run = next(runs.glob("0*"))
        seen["step"] = int((run / "metrics.jsonl").read_text().splitlines()[-1].partition('"step": ')[2].split(",")[0])
        parts = {part: size(run / part) for part in ("checkpoints", "samples", "metrics.jsonl")}
        seen |= {f"disk, {part}": taken for part, taken in parts.items()}
        seen["disk, rest"] = size(run) - sum(parts.values())
        seen["files of the run"] = sum(len(names) for _, _, names in os.walk(run))
    except (OSError, IndexError, ValueError, StopIteration):  # it has not begun, or has just ended
        seen["step"] = 0.0
    return seen


def size(path: Path) -> float:
    """Megabytes of a file, or of all files below a folder; what vanishes meanwhile does not count."""
    total = 0
    for one in [path] if path.is_file() else path.rglob("*"):
        try:
            total += one.stat().st_size if one.is_file() else 0
        except FileNotFoundError:
            continue
    return total / 1e6


def summarize(out: Path, warm: float) -> None:
    """Print the slopes per hour with their intervals, and draw everything over time."""
    with (out / "seen.csv").open(newline="") as file:
        table = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    columns = {key: np.array([row[key] for row in table]) for key in table[0]}
    minutes = columns.pop("minutes")
    steps, processor = columns.pop("step"), columns.pop("processor")
    kept = minutes >= warm
    blocks = np.array_split(np.flatnonzero(kept), BLOCKS)
    hours = np.array([minutes[block].mean() / 60 for block in blocks])
    per_second = [(steps[b[-1]] - steps[b[0]]) / (processor[b[-1]] - processor[b[0]]) for b in blocks]
    means = {name: np.array([values[block].mean() for block in blocks]) for name, values in columns.items()}
    means["steps per processor second"] = np.array(per_second)
    print(f"{minutes[-1]:.0f} minutes, {steps[-1]:,.0f} steps, {len(table):,} looks; fitted from minute {warm:g} on\n")
    print("| | mean | smallest block | largest block | slope an hour | 95 % interval |\n|---|---|---|---|---|---|")
    figure, axes = plt.subplots(len(means), 1, figsize=(8, 2 * len(means)), sharex=True, layout="constrained")
    for axis, (name, values) in zip(axes, means.items(), strict=True):
        slope, half = line(hours, values)
        print(
            f"| {name} | {values.mean():.4g} | {values.min():.4g} | {values.max():.4g} | {slope:+.3g} "
            f"| {slope - half:+.3g} to {slope + half:+.3g} |"
        )
        if name in columns:
            axis.plot(minutes / 60, columns[name], linewidth=0.5)
        axis.plot(hours, values, "o", markersize=3)
        axis.set_title(name, loc="left", fontsize=9)
    axes[-1].set_xlabel("hours")
    figure.savefig(out / "long.png", dpi=120)


def line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The slope by least squares, and half its 95 % interval."""
    away = x - x.mean()
    slope = float(away @ y / (away @ away))
    rest = y - y.mean() - slope * away
    return slope, T_OF_18 * math.sqrt(float(rest @ rest) / (len(x) - 2) / float(away @ away))


if __name__ == "__main__":
    main()
