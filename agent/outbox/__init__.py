"""Delivery of sealed envelopes: acknowledge, then delete."""
