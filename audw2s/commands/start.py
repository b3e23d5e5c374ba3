"""Start of the command ``audw2s``, which imports all else."""

from audw2s.interrupt import end_quietly

end_quietly()


def main() -> None:
    """Run the command; Ctrl-C also ends it while modules are imported."""
    from audw2s.commands.app import app

    app(prog_name="audw2s")
