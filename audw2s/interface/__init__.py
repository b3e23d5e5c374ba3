"""Objects of audinterface that give A/D/V."""
