"""Where frames come from. Imported only inside the eyes process."""
