"""Floor 4: a real PostgreSQL and a real Redis from packages, for machines that have neither.

`hold_servers` starts them where they are not running and keeps them while the hold lasts; all processes of
an installation share them. It owns how they are run and where their data lies. It knows nothing of the
schema or of what is put in them.
"""

from trunkline.embedded.errors import EmbeddedUnavailable
from trunkline.embedded.hold import Hold, hold_servers
from trunkline.embedded.layout import default_home
from trunkline.embedded.passwords import EmbeddedUrls
from trunkline.embedded.roles import role_sql
from trunkline.embedded.status import ServerStatus, Status, status

__all__ = [
    "EmbeddedUnavailable",
    "EmbeddedUrls",
    "Hold",
    "ServerStatus",
    "Status",
    "default_home",
    "hold_servers",
    "role_sql",
    "status",
]
