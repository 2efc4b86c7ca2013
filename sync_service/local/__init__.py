"""The one-machine side of every port: embedded PostgreSQL and a loopback server."""
