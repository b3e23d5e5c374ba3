"""From files and arrays to checked signals at 16 kHz."""
