"""The command ``audw2s demo``."""

from typing import Annotated
from typing import Any

import typer

from audw2s.commands.options import described
from audw2s.demo.settings import Settings
from audw2s.errors import explained

HELP = described(Settings)


def option(name: str, **details: Any) -> Any:
    """Option of the command that is a field of the settings."""
    return typer.Option(help=HELP.get(name), **details)


STATIC = "Start no server, write a folder for any one: browsers run the student."

SPACE = "Start no server, write a folder that is a Hugging Face Space."

Origins = Annotated[list[str], option("allow_embedding_from", metavar="ORIGIN")]


@explained("stopped.")
def demo(
    host: Annotated[str, option("host")] = Settings.host,
    port: Annotated[int | None, option("port", min=1, max=65535)] = None,
    teacher: Annotated[str, option("teacher")] = Settings.teacher,
    student: Annotated[str, option("student")] = Settings.student,
    max_dur: Annotated[float, option("max_dur", min=1, max=3600)] = Settings.max_dur,
    max_size: Annotated[int, option("max_size", min=1, max=200)] = Settings.max_size,
    allowed_host: Annotated[list[str], option("allowed_host", metavar="NAME")] = [],
    allow_embedding_from: Origins = [],
    root_path: Annotated[str, option("root_path", metavar="PATH")] = "",
    auth: Annotated[str | None, option("auth", metavar="USER:FILE")] = None,
    static: Annotated[str | None, typer.Option(metavar="OUT", help=STATIC)] = None,
    space: Annotated[str | None, typer.Option(metavar="OUT", help=SPACE)] = None,
) -> None:
    """Start a web page that says how a voice sounds."""
    given = locals()
    settings = Settings(**{name: given[name] for name in Settings.__annotations__})
    if auth is not None and (static is not None or space is not None):
        raise ValueError("A folder has no login: '--auth' needs the server.")
    if static is not None:
        from audw2s.demo.static_page import write

        sizes = write(static, student)
        typer.echo(f"{static}: {len(sizes)} files, {sum(sizes.values()):,} bytes")
    elif space is not None:
        from audw2s.demo.space import write_space

        write_space(space, settings)
        typer.echo(f"Upload it: hf upload USER/NAME {space} --repo-type space")
    else:
        from audw2s.demo.server import serve

        serve(settings)
