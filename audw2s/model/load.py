"""Models by name: verified, then opened."""

from typing import TYPE_CHECKING

from audw2s.model import early_exit as exits
from audw2s.model.cascade import Cascade
from audw2s.model.device import Device
from audw2s.model.device import check_device
from audw2s.model.ensemble import Ensemble
from audw2s.model.find import exits_of
from audw2s.model.find import members
from audw2s.model.single import open_single

if TYPE_CHECKING:
    import audonnx


def load(
    name: str = "wav2small",
    *,
    exit: exits.Choice = None,
    device: Device = "cpu",
    num_workers: int | None = 1,
) -> "audonnx.Model":
    """Load a model.

    The network takes ``signal`` of shape ``(1, num_samples)``, 16 kHz, mono,
    float32, and gives ``hidden_states`` and ``logits``: arousal, dominance and
    valence, roughly in 0…1, unclipped, or logits of the classes that a model was
    trained on. Nothing is downloaded: see :func:`audw2s.get`.

    Args:
        name: name in the catalogue, or a folder with a ``model.onnx`` such as
            ``audw2s distill`` writes (its content is data, no code is run; the labels
            in its ``model.yaml`` are honoured, whatever their order), or the mean of
            such, as in ``"mean(dawn, whisper-tiny-adv)"``. A folder that is called as a
            model of the catalogue is written ``"./dawn"``, and that model
            ``"catalogue:dawn"`` beside it
        exit: of a folder with exits, the layer of one; only the layers up to it are
            loaded, and run. ``"auto"`` stops where classes are told surely enough, see
            :class:`audw2s.model.cascade.Cascade`. By default the deepest
        device: ``"cpu"``, ``"cuda"``, ``"cuda:2"``, or providers of onnxruntime, see
            :class:`audonnx.Model`
        num_workers: threads of the session, ``None`` for its own choice

    Returns:
        the model, its file verified by its sha256; a warning says so once where none
        is known

    Raises:
        MissingModelError: if there is no model of this name, or it isn't here
        CorruptModelError: if a file's sha256 isn't the one that is known, or the file
            is damaged, or doesn't hold all of the model
        ValueError: if the model has no such exit, or onnxruntime can't use the device

    Examples:
        >>> import numpy as np
        >>> model = load("wav2small")
        >>> model.labels("logits")
        ['arousal', 'dominance', 'valence']
        >>> signal = np.zeros((1, 16000), dtype="float32")
        >>> model(signal, 16000)["logits"].shape
        (1, 3)

    """
    check_device(device)
    exits_of(name, exit)
    if members(name):
        return Ensemble(name, device=device, num_workers=num_workers)
    if exits.is_adaptive(exit := exits.normalised(exit)):
        return Cascade(name, exit, device=device, num_workers=num_workers)
    return open_single(name, exit, device=device, num_workers=num_workers)
