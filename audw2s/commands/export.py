"""The command ``audw2s export``."""

import enum
from typing import Annotated

import typer

from audw2s.errors import explained


class Form(enum.StrEnum):
    """Forms that a model can be exported to."""

    C = "c"
    NPM = "npm"


class Precision(enum.StrEnum):
    """Numbers that the exported model computes with."""

    FLOAT = "float"
    INT8 = "int8"


@explained()
def export(
    model: Annotated[
        str, typer.Argument(help="Name or folder of a student, such as wav2small.")
    ],
    out: Annotated[str, typer.Argument(help="Folder that is written.")],
    to: Annotated[
        Form,
        typer.Option(
            help="Form: 'c' for C source without dependencies, 'npm' for an npm "
            "package with WebAssembly."
        ),
    ],
    precision: Annotated[
        Precision | None,
        typer.Option(
            help="'int8' for the quantised form of the model, NAME-int8; by default "
            "what the model is. Only for 'c'."
        ),
    ] = None,
) -> None:
    """Write a student for devices: C source, or an npm package for browsers."""
    from audw2s.export.c import source
    from audw2s.export.npm import package

    if to is Form.NPM:
        if precision is Precision.INT8:
            raise ValueError("'--precision int8' isn't possible with '--to npm'.")
        sizes = package.write(model, out)
    else:
        sizes = source.write(model, out, precision)
    for name, size in sizes.items():
        typer.echo(f"{out}/{name}  {size:,} bytes")
