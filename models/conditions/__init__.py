"""How the agent does under conditions the labels do not name: who sits there, what they wear, light, company."""
