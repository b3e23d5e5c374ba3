"""Make recordings in the formats that phones, browsers and old recorders write.

Each is made from the same speech, by PyAV, soundfile or byte by byte, and no file of
others is needed.
"""

import fractions
import functools
import io
import pathlib
from collections.abc import Callable

import av
import numpy as np
import soundfile
import soxr

RATE = 16000

Make = Callable[[np.ndarray], bytes]


def encoded(
    speech: np.ndarray,
    codec: str,
    container: str,
    rate: int = RATE,
    layout: str = "mono",
    *,
    bit_rate: int | None = None,
    video: bool = False,
    streams: int = 1,
    options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
) -> bytes:
    """Encode speech at 16 kHz; further streams hold silence."""
    if rate != RATE:
        speech = soxr.resample(speech, RATE, rate)
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options or {}) as opened:
        made = []
        for _ in range(streams):
            stream = opened.add_stream(codec, rate=rate, layout=layout)
            stream.codec_context.options = codec_options or {}
            if bit_rate:
                stream.bit_rate = bit_rate
            made.append(stream)
        if video:
            picture = opened.add_stream("mpeg4", rate=5)
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
            blank = av.VideoFrame(64, 64, "yuv420p")
            for packet in [*picture.encode(blank), *picture.encode(None)]:
                opened.mux(packet)
        for number, stream in enumerate(made):
            for packet in _packets(stream, speech * (number == 0), rate, layout):
                opened.mux(packet)
    return file.getvalue()


def write_long(path: str, speech: np.ndarray, repeats: int) -> None:
    """Write an M4A of speech many times over, which is encoded once."""
    with (
        av.open(io.BytesIO(encoded(speech, "aac", "ipod"))) as source,
        av.open(path, "w", format="ipod") as target,
    ):
        stream = target.add_stream_from_template(source.streams.audio[0])
        packets = [p for p in source.demux(source.streams.audio[0]) if p.size]
        length = sum(packet.duration for packet in packets)
        for repeat in range(repeats):
            for packet in packets:
                copy = av.Packet(bytes(packet))
                copy.pts = copy.dts = packet.pts + repeat * length
                copy.duration, copy.time_base = packet.duration, packet.time_base
                copy.stream = stream
                target.mux(copy)


def _packets(stream: av.AudioStream, signal: np.ndarray, rate: int, layout: str):
    adapter = av.AudioResampler(stream.format.name, layout, rate)
    frame = av.AudioFrame.from_ndarray(signal[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts = rate, 0
    frame.time_base = fractions.Fraction(1, rate)
    fifo = av.AudioFifo()
    for part in [*adapter.resample(frame), *adapter.resample(None)]:
        part.pts = None
        fifo.write(part)
    position, size = 0, stream.codec_context.frame_size or 1024
    while (part := fifo.read(size) or fifo.read(0, partial=True)) is not None:
        part.pts, part.time_base = position, fractions.Fraction(1, rate)
        position += part.samples
        yield from stream.encode(part)
    yield from stream.encode(None)


def written(speech: np.ndarray, kind: str, subtype: str, rate: int = RATE) -> bytes:
    """Let soundfile write speech at 16 kHz; several channels if it has two axes."""
    if rate != RATE:
        speech = soxr.resample(speech, RATE, rate)
    file = io.BytesIO()
    soundfile.write(file, speech, rate, format=kind, subtype=subtype)
    return file.getvalue()


def broadcast(speech: np.ndarray) -> bytes:
    """A Broadcast WAV: with a chunk before its samples."""
    wav = written(speech, "WAV", "PCM_16")
    chunk = b"bext" + (602).to_bytes(4, "little") + b"a recorder".ljust(602, b"\0")
    return wav[:12] + chunk + wav[12:]


def sphere(speech: np.ndarray) -> bytes:
    """NIST SPHERE, as corpora of telephone calls have it."""
    fields = [
        f"sample_count -i {len(speech)}",
        "sample_n_bytes -i 2",
        "channel_count -i 1",
        "sample_byte_format -s2 01",
        f"sample_rate -i {RATE}",
        "sample_coding -s3 pcm",
        "end_head\n",
    ]
    head = "\n".join(["NIST_1A", "   1024", *fields]).ljust(1024).encode()
    return head + pcm(speech)


def pcm(speech: np.ndarray) -> bytes:
    return (speech * 32767).astype("<i2").tobytes()


def flac_of_unknown_length(speech: np.ndarray) -> bytes:
    """FLAC as encoders write it into a pipe: 36 bits of length are 0."""
    flac = bytearray(written(speech, "FLAC", "PCM_16"))
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    return bytes(flac)


def flac_of_too_few_samples(speech: np.ndarray) -> bytes:
    """FLAC whose header declares half of its samples."""
    flac = bytearray(written(speech, "FLAC", "PCM_16"))
    flac[22:26] = (len(speech) // 2).to_bytes(4, "big")
    return bytes(flac)


def flac_with_picture(speech: np.ndarray) -> bytes:
    """FLAC with a cover of 100 KB, behind the block that has to come first."""
    flac = written(speech, "FLAC", "PCM_16")
    words = (3, 9, b"image/png", 0, 64, 64, 24, 0, 100_000, bytes(100_000))
    parts = [w if isinstance(w, bytes) else w.to_bytes(4, "big") for w in words]
    picture = b"".join(parts)
    block = bytes([6]) + len(picture).to_bytes(3, "big") + picture
    return flac[:42] + block + flac[42:]


def mp3(speech: np.ndarray, *, xing: bool = True, quality: str | None = None) -> bytes:
    """MP3 at 44.1 kHz: CBR, or VBR of a quality; with or without its header."""
    return encoded(
        speech,
        "libmp3lame",
        "mp3",
        44100,
        bit_rate=None if quality else 96_000,
        options={"write_xing": str(int(xing)), "id3v2_version": "0"},
        codec_options={"global_quality": quality, "flags": "+qscale"}
        if quality
        else {},
    )


def free_format(speech: np.ndarray) -> bytes:
    """MP3 at 48 kHz whose headers name no bit rate: all frames have 288 bytes."""
    made = bytearray(
        encoded(
            speech,
            "libmp3lame",
            "mp3",
            48000,
            bit_rate=96_000,
            options={"write_xing": "0", "id3v2_version": "0"},
            codec_options={"reservoir": "0"},
        )
    )
    for place in range(0, len(made), 288):
        made[place + 2] &= 0x0F
    return bytes(made)


def with_id3(speech: np.ndarray) -> bytes:
    """An MP3 behind 3 MB of a cover."""
    return id3() + mp3(speech)


def id3() -> bytes:
    size = 3_000_000
    frame = b"APIC" + (size - 10).to_bytes(4, "big") + bytes(2) + bytes(size - 10)
    digits = bytes(size >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + digits + frame


def unpatched_wav(speech: np.ndarray) -> bytes:
    """WAV of a recorder that died before it wrote the sizes."""
    wav = bytearray(written(speech, "WAV", "PCM_16"))
    wav[4:8] = wav[40:44] = bytes(4)
    return bytes(wav)


def piped_wav(speech: np.ndarray) -> bytes:
    """WAV as sox writes it into a pipe."""
    wav = bytearray(written(speech, "WAV", "PCM_16"))
    wav[4:8] = (2**31 - 4096 + 36).to_bytes(4, "little")
    wav[40:44] = (2**31 - 4096).to_bytes(4, "little")
    return bytes(wav)


def halves(make: Make) -> Make:
    """Two recordings, one after the other in one file, as ``cat`` makes them."""
    return lambda speech: b"".join(map(make, np.array_split(speech, 2)))


def channels(count: int, kind: str = "WAV", subtype: str = "PCM_16") -> Make:
    """The same speech in several channels."""
    return lambda speech: written(np.stack([speech] * count, 1), kind, subtype)


def by_av(codec: str, container: str, *args, **kwargs) -> Make:
    return lambda speech: encoded(speech, codec, container, *args, **kwargs)


def by_soundfile(kind: str, subtype: str, rate: int = RATE) -> Make:
    return lambda speech: written(speech, kind, subtype, rate)


VORBIS = {"strict": "-2"}
FRAGMENTS = {"movflags": "empty_moov+default_base_moof", "frag_duration": "500000"}
AMR = {"rate": 8000, "bit_rate": 12200}

FILES: dict[str, Make] = {
    "u8.wav": by_soundfile("WAV", "PCM_U8"),
    "s16.wav": by_soundfile("WAV", "PCM_16"),
    "s24.wav": by_soundfile("WAV", "PCM_24"),
    "s32.wav": by_soundfile("WAV", "PCM_32"),
    "s64.wav": by_av("pcm_s64le", "wav"),
    "f32.wav": by_soundfile("WAV", "FLOAT"),
    "f64.wav": by_soundfile("WAV", "DOUBLE"),
    "alaw.wav": by_soundfile("WAV", "ALAW"),
    "mulaw.wav": by_soundfile("WAV", "ULAW"),
    "adpcm_ms.wav": by_av("adpcm_ms", "wav"),
    "adpcm_ima.wav": by_av("adpcm_ima_wav", "wav"),
    "g722.wav": by_av("g722", "wav"),
    "mp3_inside.wav": by_av("libmp3lame", "wav"),
    "big_endian.wav": lambda speech: rifx(speech),
    "rf64.wav": by_soundfile("RF64", "PCM_16"),
    "broadcast.wav": broadcast,
    "extensible.wav": by_soundfile("WAVEX", "PCM_24"),
    "unpatched.wav": unpatched_wav,
    "piped.wav": piped_wav,
    "six_channels.wav": channels(6),
    "192_kHz.wav": by_soundfile("WAV", "PCM_24", 192_000),
    "a.aiff": by_soundfile("AIFF", "PCM_24"),
    "float.aifc": by_soundfile("AIFF", "FLOAT"),
    "mulaw.aifc": by_soundfile("AIFF", "ULAW"),
    "s16.au": by_soundfile("AU", "PCM_16"),
    "mulaw.snd": by_soundfile("AU", "ULAW"),
    "pcm.caf": by_soundfile("CAF", "PCM_16"),
    "alac.caf": by_av("alac", "caf"),
    "a.w64": by_soundfile("W64", "PCM_16"),
    "a.sph": sphere,
    "a.flac": by_soundfile("FLAC", "PCM_16"),
    "96_kHz.flac": by_soundfile("FLAC", "PCM_24", 96_000),
    "unknown_length.flac": flac_of_unknown_length,
    "too_few_declared.flac": flac_of_too_few_samples,
    "picture.flac": flac_with_picture,
    "chained.flac": halves(by_soundfile("FLAC", "PCM_16")),
    "vorbis.ogg": by_soundfile("OGG", "VORBIS"),
    "opus.opus": by_soundfile("OGG", "OPUS"),
    "flac.oga": by_av("flac", "ogg"),
    "chained.ogg": halves(by_soundfile("OGG", "VORBIS")),
    "chained.opus": halves(by_av("libopus", "ogg", 48000)),
    "cbr.mp3": mp3,
    "cbr_no_header.mp3": lambda speech: mp3(speech, xing=False),
    "vbr.mp3": lambda speech: mp3(speech, quality="2"),
    "vbr_no_header.mp3": lambda speech: mp3(speech, xing=False, quality="2"),
    "id3_of_3_MB.mp3": with_id3,
    "junk_before.mp3": lambda speech: bytes(5000) + mp3(speech),
    "joined.mp3": halves(mp3),
    "free_format.mp3": free_format,
    "free_format_id3.mp3": lambda speech: id3() + free_format(speech),
    "a.mp2": by_av("mp2", "mp2", 44100),
    "a.aac": by_av("aac", "adts"),
    "a.m4a": by_av("aac", "ipod", 44100),
    "alac.m4a": by_av("alac", "ipod"),
    "six_channels.m4a": by_av("aac", "ipod", 48000, "5.1"),
    "two_streams.m4a": by_av("aac", "ipod", streams=2),
    "a.3gp": by_av("libopencore_amrnb", "3gp", **AMR),
    "a.amr": by_av("libopencore_amrnb", "amr", **AMR),
    "opus.webm": by_av("libopus", "webm", 48000),
    "video.webm": by_av("libopus", "matroska", 48000, video=True),
    "vorbis.webm": by_av("vorbis", "webm", 48000, "stereo", codec_options=VORBIS),
    "aac.mkv": by_av("aac", "matroska"),
    "mp3.mkv": by_av("libmp3lame", "matroska", 44100),
    "video.mov": by_av("aac", "mov", video=True),
    "video.mp4": by_av("aac", "mp4", video=True),
    "fragments.mp4": by_av("aac", "mp4", options=FRAGMENTS),
    "video.avi": by_av("libmp3lame", "avi", video=True),
    "a.ts": by_av("aac", "mpegts"),
    "a.wma": by_av("wmav2", "asf", bit_rate=64_000),
    "a.wv": by_av("wavpack", "wv"),
    "a.tta": by_av("tta", "tta"),
    "ac3.ac3": by_av("ac3", "ac3", 48000),
}
"""A recording by the name of its file; each holds the same speech."""


@functools.cache
def original() -> np.ndarray:
    """Speech of 2.048 s, which is a whole number of frames in all codecs."""
    path = pathlib.Path(__file__).parents[1] / "examples/speech"
    signal, _ = soundfile.read(path / "emodb-03a05Wa-anger.flac", dtype="float32")
    return signal[4000 : 4000 + 2**15]


@functools.cache
def recording(name: str) -> bytes:
    """Recording of that speech, by the name of its file."""
    return FILES[name](original())


def rifx(speech: np.ndarray) -> bytes:
    """WAV with its bytes in the other order."""
    samples = (speech * 32767).astype(">i2").tobytes()
    words = [(1, 2), (1, 2), (RATE, 4), (2 * RATE, 4), (2, 2), (16, 2)]
    form = b"".join(value.to_bytes(size, "big") for value, size in words)
    chunks = b"".join(
        name + len(content).to_bytes(4, "big") + content
        for name, content in ((b"fmt ", form), (b"data", samples))
    )
    return b"RIFX" + (4 + len(chunks)).to_bytes(4, "big") + b"WAVE" + chunks
