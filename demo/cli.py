"""The command ``audw2s demo``."""

from typing import Annotated

import typer

from audw2s.errors import explained

Names = Annotated[
    list[str] | None,
    typer.Option(
        "--allowed-host",
        metavar="NAME",
        help="Name under which the page is reached; addresses and localhost always "
        "are. May be repeated.",
    ),
]
Frames = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-embedding-from",
        metavar="ORIGIN",
        help="Origin whose pages may embed this one, such as https://example.com. May "
        "be repeated.",
    ),
]


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
    allowed_host: Names = None,
    allow_embedding_from: Frames = None,
    root_path: Annotated[
        str,
        typer.Option(
            metavar="PATH",
            help="Path of the page behind a proxy that removes it, such as /speech.",
        ),
    ] = "",
    auth: Annotated[
        str | None,
        typer.Option(
            metavar="USER:FILE",
            help="Ask for a user, and for the password in a file.",
        ),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(
            metavar="OUT",
            help="Start no server, write a folder that is a Hugging Face Space.",
        ),
    ] = None,
    max_dur: Annotated[
        float, typer.Option(min=1, max=3600, help="Longest recording in seconds.")
    ] = 3600.0,
    max_size: Annotated[
        int, typer.Option(min=1, max=200, help="Largest file in MB.")
    ] = 200,
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
    offered = {
        "teacher": teacher,
        "student": student,
        "max_dur": max_dur,
        "max_size": max_size,
    }
    if space is not None:
        from audw2s.demo.space import write_space

        write_space(space, **offered)
        command = f"hf upload USER/NAME {space} --repo-type space"
        typer.echo(f"{space}: upload it with '{command}'")
        return
    from audw2s.demo.server import serve

    serve(
        host,
        port,
        hosts=allowed_host or (),
        frames=allow_embedding_from or (),
        root_path=root_path,
        login=auth and login(auth),
        **offered,
    )


def login(auth: str) -> str:
    """Read the password of ``"user:file"``.

    Returns:
        ``"user:password"``

    """
    user, _, path = auth.partition(":")
    if not user or not path:
        raise typer.BadParameter("'--auth' has to be USER:FILE.")
    with open(path, encoding="utf-8") as file:
        return f"{user}:{file.read().strip()}"
