"""The command ``audw2s demo``."""

from typing import Annotated
from typing import Any

import typer

from audw2s.errors import explained

Host = Annotated[str, typer.Option(help="Address of the server; 0.0.0.0 for all.")]
Port = Annotated[
    int | None,
    typer.Option(min=1, max=65535, help="Port; the first free one from 7860 on."),
]
Model = Annotated[str, typer.Option(help="Name (see 'audw2s models') or model folder.")]
MaxDur = Annotated[
    float, typer.Option(min=1, max=3600, help="Longest recording in seconds.")
]
MaxSize = Annotated[int, typer.Option(min=1, max=200, help="Largest file in MB.")]
Hosts = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Name of the server. May be repeated."),
]
Origins = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ORIGIN",
        help="Pages that may embed this one: https://example.com. May be repeated.",
    ),
]
RootPath = Annotated[
    str, typer.Option(metavar="PATH", help="Path that a proxy removes: /speech.")
]
Auth = Annotated[
    str | None,
    typer.Option(metavar="USER:FILE", help="Login, with the password in a file."),
]
Static = Annotated[
    str | None,
    typer.Option(
        metavar="OUT",
        help="Start no server, write a page that processes speech in the browser, "
        "with the student: a folder for any web server.",
    ),
]
Space = Annotated[
    str | None,
    typer.Option(
        metavar="OUT",
        help="Start no server, write a folder that is a Hugging Face Space.",
    ),
]


@explained("stopped.")
def demo(
    host: Host = "127.0.0.1",
    port: Port = None,
    teacher: Model = "whisper-tiny-adv",
    student: Model = "wav2small",
    max_dur: MaxDur = 3600.0,
    max_size: MaxSize = 200,
    allowed_host: Hosts = None,
    allow_embedding_from: Origins = None,
    root_path: RootPath = "",
    auth: Auth = None,
    static: Static = None,
    space: Space = None,
) -> None:
    """Start a web page that says how a voice sounds."""
    offered: dict[str, Any] = {"teacher": teacher, "student": student}
    offered |= {"max_dur": max_dur, "max_size": max_size}
    if static is not None:
        from audw2s.demo.static_page import write

        sizes = write(static, student)
        typer.echo(f"{static}: {len(sizes)} files, {sum(sizes.values()):,} bytes")
    elif space is not None:
        from audw2s.demo.space import write_space

        write_space(space, **offered)
        typer.echo(f"Upload it: hf upload USER/NAME {space} --repo-type space")
    else:
        from audw2s.demo.server import serve

        serve(
            host,
            port,
            root_path=root_path,
            hosts=allowed_host or (),
            frames=allow_embedding_from or (),
            login=auth and login(auth),
            **offered,
        )


def login(auth: str) -> str:
    """Read the password of ``"user:file"``.

    Returns:
        ``"user:password"``

    Raises:
        ValueError: if there is no user, or no file

    """
    user, _, path = auth.partition(":")
    if not user or not path:
        raise ValueError(f"'--auth' has to be USER:FILE, got '{auth}'.")
    with open(path, encoding="utf-8") as file:
        return f"{user}:{file.read().strip()}"
