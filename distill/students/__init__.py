"""Students: small networks that learn a teacher's outputs."""

from audw2s.distill.students.wav2small import Wav2Small

STUDENTS = {"wav2small": Wav2Small}
"""Architectures by name."""
