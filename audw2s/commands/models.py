"""The command ``audw2s models``."""

import typer

from audw2s.errors import explained


@explained()
def models() -> None:
    """List the models: what they are, how large, under which terms."""
    from audw2s.model.find import location
    from audw2s.model.registry import CATALOGUE

    for entry in CATALOGUE.values():
        typer.secho(entry.name, bold=True)
        typer.echo(f"  {entry.description}")
        facts = [
            ("parameters", f"{entry.parameters:,}"),
            ("input", f"mono, {entry.sampling_rate} Hz, {entry.max_dur:g} s at once"),
            ("outputs", f"{', '.join(entry.outputs)}; roughly 0…1, not clipped"),
            ("licence", entry.licence),
            ("source", entry.source),
            ("weights", location(entry)),
            ("sha256", entry.sha256),
            ("cite", entry.citation),
            ("note", entry.remark),
        ]
        for name, fact in facts:
            if fact:
                typer.echo(f"  {name:<11}{fact}")
