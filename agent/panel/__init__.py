"""The privacy panel: what the employee sees of everything measured, sent and read, served on loopback on demand."""
