"""Number of samples that the header of an MP3 declares."""

from typing import BinaryIO

FIRST_FRAME = 4096
"""Number of bytes that contain the first frame; most frames have under 1,500."""


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
    file.seek(0)
    head = file.read(10)
    if head.startswith(b"ID3"):
        # Four times seven bits
        size = sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0)))
        file.seek(10 + size)
    frame = head * (file.tell() == 10) + file.read(FIRST_FRAME)
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
