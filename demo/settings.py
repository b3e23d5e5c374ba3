"""Settings of the server."""

import pathlib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Settings of the page and its server.

    Args:
        host: address of the server; 0.0.0.0 for all
        port: port; the first free one from 7860 on
        teacher: name (see 'audw2s models'), model folder, or mean of models
        student: name, model folder, or mean of models; a quick one
        max_dur: longest recording in seconds
        max_size: largest file in MB
        allowed_host: name of the server. May be repeated
        allow_embedding_from: pages that may embed this one: https://example.com. May be
            repeated
        root_path: path that a proxy removes: /speech
        auth: login, with the password in a file

    """

    host: str = "127.0.0.1"
    port: int | None = None
    teacher: str = "whisper-tiny-adv"
    student: str = "wav2small"
    max_dur: float = 3600.0
    max_size: int = 200
    allowed_host: Sequence[str] = ()
    allow_embedding_from: Sequence[str] = ()
    root_path: str = ""
    auth: str | None = None

    @property
    def login(self) -> str | None:
        """``"user:password"``, ``None`` if everybody may use the page.

        Raises:
            ValueError: if there is no user, or no file
            OSError: if the file can't be read

        """
        if self.auth is None:
            return None
        user, _, path = self.auth.partition(":")
        if not user or not path:
            raise ValueError(f"'--auth' has to be USER:FILE, got '{self.auth}'.")
        return f"{user}:{pathlib.Path(path).read_text('utf-8').strip()}"
