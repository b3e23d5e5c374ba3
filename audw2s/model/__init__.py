"""Models: registry, search, verification and loading."""
