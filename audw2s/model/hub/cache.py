"""Where fetched files and the models made of them lie."""

import os

import audeer


def cache_root() -> str:
    """Folder of all that is fetched.

    It is what the environment variable ``AUDW2S_CACHE_ROOT`` names, or
    ``~/.cache/audw2s``.

    Examples:
        >>> os.path.isabs(cache_root())
        True

    """
    return audeer.path(os.environ.get("AUDW2S_CACHE_ROOT") or "~/.cache/audw2s")


def model_folder(name: str) -> str:
    """Folder of a model that is ready for use.

    Args:
        name: name in the catalogue

    """
    return os.path.join(cache_root(), "models", name)


def download_folder(name: str, version: str) -> str:
    """Folder of files as they were published; users can put them there by hand.

    Args:
        name: name of a repository or record
        version: its revision, so that another one never passes for it

    Examples:
        >>> os.path.relpath(download_folder("user/model", "main"), cache_root())
        'downloads/user--model/main'

    """
    return os.path.join(cache_root(), "downloads", name.replace("/", "--"), version)
