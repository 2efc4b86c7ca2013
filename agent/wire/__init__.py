"""The wire: formats shared with the sync service. Imports nothing of ours but itself."""
