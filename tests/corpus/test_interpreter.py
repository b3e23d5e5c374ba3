"""Applications that have no Python to start: they aren't started in its place."""

import os
import sys

import pytest

import audw2s
from audw2s.interpreter import interpreter


def test_python_of_an_environment():
    assert interpreter() == sys.executable


@pytest.mark.parametrize("engine", ["annotate", "cost"])
@pytest.mark.parametrize(
    "name, frozen, said",
    [
        ("app", True, "a frozen application here .*app'.*audw2s.Feature"),
        ("python3", True, "a frozen application here"),
        ("app", False, "embedded here .*app'"),
        (None, False, "embedded here .sys.executable is ''"),
    ],
)
def test_application_is_not_started(
    clips, tmp_path, monkeypatch, engine, name, frozen, said
):
    log = tmp_path / "log"
    app = tmp_path / (name or "nothing")
    app.write_text(f"#!/bin/sh\necho started >> {log}\n")
    app.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(app) if name else "")
    monkeypatch.setattr(sys, "frozen", frozen, raising=False)
    out = tmp_path / "out"
    with pytest.raises(ChildProcessError, match=said):
        if engine == "annotate":
            audw2s.annotate(os.path.dirname(clips[0]), str(out))
        else:
            from audw2s.evaluation.cost import peak_ram

            peak_ram("wav2small")
    assert not log.exists()
    assert not out.exists()
