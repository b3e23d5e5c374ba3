"""Models in other forms, for devices."""
