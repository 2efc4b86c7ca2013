"""The tray: what an employee always sees. `view` decides what it shows, the other files show it on their system."""
