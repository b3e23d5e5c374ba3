"""Static page that processes speech in the browser: files for any web server."""

import hashlib
import io
import json
import pathlib
import tempfile

import soundfile

from audw2s.audio.preprocess import load
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.demo.examples import clips
from audw2s.demo.models import facts
from audw2s.demo.page import rendered
from audw2s.export.npm import package as npm
from audw2s.files import write_files

MAX_DUR = 600.0
"""Longest recording in seconds, whose samples are kept in memory."""

MAX_SIZE = 200 * 2**20
"""Largest file in bytes: 600 s of a stereo WAV at 48 kHz and 24 bits fit in."""

MODEL_FILES = ("index.js", "wav2small.wasm", "weights.bin")
"""Files of the npm package that the page loads."""


def write(folder: str, student: str = "wav2small") -> dict[str, int]:
    """Write the page.

    Args:
        folder: folder that is created; existing files are replaced
        student: name or folder of a student of the Wav2Small family

    Returns:
        size of each file in bytes

    Raises:
        ValueError: if the student isn't of this family

    """
    package = npm.contents(student)
    contents = {f"wav2small/{name}": package[name] for name in MODEL_FILES}
    here = pathlib.Path(__file__).parent
    files = [here / "style.css", *(here / "static").iterdir()]
    contents |= {path.name: path.read_bytes() for path in files}
    names = {}
    with tempfile.TemporaryDirectory() as temporary:
        for label, path in clips(temporary).items():
            names[label] = f"clips/{label.replace(' ', '-')}.mp3"
            # All browsers read MP3, and it is small
            file = io.BytesIO()
            soundfile.write(file, load(path), SAMPLING_RATE, format="MP3")
            contents[names[label]] = file.getvalue()
    found = {"duration": MAX_DUR, "size": MAX_SIZE, "model": facts(student)}
    contents["facts.json"] = rendered("facts.json", examples=names, **found).encode()
    contents["service-worker.js"] = service_worker(contents)
    return write_files(folder, contents)


def service_worker(contents: dict[str, bytes]) -> bytes:
    """Script that keeps all files; it changes with each of them."""
    digest = hashlib.sha256(repr(sorted(contents.items())).encode()).hexdigest()
    names = ["./", *sorted(set(contents) - {"service-worker.js"})]
    text = contents["service-worker.js"].decode().replace("{digest}", digest[:16])
    return text.replace("{files}", json.dumps(names)).encode()
