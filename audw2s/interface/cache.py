"""Results of an index that are kept on disk, by all that they depend on."""

import functools
import os
from collections.abc import Callable

import audeer
import audformat
import audinterface
import audobject
import pandas as pd

from audw2s.files import replacing
from audw2s.interface.base import Plugin


def cached(method: Callable) -> Callable:
    """Let audinterface's ``process_index`` use our cache in place of its own."""

    @functools.wraps(method)
    def call(self: Plugin, index: pd.Index, **kwargs: object) -> object:
        compute = functools.partial(method, self)
        return process_index(self, compute, index, **kwargs)

    return call


def process_index(
    interface: Plugin,
    compute: Callable[..., pd.Series | pd.DataFrame],
    index: pd.Index,
    *,
    preserve_index: bool = False,
    root: str | None = None,
    cache_root: str | None = None,
    process_func_args: dict[str, object] | None = None,
) -> pd.Series | pd.DataFrame:
    """Process an index with our cache in place of audinterface's."""
    segment = getattr(interface, "process", interface).segment
    path = None
    if cache_root is not None:
        path = cache_path(interface, index, root, cache_root, segment)
    if path and os.path.exists(path):
        result = pd.read_pickle(path)
    else:
        result = compute(index, root=root, process_func_args=process_func_args)
        if path:
            with replacing(path) as temporary:
                result.to_pickle(temporary)
    if preserve_index and segment is None:
        result.index = index
    return interface._marked(result)


def cache_path(
    interface: Plugin,
    index: pd.Index,
    root: str | None,
    cache_root: str,
    segment: audinterface.Segment | None,
) -> str:
    """Path of the file in which results for an index are kept.

    audinterface's cache knows only the index: here model, settings, version and
    root are part of the key, so no model gets another one's values back.

    Raises:
        ValueError: if the settings of the segment can't be known

    """
    if segment is not None and not isinstance(segment, audobject.Object):
        raise ValueError(
            "With a segment that can't be written to YAML, 'cache_root' can't know "
            "its settings. Leave 'cache_root' out, or use audw2s.Segment."
        )
    key = {
        **interface.provenance,
        "root": os.path.abspath(root or ""),
        "settings": interface.to_yaml_s(include_version=False),
        "segment": segment and segment.to_yaml_s(include_version=False),
    }
    folder = audeer.mkdir(cache_root, audeer.uid(from_string=repr(key)))
    return os.path.join(folder, audformat.utils.hash(index, strict=True) + ".pkl")
