"""Number of samples that the header of an MP3 declares."""

from typing import BinaryIO

from audw2s.audio.chunks import unmoved

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

    mpg123, by which soundfile reads it, prints notes on damaged ones.

    Args:
        file: file opened for reading
        head: first bytes of the file

    Examples:
        >>> import io
        >>> [is_free_format(io.BytesIO(h), h) for h in (b"\xff\xfb\x04\xc4", b"RIFF")]
        [True, False]

    """
    if not head.startswith((b"ID3", b"\xff")):
        return False
    with unmoved(file):
        file.seek(_first_frame(file))
        header = file.read(4).ljust(4)
    is_mp3 = header[0] == 0xFF and header[1] & 0xE6 == 0xE2 and header[1] & 0x18 != 8
    return is_mp3 and header[2] < 0x0C


def _first_frame(file: BinaryIO) -> int:
    """Position behind the metadata."""
    file.seek(0)
    head = file.read(10)
    if not head.startswith(b"ID3"):
        return 0
    # Four times seven bits
    return 10 + sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0)))
