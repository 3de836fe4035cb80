"""A Python that has imported torch already, in an environment of its own: each program runs in a fork of it.

Importing torch takes a process two seconds, and a tutorial has dozens of commands. Nothing of ganzoo or of a plugin is
shared: every program has its own arguments, folder, variables, files and exit status, and finds what is installed when
it begins.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import site
import socket
import subprocess
import sys
import sysconfig
import tempfile
import types
import warnings
from functools import cache
from pathlib import Path

SHARED = (
    *("torch", "torch._dynamo", "numpy", "pydantic", "typer", "rich.console", "yaml", "PIL.Image", "safetensors.torch"),
    "pytest",
)
"""What is imported once: libraries of others alone."""


class WarmPython:
    """The server of an environment, and a folder with ``python`` and the scripts of the environment as programs.

    Args:
        scripts: the folder of the environment's programs.
        environ: of the server; of a program they are its caller's.
    """

    def __init__(self, scripts: Path, environ: dict[str, str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="warm-"))  # short, for the path of a socket may not be long
        for name in ("python", "ganzoo"):
            client = (
                f'exec "{scripts / "python"}" -I -S "{__file__}" "{self.folder / "socket"}" "{scripts / name}" "$@"'
            )
            (self.folder / name).write_text(f"#!/bin/sh\n{client}\n")
            (self.folder / name).chmod(0o755)
        self._server = subprocess.Popen(
            [str(scripts / "python"), __file__, str(self.folder / "socket")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environ, "PYDANTIC_DISABLE_PLUGINS": "__all__"},
        )

    def wait(self) -> None:
        """Return when programs can be run."""
        if not self._server.stdout.closed:
            assert self._server.stdout.readline() == b"ready\n"
            self._server.stdout.close()

    def close(self) -> None:
        """End the server."""
        self._server.communicate()
        shutil.rmtree(self.folder)


@cache
def warm_python() -> str:
    """The program ``python`` of the environment that the tests run in; each process of theirs has a server of its own.

    Not for programs that are sent signals, since these reach who asked alone, nor for tests of what is imported.
    """
    server = WarmPython(Path(sys.executable).parent, dict(os.environ))
    atexit.register(server.close)
    server.wait()
    return str(server.folder / "python")


def serve(path: str) -> None:
    """Run programs until stdin ends."""
    del sys.path[0]  # the folder of this file
    for name in SHARED:
        importlib.import_module(name)
    gc.freeze()  # a search for garbage would copy what is shared
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who answer
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _answer(connection)
            break
        connection.close()


def _answer(connection: socket.socket) -> None:
    """Run a program in a process of its own, and tell how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, files, _, _ = socket.recv_fds(connection, 1, 3)
    asked = json.loads(connection.makefile("rb").read())
    if (process := os.fork()) == 0:
        connection.close()
        for number, (name, file) in enumerate(zip(("stdin", "stdout", "stderr"), files, strict=True)):
            os.dup2(file, number)
            os.close(file)
            _reopen(name, number)
        _become(**asked)
        return
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    connection.sendall(str(status if status >= 0 else 128 - status).encode())
    os._exit(0)


def _reopen(name: str, number: int) -> None:
    """What a stream knows of its file, such as whether one can seek there, is not what it was of the server's."""
    known = getattr(sys, name)
    opened = open(  # noqa: SIM115  # it stays open as long as the process
        number,
        "r" if name == "stdin" else "w",
        buffering=1 if name == "stderr" else -1,
        encoding=known.encoding,
        errors=known.errors,
        closefd=False,
    )
    setattr(sys, name, opened)
    setattr(sys, f"__{name}__", opened)


def _become(words: list[str], folder: str, environ: dict[str, str]) -> None:
    """What the interpreter does with ``-c CODE …``, ``-m MODULE …`` and ``SCRIPT …``, all of them also after ``-W``."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    if "PYTHONPATH" in environ:
        sys.path[:0] = environ["PYTHONPATH"].split(os.pathsep)
    site.addsitedir(sysconfig.get_path("purelib"))  # for what was installed as editable since
    importlib.invalidate_caches()
    program, *rest = words
    way, *rest = rest if Path(program).name == "python" else words
    while way == "-W":
        action, way, *rest = rest
        sys.warnoptions.append(action)
        warnings.simplefilter(action)
    if way == "-c":
        code, *rest = rest
        sys.argv, sys.path[:0] = [way, *rest], [""]
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(code, "<string>", "exec"), main.__dict__)
    elif way == "-m":
        sys.argv, sys.path[:0] = rest, [""]
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[:0] = [way, *rest], [str(Path(way).parent)]
        runpy.run_path(way, run_name="__main__")


def ask(path: str, words: list[str]) -> int:
    """Have a program run with the files, the folder and the variables of this process; its exit status."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        socket.send_fds(connection, [b"."], [0, 1, 2])
        asked = {"words": words, "folder": os.getcwd(), "environ": dict(os.environ)}
        connection.sendall(json.dumps(asked).encode())
        connection.shutdown(socket.SHUT_WR)
        return int(connection.recv(16))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(ask(sys.argv[1], sys.argv[2:]))
    serve(sys.argv[1])
