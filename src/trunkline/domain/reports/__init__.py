"""What businesses read of themselves in figures."""
