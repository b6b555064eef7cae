"""A stand-in for a mail server: it takes letters by SMTP and keeps them in a folder."""

from trunkline.simulators.smtp.server import serving

__all__ = ["serving"]
