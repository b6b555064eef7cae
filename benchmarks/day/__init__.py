"""A simulated day of many businesses: the real dialler on the real PostgreSQL, in virtual time."""
