"""Commands end in a sentence and an exit code."""

import signal
import sys
import time

import pytest
import typer

from audw2s.errors import explained


class Interrupted:
    """Ctrl-C comes while it is deleted, where Python ignores all errors."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)
        time.sleep(0)


def test_an_interrupt_during_deletion_is_kept(capsys):
    with pytest.raises(typer.Exit) as failure, explained("interrupted."):
        Interrupted()
        time.sleep(20)
    assert failure.value.exit_code == 130
    assert capsys.readouterr().err == "audw2s: interrupted.\n"


def test_other_errors_during_deletion_are_shown(monkeypatch):
    class Broken:
        def __del__(self):
            raise ValueError("broken")

    shown = []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: shown.append(found[1]))
    hook = sys.unraisablehook
    with explained():
        Broken()
    assert [str(error) for error in shown] == ["broken"]
    assert sys.unraisablehook is hook
