"""Run the C form of a student on an emulated Cortex-M7, and count what it takes."""

import pathlib
import re
import subprocess
import tempfile
from typing import NamedTuple

import numpy as np

FOLDER = pathlib.Path(__file__).parent / "cortex_m7"
PROGRAMS = ("arm-none-eabi-gcc", "arm-none-eabi-size", "qemu-system-arm")
TARGET = ["-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"]
FLAGS = [*TARGET, "-O3", "-ffp-contract=fast", "-Wall", "-Wextra", "-Werror"]
LINK = ["-nostartfiles", "-Wl,--gc-sections", "--specs=nosys.specs"]
BOARD = ["-M", "mps2-an500", "-icount", "shift=0"]
QUIET = ["-display", "none", "-monitor", "none", "-serial", "none"]


class Run(NamedTuple):
    """What a second of audio takes, and values of :func:`noise`."""

    flash: int
    """Bytes of code and constants."""

    ram: int
    """Bytes of static memory."""

    state: int
    """Bytes of the state of a stream, part of the former."""

    instructions: float
    """Instructions per second of audio."""

    window: list[float]
    total: list[float]


def noise() -> np.ndarray:
    """The signal that the program processes."""
    seeds, seed = np.zeros(756 * 64, np.uint32), 1
    for number in range(len(seeds)):
        seed = (seed * 1664525 + 1013904223) % 2**32
        seeds[number] = seed
    return seeds.view(np.int32).astype(np.float32) * np.float32(1e-10)


def run(source: pathlib.Path) -> Run:
    """Compile and run the C source of a student."""
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/program.elf"
        files = [FOLDER / "start.c", FOLDER / "main.c", source / "wav2small.c"]
        link = [*LINK, f"-T{FOLDER / 'link.ld'}", "-lm", "-o", program]
        command = [PROGRAMS[0], "-std=c99", *FLAGS, f"-I{source}", *files, *link]
        output(command)
        text, data, bss = output([PROGRAMS[1], program]).split("\n")[1].split()[:3]
        semihosting = ["-semihosting-config", "enable=on,target=native"]
        options = [*BOARD, *QUIET, *semihosting, "-kernel", program]
        printed = output([PROGRAMS[2], *options])
    numbers: dict[str, list[int]] = {}
    for name, value in re.findall(r"(\w+) (-?\d+)", printed):
        numbers.setdefault(name, []).append(int(value))
    per_tick = 200000 / numbers["ticks_of_200000"][0]
    return Run(
        flash=int(text) + int(data),
        ram=int(data) + int(bss),
        state=numbers["state"][0],
        instructions=numbers["ticks"][0] * per_tick,
        window=[value / 1e6 for value in numbers["window"]],
        total=[value / 1e6 for value in numbers["total"]],
    )


def output(command: list) -> str:
    """What a program writes."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr
