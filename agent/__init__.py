"""Framekeep's agent: measures attention on the laptop and sends only sealed summaries."""
