"""Framekeep's sync service: stores sealed summaries, opens them, publishes team blocks."""
