"""The parts of scripts/kill-suite."""
