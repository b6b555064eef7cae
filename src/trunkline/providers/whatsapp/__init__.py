"""WhatsApp, by Meta's Cloud API: messages, files, templates, and what Graph tells.

`WhatsApp` implements `ports.Chat`; `wire` names what crosses the wire and is shared with Graph's stand-in.
"""

from trunkline.providers.whatsapp.client import WhatsApp

__all__ = ["WhatsApp"]
