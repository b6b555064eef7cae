"""Floor 2: foreign countries. One folder per provider, behind the protocols in `ports`."""
