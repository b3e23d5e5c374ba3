"""Number of samples that the header of an MP3 declares."""

from typing import BinaryIO

from audw2s.files import unmoved

FIRST_FRAME = 4096
"""Number of bytes that contain the first frame; most frames have under 1,500."""

FREE_FRAMES = 2**15
"""Number of bytes that contain three frames without a bit rate."""


def promised_samples(file: BinaryIO, frame_size: int) -> int | None:
    """Samples per channel by the Xing or Info tag of an MP3, ``None`` without.

    Args:
        file: file opened for reading
        frame_size: number of samples per channel of a frame

    Examples:
        >>> import io
        >>> tag = b"Xing" + (1).to_bytes(4, "big") + (10).to_bytes(4, "big")
        >>> promised_samples(io.BytesIO(bytes(36) + tag + bytes(400)), 1152)
        11520

    """
    with unmoved(file):
        file.seek(_first_frame(file))
        frame = file.read(FIRST_FRAME)
    tag = max(frame.find(b"Xing"), frame.find(b"Info"))
    if tag < 0 or not frame[tag + 7] & 1:
        return None
    samples = int.from_bytes(frame[tag + 8 : tag + 12], "big") * frame_size
    # Samples that encoders add at start and end: 12 bits each, 21 bytes into their tag
    encoder = (
        tag + 8 + sum((4, 4, 100, 4)[k] for k in range(4) if frame[tag + 7] >> k & 1)
    )
    if frame[encoder : encoder + 4] in (b"LAME", b"Lavf", b"Lavc"):
        gaps = int.from_bytes(frame[encoder + 21 : encoder + 24], "big")
        samples -= (gaps >> 12) + (gaps & 0xFFF)
    return samples if samples > 0 else None


def is_free_format(file: BinaryIO, head: bytes) -> bool:
    r"""Whether a file is an MP3 without a bit rate, which FFmpeg can't read.

    All of its frames have the same number of bytes. mpg123, by which soundfile reads
    it, prints notes if it is damaged.

    Args:
        file: file opened for reading
        head: first bytes of the file

    Examples:
        >>> import io
        >>> frames = 3 * (b"\xff\xfb\x04\xc4" + bytes(284))
        >>> is_free_format(io.BytesIO(frames), frames)
        True
        >>> is_free_format(io.BytesIO(frames[:288]), frames[:288])
        False

    """
    if not head.startswith((b"ID3", b"\xff")):
        return False
    with unmoved(file):
        file.seek(_first_frame(file))
        frames = file.read(FREE_FRAMES)
    first = int.from_bytes(frames[:3], "big")
    # 11 bits for a frame, its version, layer III, and no bit rate
    if first & 0xFFE6F0 != 0xFFE200 or first & 0x001800 == 0x000800:
        return False

    def is_frame(place: int) -> bool:
        # One byte may be added, and one bit says so
        header = int.from_bytes(frames[place : place + 3], "big")
        return header | 2 == first | 2

    size = 0
    while (size := frames.find(frames[:2], size + 4)) > 0:
        if is_frame(size) and any(map(is_frame, range(2 * size - 1, 2 * size + 2))):
            return True
    return False


def _first_frame(file: BinaryIO) -> int:
    """Position behind the metadata."""
    file.seek(0)
    head = file.read(10)
    if not head.startswith(b"ID3"):
        return 0
    # Four times seven bits
    return 10 + sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0)))
