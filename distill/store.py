"""Batches on disk, which several trainings can use."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import audeer
import numpy as np
import torch
from safetensors.torch import load_file

from audw2s.distill.batches import Batches
from audw2s.distill.clip_list import write_list
from audw2s.distill.clips import as_float
from audw2s.distill.clips import as_pcm
from audw2s.distill.config import Config
from audw2s.distill.settings import check_unchanged
from audw2s.distill.teachers.checkpoint import write_tensors
from audw2s.files import write_json
from audw2s.progress import progress_bar


class Store:
    """Folder of batches, each in a separate file that is written atomically.

    Args:
        batches: maker of missing batches
        folder: folder of the files, made if it isn't there

    Raises:
        ValueError: if the folder holds batches of other settings, clips or labels, or
            of another teacher

    """

    def __init__(self, batches: Batches, folder: str):
        self.batches = batches
        self.folder = audeer.mkdir(folder)
        path = os.path.join(folder, "batches.json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                check_unchanged(folder, json.load(file), batches.identity)
        else:
            write_json(batches.identity, path)

    def path(self, number: int) -> str:
        """Path of a batch."""
        return os.path.join(self.folder, f"{number:06d}.safetensors")

    def make(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Read a batch, or make it; see :meth:`Batches.make`."""
        path = self.path(number)
        if not os.path.exists(path):
            signals, labels = self.batches.make(number)
            # Each crop is 16 bit already, so nothing is lost
            pcm = np.stack([as_pcm(signal) for signal in signals.numpy()])
            tensors = {"signals": torch.from_numpy(pcm), "labels": labels}
            write_tensors(tensors, path)
            return signals, labels
        tensors = load_file(path)
        signals = torch.from_numpy(as_float(tensors["signals"].numpy()))
        return signals, tensors["labels"]


def prepare(
    config: Config, folder: str, *, num_workers: int = 1, verbose: bool = True
) -> None:
    """Make all batches of a configuration in advance, and the list of their clips.

    Called again, it makes the missing ones.

    Args:
        config: settings with ``distinct``
        folder: folder of the batches, see :class:`Store`, and of ``clips.csv``, see
            :mod:`audw2s.distill.clip_list`
        num_workers: threads
        verbose: show a progress bar

    Raises:
        ValueError: if ``distinct`` isn't given, or see :class:`Store`

    """
    if config.distinct is None:
        raise ValueError("How many batches to make? Give 'distinct' in the settings.")
    batches = Batches(config, verbose=verbose)
    store = Store(batches, folder)
    write_list(batches.record, folder)
    missing = [n for n in range(config.distinct) if not os.path.exists(store.path(n))]
    progress = progress_bar(
        total=config.distinct,
        initial=config.distinct - len(missing),
        desc="Batches",
        verbose=verbose,
    )
    with ThreadPoolExecutor(num_workers) as pool, progress:
        for _ in pool.map(store.make, missing):
            progress.update()
