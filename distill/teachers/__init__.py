"""Teachers: large models whose A/D/V outputs students learn."""
