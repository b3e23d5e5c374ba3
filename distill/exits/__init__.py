"""Self-distilled speech encoders with early exits (Ren et al.)."""
