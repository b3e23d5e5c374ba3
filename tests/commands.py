"""Run the command, as users do or in this process, or with a decoder that is watched.

Python's decoder then does what damaged files make decoders in C do.
"""

import os
import pathlib
import signal
import subprocess
import sys

from click.testing import Result
from typer.testing import CliRunner
from waiting import MAX_DUR
from waiting import wait_until

COMMAND = os.path.join(os.path.dirname(sys.executable), "audw2s")

PATCH = """
import ctypes, os, sys, threading, time

def die_while_importing():
    deaths = os.environ["OPENED"] + ".deaths"
    count = int(open(deaths).read()) if os.path.exists(deaths) else 0
    if count:
        with open(deaths, "w") as file:
            file.write(str(count - 1))
        threading.Timer(0.1, os.kill, (os.getpid(), 9)).start()

def watch():
    from audw2s.audio import decode

    original = decode.opened

    def opened(file):
        if os.path.isfile(file):
            with open(os.environ["OPENED"], "a") as log:
                log.write(f"{os.getpid()} {file}\\n")
        name = os.path.basename(str(file))
        if name.startswith("crash"):
            ctypes.string_at(0)
        if name.startswith("hang"):
            time.sleep(1e6)
        slow = os.environ["OPENED"] + ".slow"
        if os.path.exists(slow):
            time.sleep(float(open(slow).read() or 0.3))
        return original(file)

    decode.opened = opened

if "audw2s.corpus.worker" in sys.orig_argv:
    die_while_importing()
    watch()
"""


class MonitoredPredictor:
    """Runs the command with a decoder that tells what it opens, may crash, or hang."""

    def __init__(self, folder: pathlib.Path):
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(PATCH)
        self.log = folder / "opened.txt"
        paths = [str(folder), os.environ.get("PYTHONPATH", "")]
        self.env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "OPENED": str(self.log),
        }

    @property
    def slow(self) -> pathlib.Path:
        """File that, while it is there, makes each file take 0.3 s, or what it says."""
        return pathlib.Path(f"{self.log}.slow")

    def kill_while_starting(self, count: int) -> None:
        """Let the next worker processes be killed while they import modules."""
        pathlib.Path(f"{self.log}.deaths").write_text(str(count))

    @property
    def opened(self) -> list[str]:
        """Names of the files that were opened."""
        return [os.path.basename(line.split()[-1]) for line in self._lines()]

    @property
    def processes(self) -> set[int]:
        return {int(line.split()[0]) for line in self._lines()}

    def _lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def run(self, *arguments: object) -> subprocess.CompletedProcess:
        return annotate(*arguments, env=self.env)

    def start(self, *arguments: object) -> subprocess.Popen:
        return subprocess.Popen(
            [COMMAND, "annotate", *map(str, arguments)],
            env=self.env,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Whoever runs the tests may ignore Ctrl-C
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def wait_for(self, process: subprocess.Popen, opened: int) -> None:
        """Wait until so many files were opened, or all is done."""
        wait_until(
            lambda: len(self._lines()) >= opened or process.poll() is not None,
            f"{opened} files are opened",
        )

    def wait_for_end(self) -> None:
        """Wait until none of the processes that opened files is there."""
        wait_until(
            lambda: not any(map(is_running, self.processes)),
            "the processes that opened files end",
        )


def is_running(process: int) -> bool:
    try:
        state = pathlib.Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def audw2s_command(*arguments: object, **kwargs) -> subprocess.CompletedProcess:
    """Run ``audw2s``."""
    options = {"capture_output": True, "text": True, "timeout": MAX_DUR} | kwargs
    return subprocess.run([COMMAND, *map(str, arguments)], **options)


def annotate(*arguments: object, **kwargs) -> subprocess.CompletedProcess:
    """Run ``audw2s annotate``."""
    return audw2s_command("annotate", *arguments, **kwargs)


def invoke(*arguments: object) -> Result:
    """Run ``audw2s`` in this process, which has imported it already."""
    from audw2s.commands.app import app

    return CliRunner(env={"COLUMNS": "300"}).invoke(app, [*map(str, arguments)])
