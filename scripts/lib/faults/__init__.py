"""The parts of scripts/fault-suite."""
