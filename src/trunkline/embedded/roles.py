"""The roles and the database that Trunkline needs in PostgreSQL, as a script for psql.

The keeper feeds it to the embedded server at every start; `trunkline doctor` prints the same script,
with placeholders for passwords, for whoever runs a server of their own. It may be run again at any time.
"""

from __future__ import annotations

DATABASE = "trunkline"
OWNER_ROLE = "trunkline_owner"
APP_ROLE = "trunkline_app"
RELAY_ROLE = "trunkline_relay"
LOOKUP_ROLE = "trunkline_lookup"

# NOINHERIT: the owner may become the look-up role to make its functions, but does not see what that one sees.
_BOUND = "NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION NOINHERIT"


def role_sql(
    *,
    owner_password: str = "<owner's password>",  # noqa: S107
    app_password: str = "<app's password>",  # noqa: S107
    relay_password: str = "<relay's password>",  # noqa: S107
) -> str:
    r"""Return the psql script (it uses \gexec and \connect), to be run by an administrator of the server."""
    logins = ((OWNER_ROLE, owner_password), (APP_ROLE, app_password), (RELAY_ROLE, relay_password))
    lines = [r"\set ON_ERROR_STOP on"]
    for role, password in logins:
        lines.append(_create_once("pg_roles", "rolname", role, f"CREATE ROLE {role} LOGIN {_BOUND}"))
        lines.append(f"ALTER ROLE {role} PASSWORD {_literal(password)};")
    lines += [
        "-- Owns the few functions that may look across businesses before the business is known.",
        _create_once("pg_roles", "rolname", LOOKUP_ROLE, f"CREATE ROLE {LOOKUP_ROLE} NOLOGIN {_BOUND}"),
        f"GRANT {LOOKUP_ROLE} TO {OWNER_ROLE};",
        "-- An administrator who is no superuser, as on hosted servers, may only give away what is theirs.",
        f"SELECT 'GRANT {OWNER_ROLE} TO CURRENT_USER' FROM pg_roles\n"  # noqa: S608
        r"  WHERE rolname = current_user AND NOT rolsuper \gexec",
        _create_once("pg_database", "datname", DATABASE, f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE}"),
        rf"\connect {DATABASE}",
        "CREATE EXTENSION IF NOT EXISTS pg_trgm;",
        "CREATE EXTENSION IF NOT EXISTS btree_gist;",
        "CREATE EXTENSION IF NOT EXISTS btree_gin;",
    ]
    return "\n".join(lines) + "\n"


def _create_once(catalog: str, column: str, name: str, statement: str) -> str:
    return (
        f"SELECT '{statement}'\n"  # noqa: S608
        rf"  WHERE NOT EXISTS (SELECT FROM {catalog} WHERE {column} = '{name}') \gexec"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
