"""The command ``audw2s demo``."""

from typing import Annotated

import typer

from audw2s.errors import explained


@explained("stopped.")
def demo(
    host: Annotated[
        str, typer.Option(help="Address of the server; 0.0.0.0 for all.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="Port; by default the first free one from 7860 on."
        ),
    ] = None,
    teacher: Annotated[
        str, typer.Option(help="Teacher: name (see 'audw2s models') or model folder.")
    ] = "whisper-tiny-adv",
    student: Annotated[
        str, typer.Option(help="Student: name (see 'audw2s models') or model folder.")
    ] = "wav2small",
    static: Annotated[
        str | None,
        typer.Option(
            metavar="OUT",
            help="Start no server, write a page that processes speech in the browser, "
            "with the student: a folder for any web server.",
        ),
    ] = None,
) -> None:
    """Start a web page that compares teacher and student on the same speech."""
    if static is not None:
        from audw2s.demo.static_page import write

        sizes = write(static, student)
        typer.echo(f"{static}: {len(sizes)} files, {sum(sizes.values()):,} bytes")
        return
    from audw2s.demo.server import serve

    serve(host, port, teacher=teacher, student=student)
