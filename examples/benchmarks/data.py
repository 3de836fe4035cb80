"""How fast batches come from the cache and from the disk, and how fast pictures are decoded into it.

    python examples/benchmarks/data.py --rounds 7 --plot data.png

*cache*: shuffled batches from a file that the system holds in memory, as bytes (what travels to a GPU) and as floats,
channels-last (what a CPU computes with), beside copying as many bytes in order.

*disk*: an epoch from a file that the system was asked to forget, shuffled and in blocks (data.sampling), beside
reading it in order. Meanwhile the process may take no more memory of its own than a tenth of the file (RLIMIT_DATA);
pages of the file, which the system may take back whenever it likes, do not count among these. Those of a disk that
another computer holds in its memory are not on disk. To limit these as well, for a set ten times the memory:

    systemd-run --scope -p MemoryMax=1000M python examples/benchmarks/data.py --only disk --mib 10000 --rounds 1

*beyond*: part of an epoch from such a file, as of a set that does not fit into memory: the first sixteenth of a
shuffled one, where hardly a page was read before, as the system reads what is touched, and where pictures of a batch
are asked for first; and the first quarter of one in blocks, which are asked for a window ahead.

*decode*: JPEGs by one worker and by as many as are of use, in turns, beside hashing by one thread per core: two threads
that need nothing of each other show what a second core would give at that moment. Processes are started where each has
a second to work, and their start is in the time; of few pictures threads are measured. *work* is the processor time of
all in that of one: so many cores divided by it are what all would gain if nobody else used them.

Rates are per second of processor time in *cache*, of the clock on the wall elsewhere. For Linux.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from ganzoo_datasets.files.decoding import decode
from ganzoo_datasets.files.pixels.picture import Rule
from ganzoo_datasets.files.sources.files import FileSource, FolderFiles
from ganzoo_datasets.image_array import ImageArray
from ganzoo_datasets.read_ahead import ReadAhead
from numpy.typing import NDArray
from PIL import Image

from ganzoo.benchmarking.fresh import status_bytes
from ganzoo.benchmarking.machine import machine
from ganzoo.cores import cores
from ganzoo.data import Batches
from ganzoo.orders import InBlocks
from ganzoo.training.runtime import Runtime

MIB = 2**20
TARGETS = {32: 400_000, 256: 15_000}
"""Images per second from the cache."""
SIZES = (32, 64, 256)
"""Sides of the pictures that are read."""
PARTS = ("cache", "disk", "beyond", "decode")
PHOTOS = ((32, 32, 32), (500, 375, 64), (500, 375, 256))
"""Width and height of JPEGs, and the side of the squares they become."""

Work = Callable[[], object]
Sampling = Literal["shuffle", "blocks"]


def write_pixels(path: Path, size: int, count: int) -> None:
    """The pixel file of an entry of the cache, 64 pictures again and again, each with its number in its first bytes."""
    block = np.random.default_rng(0).integers(0, 256, (64, 3, size, size), dtype=np.uint8)
    with path.open("wb") as file:
        for start in range(0, count, 64):
            numbers = np.arange(start, start + 64, dtype="<u4")
            block.reshape(64, -1)[:, :4] = numbers.view(np.uint8).reshape(64, 4)
            file.write(block[: count - start].tobytes())
        file.flush()
        os.fsync(file.fileno())


def opened(path: Path, size: int) -> ImageArray:
    """The file as a run has it: mapped, not read."""
    return ImageArray(mapped(path, size), digest="benchmark")


def mapped(path: Path, size: int) -> np.memmap[Any, Any]:
    return np.memmap(path, np.uint8, mode="r", shape=(path.stat().st_size // (3 * size**2), 3, size, size))


def forget(path: Path) -> None:
    """Ask the system to drop the file from its memory; it must not be mapped."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cache_rates(path: Path, size: int, *, batch_size: int, batches: int, rounds: int) -> dict[str, Any]:
    """Images per second of processor time: medians, and the best."""
    data = opened(path, size)
    order, runtime = Batches(data, batch_size=batch_size, seed=0), Runtime(device=torch.device("cpu"))
    whole, room = np.fromfile(path, np.uint8).reshape(len(data), -1), np.empty((batch_size, 3 * size**2), np.uint8)
    starts = [number * batch_size % max(1, len(data) - batch_size) for number in range(batches)]

    def as_bytes() -> None:
        for number in range(batches):
            order.stored(number)

    def as_floats() -> None:
        for number in range(batches):
            runtime.put(order.stored(number).data)

    def copied() -> None:
        for start in starts:
            np.copyto(room, whole[start : start + batch_size])

    ways: dict[str, Work] = {"bytes": as_bytes, "floats": as_floats, "copy": copied}
    as_bytes()  # so that all pages are there
    taken = in_turns(ways, rounds=rounds, clock=time.process_time)
    images = batches * batch_size
    return {
        name: {"median": images / statistics.median(all_), "best": images / min(all_)} for name, all_ in taken.items()
    }


def by_both_clocks() -> NDArray[np.float64]:
    """Seconds on the wall, and of processor time, that of processes that have ended included."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return np.array([time.perf_counter(), sum(one.ru_utime + one.ru_stime for one in used)])


def in_turns(
    ways: dict[str, Work], *, rounds: int, clock: Callable[[], Any], before: Work = lambda: None
) -> dict[str, list[Any]]:
    """Way → what the clock went on by in every round, without what is done before each."""
    taken: dict[str, list[Any]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            before()
            begun = clock()
            work()
            taken[name].append(clock() - begun)
    return taken


@contextmanager
def at_most(extra: int) -> Iterator[None]:
    """Refuse this process more than so many bytes of its own, in addition to what it has."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, ((status_bytes("VmData") or 0) + extra, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def disk_rates(path: Path, size: int, *, batch_size: int, rounds: int) -> dict[str, Any]:
    """MiB per second of the disk, in order and in batches, and how much memory of its own these took."""
    total, grown = path.stat().st_size, [0]

    def in_order() -> None:
        with path.open("rb", buffering=0) as file:
            while file.read(MIB):
                pass

    def in_batches(sampling: Sampling) -> None:
        data = opened(path, size)
        order = Batches(data, batch_size=batch_size, seed=0, sampling=sampling)
        before = status_bytes("RssAnon") or 0
        with at_most(total // 10):
            for number in range(-(-len(data) // batch_size)):
                order.stored(number)
                grown.append((status_bytes("RssAnon") or 0) - before)

    ways: dict[str, Work] = {
        "in order": in_order,
        "shuffle": partial(in_batches, "shuffle"),
        "blocks": partial(in_batches, "blocks"),
    }
    taken = in_turns(ways, rounds=rounds, clock=time.perf_counter, before=partial(forget, path))
    return {
        "set_mib": total / MIB,
        "allowed_mib": total / 10 / MIB,
        "grown_mib": max(grown) / MIB,
        "mib_per_second": {name: total / MIB / statistics.median(all_) for name, all_ in taken.items()},
        "ratio": {name: ratio(taken["in order"], taken[name]) for name in ("shuffle", "blocks")},
    }


def beyond_rates(path: Path, size: int, *, batch_size: int, rounds: int) -> dict[str, Any]:
    """MiB per second: medians, and how many times that of pages as they are touched."""
    count, item = path.stat().st_size // (3 * size**2), 3 * size**2
    shuffled, blocks = np.random.default_rng(0).permutation(count)[: max(1, count // 16)], max(1, count // 4)

    def touched(*, asked: bool) -> None:
        images = mapped(path, size)
        ahead, plain = ReadAhead(images, most=1) if asked else None, np.asarray(images)
        for start in range(0, len(shuffled), batch_size):
            rows = shuffled[start : start + batch_size]
            if ahead is not None:
                ahead.want(rows)
            plain[rows]

    def in_blocks() -> None:
        images, order = mapped(path, size), InBlocks(count, 0, item)
        ahead, plain = ReadAhead(images, most=1), np.asarray(images)
        for start in range(0, blocks, batch_size):
            stop = min(blocks, start + batch_size)
            ahead.expect(order.ahead(start, stop).numpy())
            rows = order(start, stop).numpy()
            ahead.want(rows)
            plain[rows]

    ways: dict[str, tuple[int, Work]] = {
        "as they come": (len(shuffled), partial(touched, asked=False)),
        "asked for": (len(shuffled), partial(touched, asked=True)),
        "blocks": (blocks, in_blocks),
    }
    works = {name: work for name, (_, work) in ways.items()}
    taken = in_turns(works, rounds=rounds, clock=time.perf_counter, before=partial(forget, path))
    each = {name: [second / ways[name][0] for second in all_] for name, all_ in taken.items()}
    return {
        "mib_per_second": {name: item / MIB / statistics.median(all_) for name, all_ in each.items()},
        "gain": {name: ratio(each["as they come"], each[name]) for name in ("asked for", "blocks")},
    }


def ratio(one: list[float], other: list[float]) -> float:
    """How many times as long the first took: the median within rounds."""
    return statistics.median(mine / its for mine, its in zip(one, other, strict=True))


def write_photos(folder: Path, width: int, height: int, count: int) -> None:
    """Eight JPEGs under many names: each name is decoded."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        path = folder / f"{number:06}.jpg"
        if number < 8:
            coarse = random.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(path, quality=90)
        else:
            path.hardlink_to(folder / f"{number % 8:06}.jpg")


def hash_blocks(threads: int, blocks: int) -> None:
    """SHA-256 of so many blocks, which lets go of Python's lock."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: hashlib.sha256(bytes(MIB)).digest(), range(blocks)))


def decode_rates(folder: Path, size: int, *, rounds: int) -> dict[str, Any]:
    """Images per second by one worker and by all, and what all gain, of decoding and of hashing."""
    source = FileSource(FolderFiles(folder))
    names, rule, all_ = source.files.names, Rule(size=size, channels=3), cores()

    def decoded(workers: int) -> None:
        for chunk in decode(source, names, rule, workers=workers):
            assert not chunk.unreadable

    ways = {
        "one": partial(decoded, 1),
        "all": partial(decoded, all_),
        "hash one": partial(hash_blocks, 1, 200),
        "hash all": partial(hash_blocks, all_, 200),
    }
    both = in_turns(ways, rounds=rounds, clock=by_both_clocks)
    taken = {name: [float(wall) for wall, _ in rounds_] for name, rounds_ in both.items()}

    def gains(one: str, other: str) -> list[float]:
        return [alone / together for alone, together in zip(taken[one], taken[other], strict=True)]

    gain, possible = gains("one", "all"), gains("hash one", "hash all")
    work = [float(together[1] / alone[1]) for alone, together in zip(both["one"], both["all"], strict=True)]
    return {
        "images_per_second": {name: len(names) / statistics.median(taken[name]) for name in ("one", "all")},
        "gain": statistics.median(gain),
        "work": statistics.median(work),
        "gain_of_hashing": statistics.median(possible),
        "share": statistics.median(mine / best for mine, best in zip(gain, possible, strict=True)),
    }


def measure(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Everything, with files of pixels in a folder that exists."""
    result: dict[str, Any] = {part: {} for part in PARTS}
    turns = {"batch_size": given.batch_size, "rounds": given.rounds}
    from_files = [part for part in given.only if part != "decode"]
    for size in SIZES if from_files else ():
        path = folder / f"{size}.u8"
        write_pixels(path, size, max(16, given.mib * MIB // (3 * size**2)))
        if "cache" in given.only and size in TARGETS:
            batches = max(1, given.cache_mib * MIB // (3 * size**2 * given.batch_size))
            result["cache"][size] = cache_rates(path, size, batches=batches, **turns)
        if "disk" in given.only:
            result["disk"][size] = disk_rates(path, size, **turns)
        if "beyond" in given.only:
            result["beyond"][size] = beyond_rates(path, size, **turns)
        path.unlink()
    for width, height, size in PHOTOS if "decode" in given.only else ():
        photos = folder / f"{width}-{size}"
        count = given.pictures if width > 100 else given.small or 10 * given.pictures
        write_photos(photos, width, height, count)
        result["decode"][f"{width}×{height} to {size}"] = decode_rates(photos, size, rounds=given.rounds)
    return result


def table(result: dict[str, Any]) -> str:
    """A table for people of each part that was measured."""
    return "\n\n".join("\n".join([*HEADS[part], *ROWS[part](result[part])]) for part in PARTS if result[part])


def cache_rows(found: dict[int, Any]) -> Iterator[str]:
    for size, row in found.items():
        rates = (f"{row[name]['median']:,.0f} ({row[name]['best']:,.0f})" for name in ("bytes", "floats", "copy"))
        yield cells(f"{size}×{size}", *rates, f"{TARGETS[size]:,}")


def disk_rows(found: dict[int, Any]) -> Iterator[str]:
    for size, row in found.items():
        rates = row["mib_per_second"]
        both = (word for way in ("shuffle", "blocks") for word in (f"{rates[way]:,.0f}", f"{row['ratio'][way]:.2f}"))
        memory = f"{row['grown_mib']:.0f} of {row['allowed_mib']:.0f}"
        yield cells(f"{size}×{size}", f"{rates['in order']:,.0f}", *both, memory)


def beyond_rows(found: dict[int, Any]) -> Iterator[str]:
    for size, row in found.items():
        rates = row["mib_per_second"]
        both = (word for way in ("asked for", "blocks") for word in (f"{rates[way]:,.0f}", f"{row['gain'][way]:.2f}"))
        yield cells(f"{size}×{size}", f"{rates['as they come']:,.0f}", *both)


def decode_rows(found: dict[str, Any]) -> Iterator[str]:
    for name, row in found.items():
        rates = (f"{row['images_per_second'][way]:,.0f}" for way in ("one", "all"))
        yield cells(name, *rates, *(f"{row[key]:.2f}" for key in ("gain", "gain_of_hashing", "share", "work")))


def cells(*words: str) -> str:
    return f"| {' | '.join(words)} |"


def head(*words: str) -> tuple[str, str]:
    return cells(*words), f"|{'---|' * len(words)}"


HEADS = {
    "cache": head("cache", "as bytes, images/s", "as floats, images/s", "copied in order, images/s", "target"),
    "disk": head(
        *("disk", "in order, MiB/s", "shuffled, MiB/s", "of it", "in blocks, MiB/s", "of it"),
        "own memory, of what is allowed, MiB",
    ),
    "beyond": head("beyond memory", "as they come, MiB/s", "asked for, MiB/s", "gain", "in blocks, MiB/s", "gain"),
    "decode": head(
        *("decode", "one worker, images/s", "all, images/s", "gain", "gain of hashing", "gain / that", "work"),
    ),
}
ROWS = {"cache": cache_rows, "disk": disk_rows, "beyond": beyond_rows, "decode": decode_rows}


def plot(result: dict[str, Any], path: Path) -> None:
    """Rates from the cache beside their targets."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(TARGETS), figsize=(8, 3), layout="constrained")
    for panel, (size, row) in zip(axes, result["cache"].items(), strict=True):
        panel.bar(list(row), [row[name]["median"] for name in row], color="tab:blue")
        panel.axhline(TARGETS[size], color="tab:red", label="target")
        panel.set(title=f"{size}×{size}", ylabel="images per second")
        panel.legend()
    figure.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--mib", type=int, default=1000, help="size of each file of pixels")
    parser.add_argument("--cache-mib", type=int, default=200, help="what a round reads of a file that is in memory")
    parser.add_argument("--pictures", type=int, default=300, help="JPEGs that are decoded")
    parser.add_argument("--small", type=int, help="small ones, by default ten times as many")
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}"
    )
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--folder", type=Path, help="where files are written for a while; by default a temporary one")
    parser.add_argument("--plot", type=Path, help="also draw the rates from the cache; needs ganzoo[plot]")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    if given.plot is not None and find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib: python -m pip install 'ganzoo[plot]'")
    if given.plot is not None and "cache" not in given.only:
        parser.error("--plot draws the rates from the cache: measure them with --only cache")
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        result = measure(Path(folder), given)
    names = ("rounds", "batch_size", "mib", "cache_mib", "pictures", "small")
    result = {"machine": machine(), "settings": {name: getattr(given, name) for name in names}, **result}
    if given.plot is not None:
        plot(result, given.plot)
    print(json.dumps(result, indent=2) if given.json else table(result))


if __name__ == "__main__":
    main()
