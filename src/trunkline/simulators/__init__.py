"""Floor 4: local stand-ins that speak the providers' real wire protocols, for the demo and the tests."""
