"""Models of the page: which are installed, what they cost, one request for each."""

import functools
import os
import threading
from typing import NamedTuple

import onnx

from audw2s.audio.samples import SAMPLING_RATE
from audw2s.demo.limits import MAX_DUR
from audw2s.demo.settings import Settings
from audw2s.demo.words import RefusedError
from audw2s.evaluation.cost import files
from audw2s.evaluation.cost import num_parameters
from audw2s.evaluation.cost import signal as noise
from audw2s.inference.pipeline import Predictor
from audw2s.model.find import is_installed
from audw2s.model.find import members
from audw2s.model.names import entry_of
from audw2s.model.names import exact
from audw2s.model.origins import UNKNOWN
from audw2s.model.origins import origins_of
from audw2s.model.registry import CATALOGUE


class Facts(NamedTuple):
    """Size and licence of a model."""

    parameters: int
    size: int
    """Bytes of its files."""

    licence: str


@functools.cache
def warm_predictor(name: str) -> Predictor:
    """Load a model once, and run it: its first run takes longer than later ones."""
    predictor = Predictor(name)
    predictor.signal(noise(2.0), SAMPLING_RATE)
    return predictor


class Models:
    """Models that can be chosen, each used by one request at a time.

    Args:
        settings: chosen models, and limits of recordings

    Raises:
        MissingModelError: if one of them isn't installed

    Examples:
        >>> Models().names[:2]
        ['whisper-tiny-adv', 'wav2small']

    """

    def __init__(self, settings: Settings = Settings()):
        self.settings = settings
        chosen = settings.teacher, settings.student
        for name in chosen:
            files(name)  # Raises the error
        installed = [name for name in map(exact, CATALOGUE) if is_installed(name)]
        self.names = list(dict.fromkeys([*chosen, *installed]))
        self.locks = {name: threading.Lock() for name in self.names}

    def lock(self, name: str) -> threading.Lock:
        """Lock of a model.

        Raises:
            RefusedError: if there is no such model on this page

        """
        if name not in self.locks:
            raise RefusedError("no_model", names=", ".join(self.names))
        return self.locks[name]

    @property
    def limits(self) -> str:
        """Limits of compared recordings in words."""
        seconds = min(MAX_DUR, self.settings.max_dur)
        return f"{seconds:.0f} s, {self.settings.max_size} MB at most"


@functools.cache
def facts(name: str) -> Facts:
    """Size and licence of a model, whose file is read once.

    Examples:
        >>> facts("wav2small").parameters, facts("wav2small").licence
        (72659, 'CC BY 4.0')

    """
    count, size = 0, sum(map(os.path.getsize, files(name)))
    for part in members(name) or (name,):
        entry = entry_of(part)
        known = entry and entry.parameters
        count += known or num_parameters(onnx.load(files(part)[0]))
    unknown = "terms unknown, ask who made the model"
    return Facts(count, size, origins_of(name).terms.replace(UNKNOWN, unknown))
