"""The command ``audw2s export``."""

import enum

import typer

from audw2s.errors import explained


class Form(enum.StrEnum):
    """Forms that a model can be exported to."""

    C = "c"
    NPM = "npm"
    HUB = "hub"


class Precision(enum.StrEnum):
    """Numbers that the exported model computes with."""

    FLOAT = "float"
    INT8 = "int8"


@explained()
def export(
    model: str, out: str, *, to: Form, precision: Precision | None = None
) -> None:
    """Write a model for others: C source, an npm package, or a repository.

    Args:
        model: name or folder of a model, such as wav2small
        out: folder that is written
        to: form: of a student 'c' for C source without dependencies, 'npm' for an npm
            package with WebAssembly; of any model 'hub' for a repository of the Hugging
            Face hub
        precision: 'int8' for the quantised form of the model, NAME-int8; by default
            what the model is. Only for 'c'

    """
    from audw2s.export import hub
    from audw2s.export.c import source
    from audw2s.export.npm import package
    from audw2s.model.origins import origins_of

    if to is not Form.C and precision is Precision.INT8:
        raise ValueError(f"'--precision int8' isn't possible with '--to {to}'.")
    if to is Form.C:
        sizes = source.write(model, out, precision)
    else:
        sizes = {Form.NPM: package, Form.HUB: hub}[to].write(model, out)
    for name, size in sizes.items():
        typer.echo(f"{out}/{name}  {size:,} bytes")
    if to is Form.HUB:
        typer.echo(origins_of(model).in_words())
