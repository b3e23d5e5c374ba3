"""Recognise the content of a file by its first bytes."""

import codecs

HEAD = 4096
"""Number of bytes that are checked."""

SIGNS = (
    (b"version https://git-lfs", "a git-lfs pointer, no audio: run 'git lfs pull'"),
    (b"\x00\x05\x16\x07", "metadata of macOS (AppleDouble), no audio"),
    (b"%PDF", "a PDF, no audio"),
    (b"PK\x03\x04", "a ZIP archive, no audio: unpack it"),
    (b"\x1f\x8b", "a gzip archive, no audio: unpack it"),
)
"""First bytes of files that are often mistaken for audio, and the message for each."""

TEXT_HEADERS = (b"NIST_1", b"#!AMR")
"""First bytes of audio files whose header may look like text."""


def no_audio(head: bytes) -> str | None:
    r"""Describe a file that can't be audio.

    Args:
        head: first :data:`HEAD` bytes of the file

    Returns:
        ``None`` if it may be audio

    Examples:
        >>> no_audio(b"<!DOCTYPE html><title>404</title>")
        'an HTML page, no audio: a download may have failed'
        >>> no_audio(b"")
        'no bytes'
        >>> no_audio(b"RIFF\x24\x80\x00\x00WAVEfmt ")

    """
    if not head:
        return "no bytes"
    for sign, sentence in SIGNS:
        if head.startswith(sign):
            return sentence
    if head.startswith(TEXT_HEADERS) or not is_text(head):
        return None
    start = head.lstrip(codecs.BOM_UTF8 + b" \t\r\n")[:15].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page, no audio: a download may have failed"
    return "text, no audio"


def is_text(head: bytes) -> bool:
    r"""Whether the first bytes of a file are text.

    Examples:
        >>> is_text("grün".encode()), is_text(b"gr\xfcn.wav\n"), is_text(b"OggS\x00")
        (True, True, False)

    """
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            text = head[: len(head) // 2 * 2].decode("utf-16")
            return all(c.isprintable() or c.isspace() for c in text)
        except UnicodeDecodeError:
            return False
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in set(head)):
        return False
    try:
        # The last character may be cut
        codecs.getincrementaldecoder("utf-8")().decode(head)
        return True
    except UnicodeDecodeError:
        # In Latin-1, most letters of any language are ASCII
        return sum(byte >= 128 for byte in head) < len(head) / 4
