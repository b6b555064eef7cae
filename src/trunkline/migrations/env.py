"""Alembic's entry: runs the migrations on the connection it is handed, under the advisory lock."""

from __future__ import annotations

from alembic import context

from trunkline import schema

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=schema.metadata, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
