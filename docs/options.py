"""All commands with their arguments and options, for a page made from their code."""

from collections.abc import Iterator

import typer

from audw2s.commands.app import app
from audw2s.distill.config import Config
from audw2s.distill.project import SETTINGS
from audw2s.distill.settings import template

Command = typer.core.TyperCommand | typer.core.TyperGroup


def sections() -> str:
    """A section for each command, in Markdown."""
    return "\n\n".join(_sections(typer.main.get_command(app), "audw2s"))


def settings() -> str:
    """The settings that ``init`` writes, as TOML in Markdown."""
    return f"```toml\n{template(Config, SETTINGS)}\n```"


def _sections(command: Command, name: str) -> Iterator[str]:
    if isinstance(command, typer.core.TyperGroup):
        for word, member in command.commands.items():
            yield from _sections(member, f"{name} {word}")
        return
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = " ".join([name, *map(_placeholder, arguments)])
    yield f"## `{name}`\n\n{command.help}\n\n```text\n{usage} [OPTIONS]\n```"
    described = (p for p in command.params if not p.hidden and p.name != "help")
    yield "\n".join(f"- `{_title(p)}`: {p.help or ''}{_default(p)}" for p in described)


def _placeholder(argument: typer.core.TyperArgument) -> str:
    text = argument.name.upper() + (" …" if argument.nargs != 1 else "")
    return text if argument.required else f"[{text}]"


def _title(parameter: typer.core.TyperArgument | typer.core.TyperOption) -> str:
    if parameter.param_type_name == "argument":
        return parameter.name.upper()
    return ", ".join([*parameter.opts, *parameter.secondary_opts])


def _default(parameter: typer.core.TyperArgument | typer.core.TyperOption) -> str:
    default = parameter.default
    if parameter.required or default in (None, False, "", [], ()):
        return ""
    return f" Default: `{default}`."
