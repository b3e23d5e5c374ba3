"""The Python that other processes can be started with, if there is one."""

import os
import sys


def interpreter() -> str:
    """Path of Python.

    Raises:
        ChildProcessError: in a frozen application, or where Python is embedded in
            another program: it would be started in place of Python

    """
    path = sys.executable or ""
    name = os.path.basename(path).lower()
    if not getattr(sys, "frozen", False) and "py" in name:
        return path
    what = "a frozen application" if getattr(sys, "frozen", False) else "embedded"
    raise ChildProcessError(
        f"This needs a process of its own with Python, which is {what} here "
        f"(sys.executable is '{path}'). Run it in a Python environment; audw2s.Feature "
        "and audw2s.Process work in the application itself."
    )
