"""The processor of this machine, by its name."""

import platform


def processor() -> str:
    """Name of the processor, on Linux with its family and model.

    Virtual machines may name different processors alike.

    """
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return describe_processor(file.read())
    except (OSError, KeyError):
        return platform.processor() or platform.machine()


def describe_processor(cpuinfo: str) -> str:
    r"""Name, family and model of the first processor of ``/proc/cpuinfo``.

    Raises:
        KeyError: if it has no name there, as those of ARM

    Examples:
        >>> lines = ["cpu family\t: 25", "model\t\t: 1", "model name\t: AMD EPYC"]
        >>> describe_processor("\n".join(lines))
        'AMD EPYC, family 25, model 1'

    """
    lines = [line.partition(":") for line in cpuinfo.split("\n\n")[0].splitlines()]
    entries = {key.strip(): value.strip() for key, _, value in lines}
    found = {"family": entries.get("cpu family"), "model": entries.get("model")}
    known = [f"{key} {value}" for key, value in found.items() if value]
    return ", ".join([entries["model name"], *known])
