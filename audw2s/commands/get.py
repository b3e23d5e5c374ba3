"""The commands ``audw2s get`` and ``audw2s verify``."""

from typing import Annotated

import typer

from audw2s.commands.options import Quiet
from audw2s.errors import explained


@explained()
def get(
    name: str,
    *,
    source: Annotated[str | None, typer.Option("--from")] = None,
    accept_licence: bool = False,
    quiet: Quiet = False,
) -> None:
    """Download a model that isn't in the package; run again to resume.

    At the end, its values are compared with published outputs, if there are any.

    Args:
        name: name of a model, see 'audw2s models', or mean(NAME, …)
        source: source: 'hub', 'zenodo', or a folder with the files
        accept_licence: accept a non-commercial licence

    """
    from audw2s.model.find import location
    from audw2s.model.hub.get import get as run
    from audw2s.model.names import entry_of
    from audw2s.model.names import exact

    compared = run(
        name, source=source, accept_licence=accept_licence, verbose=not quiet
    )
    if (entry := entry_of(exact(name))) is not None:
        typer.echo(f"{entry.name}: {location(entry)}; {entry.licence}")
    typer.echo(compared)


@explained()
def verify(name: str) -> None:
    """Verify the file of a model, and compare its values with published outputs.

    Args:
        name: name of a model, see 'audw2s models'

    """
    from audw2s.model.hub.verify import verify as run

    typer.echo(run(name))
