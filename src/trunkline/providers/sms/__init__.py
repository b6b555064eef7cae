"""SMS, by the telephone companies that carry calls too: Twilio's Messages and Telnyx's.

Both implement `ports.Chat`: words only, no files, no templates, no window. A business's account may leave its
keys empty: then those of the installation are used.
"""

from trunkline.providers.sms.telnyx import TelnyxSms
from trunkline.providers.sms.twilio import TwilioSms

__all__ = ["TelnyxSms", "TwilioSms"]
