"""The tables of scripts/bench."""
