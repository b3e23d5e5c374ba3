"""Start of the command ``audw2s``, which imports all else."""

import atexit
import gc

from audw2s.interrupt import end_quietly

end_quietly()


def main() -> None:
    """Run the command; Ctrl-C also ends it while modules are imported."""
    # The end of Python looks for garbage among all that modules have made: 0.1 s
    atexit.register(gc.freeze)
    from audw2s.commands.app import app

    app(prog_name="audw2s")
