"""A stand-in for Graph: WhatsApp's Cloud API, its signed webhooks, and the people who write and answer.

It speaks over real sockets and accepts what Graph accepts; what it truly took is in its book, once a send.
"""

from trunkline.simulators.graph.server import serving

__all__ = ["serving"]
