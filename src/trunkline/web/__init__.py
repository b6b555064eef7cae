"""Floor 4: the doorway. Assembles the application and lets people, providers and calls in."""
