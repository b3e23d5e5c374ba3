"""From signals to arousal, dominance and valence."""
