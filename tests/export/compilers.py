"""Build the C form of a student, and run it."""

import functools
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np
import pytest

from audw2s.export.c.source import write
from audw2s.model.store import properties
from audw2s.model.store import save

HERE = pathlib.Path(__file__).parent
COMPILERS = ["gcc", "clang"]
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
CHECKED = ["-O2", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
FAST = ["-O3", "-march=native", "-ffp-contract=fast"]
MODELS = {"float": "wav2small", "int8": "wav2small-int8"}


def missing(*programs: str) -> str | None:
    """Reason to skip a test, if a program isn't installed."""
    absent = [program for program in programs if shutil.which(program) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


@functools.cache
def unusable(compiler: str) -> str | None:
    """Reason to skip a test, if a compiler or its sanitizers aren't installed."""
    if reason := missing(compiler):
        return reason
    command = [compiler, "-xc", "-", *CHECKED, "-o", "/dev/null"]
    done = subprocess.run(command, input=b"int main(void) {}", capture_output=True)
    return f"no sanitizers of {compiler} installed" if done.returncode else None


@functools.cache
def source(model: str = "wav2small") -> pathlib.Path:
    """Folder with the C source of a model."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="audw2s-c-"))
    write(model, str(folder))
    return folder


def narrow(folder: pathlib.Path) -> str:
    """Student with 7 channels, with the level in its values, and another order."""
    torch = pytest.importorskip("torch")
    from audw2s.distill.export import student_to_onnx
    from audw2s.distill.students.frontend import Normalise
    from audw2s.distill.students.wav2small import Wav2Small

    class Narrow(Wav2Small):
        num_channels = 7

    torch.manual_seed(0)
    student = Narrow().eval()
    for layer in student.body.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.bias.data.normal_()
            layer.running_mean.normal_()
    student.normalise = Normalise(epsilon=1e-3)
    model = student_to_onnx(student)
    path = str(folder / "narrow")
    save(model, path, properties(model), labels=["valence", "arousal", "dominance"])
    return path


@functools.cache
def driver(
    compiler: str = "gcc",
    model: str = "wav2small",
    flags: tuple[str, ...] = tuple(CHECKED),
) -> "Driver":
    """Program that runs a model, see ``driver.c``."""
    return Driver(compiler, source(model), flags)


class Driver:
    """Compiled model.

    Args:
        compiler: C compiler
        folder: folder with the source
        flags: flags of the compiler besides the strict ones

    """

    def __init__(self, compiler: str, folder: pathlib.Path, flags: tuple[str, ...]):
        files = [HERE / "driver.c", *folder.glob("wav2small*.c")]
        self.path = tempfile.mkdtemp(prefix="audw2s-driver-") + "/driver"
        command = [compiler, *STRICT, *flags, f"-I{folder}", *files]
        subprocess.run([*command, "-lm", "-o", self.path], check=True)

    def clip(self, signal: np.ndarray) -> np.ndarray:
        """A/D/V of a clip."""
        return self.run(0, [signal])[0]

    def stream(self, chunks: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """A/D/V of window and total after each chunk, and at the end."""
        values = self.run(1, chunks)
        return values[:, :3], values[:, 3:6]

    def speech(self, signal: np.ndarray) -> float:
        """Share of speech in the last window, of a model that tells."""
        return self.run(1, [signal])[-1, 6]

    def resample(self, chunks: list[np.ndarray], rate: int) -> np.ndarray:
        """Signal at 16 kHz."""
        return self.run(rate, chunks)[0]

    def run(self, mode: int, chunks: list[np.ndarray]) -> np.ndarray:
        """Lines that the program writes, as numbers."""
        sizes = [len(chunk) for chunk in chunks]
        parts = [np.array([mode, len(chunks), *sizes], np.int32)]
        parts += [np.asarray(chunk, np.float32) for chunk in chunks]
        given = b"".join(part.tobytes() for part in parts)
        done = subprocess.run([self.path], input=given, capture_output=True)
        assert done.returncode == 0, (done.returncode, done.stderr.decode()[-2000:])
        lines = done.stdout.decode().splitlines()
        return np.array([line.split() for line in lines], np.float64)
