"""The command ``audw2s demo``: parses, calls."""

from typing import Annotated

import typer

from audw2s.errors import explained


@explained("stopped.")
def demo(
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 for all.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="The first free one from 7860 by default."),
    ] = None,
    teacher: Annotated[
        str, typer.Option(help="Name (see 'audw2s models') or model folder.")
    ] = "whisper-tiny-adv",
    student: Annotated[
        str, typer.Option(help="Name (see 'audw2s models') or model folder.")
    ] = "wav2small",
) -> None:
    """Open a page on which teacher and student are heard side by side."""
    from audw2s.demo.server import serve

    serve(host, port, teacher=teacher, student=student)
