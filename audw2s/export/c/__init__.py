"""Wav2Small as C source."""
