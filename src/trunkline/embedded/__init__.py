"""Floor 4: a real PostgreSQL and a real Redis from packages, for machines that have neither."""
