"""Model of audonnx that checks its input, and can be copied and pickled."""

from collections.abc import Callable
from typing import Any

import audonnx
import numpy as np

from audw2s.model.registry import Entry

SAMPLING_RATE = Entry.sampling_rate
"""Sampling rate of all models in Hz."""

DEFAULT_MAX_DUR = 60.0
"""Longest signal in seconds for a model whose metadata has no ``max_dur``."""


class Model(audonnx.Model):
    """Model that refuses what :class:`audonnx.Model` would misread.

    audonnx ignores the sampling rate, joins channels to one long signal, and leaves
    other types than float32 to onnxruntime.
    """

    # Its YAML is that of audonnx, which opens it
    __module__ = audonnx.Model.__module__

    reopen: Callable[[], "Model"]
    """Opens the model again, set by :func:`audw2s.load`."""

    def __call__(
        self,
        inputs: np.ndarray | dict[str, object],
        sampling_rate: int | None = None,
        **kwargs: Any,
    ) -> np.ndarray | dict[str, np.ndarray]:
        """Run the model, see :class:`audonnx.Model`.

        Args:
            inputs: signal ``(1, num_samples)`` or ``(num_samples,)``, float32 in -1…1;
                or a dictionary with it, by the name of the model's input
            sampling_rate: 16000, the sampling rate of the models in Hz
            **kwargs: further arguments of :class:`audonnx.Model`

        Raises:
            ValueError: if the sampling rate, the shape or the type is another one

        """
        if sampling_rate not in (None, SAMPLING_RATE):
            raise ValueError(
                f"The model takes signals at {SAMPLING_RATE} Hz, not at "
                f"{sampling_rate!r}; audw2s.Feature resamples any."
            )
        for signal in inputs.values() if isinstance(inputs, dict) else [inputs]:
            samples = np.asarray(signal)
            if samples.dtype != np.float32:
                raise ValueError(
                    "The model takes samples of float32 in -1…1, not of "
                    f"{samples.dtype}; audw2s.Feature takes any."
                )
            if samples.ndim != 1 and (samples.ndim != 2 or len(samples) != 1):
                raise ValueError(
                    "The model takes a signal (1, num_samples) or (num_samples,), not "
                    f"{samples.shape}; audw2s.Feature takes several channels."
                )
        return super().__call__(inputs, sampling_rate, **kwargs)

    def __reduce__(self) -> tuple:
        """Copy and pickle without the session, which is opened again."""
        return self.reopen, ()
