"""Alembic migrations: how the schema came to be. `policies` holds the row-level-security helpers."""
