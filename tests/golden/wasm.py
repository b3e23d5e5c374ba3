"""Compile the WebAssembly of the npm package and of the static page.

    python tests/golden/wasm.py

Needs the Debian packages clang, lld, wasi-libc and libclang-rt-14-dev-wasm32. To be run
when the C source changes, or the sizes of wav2small. New weights need nothing, as they
are data.
"""

import json
import pathlib

from audw2s.export.c.source import weights_of
from audw2s.export.npm.webassembly import compiled
from audw2s.inference.network import Network

FOLDER = pathlib.Path(__file__).parents[2] / "audw2s" / "export" / "npm" / "code"


def main() -> None:
    code, facts = compiled(weights_of(Network("wav2small"))._replace(speech=None))
    (FOLDER / "wav2small.wasm").write_bytes(code)
    text = json.dumps(facts, indent=2)
    (FOLDER / "wav2small.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
