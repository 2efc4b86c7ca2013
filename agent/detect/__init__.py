"""What is in a frame. Imported only inside the eyes process."""
