"""What the operating system says about the laptop: locked, asleep, on a call, lid, shutter, battery."""
