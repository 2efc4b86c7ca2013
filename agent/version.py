"""The version of the agent, as every summary carries it."""

VERSION = "0.1.0"
