"""What the pages show, worked out: pure functions from what is known to words, sums and positions."""
