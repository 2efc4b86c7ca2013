"""The pure core of the agent: observations in, seconds per state out. No I/O, no clock."""
