"""``python -m audw2s`` is the command ``audw2s``."""

from audw2s.commands.start import main

main()
