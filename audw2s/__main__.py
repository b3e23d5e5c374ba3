"""``python -m audw2s`` is the command ``audw2s``."""

from audw2s.commands.app import app

app(prog_name="audw2s")
