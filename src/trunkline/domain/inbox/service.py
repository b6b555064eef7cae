"""What other domains call of the inbox: writing to people, and hearing of what they write."""

from __future__ import annotations

from trunkline.domain.inbox import (
    accounts,
    arrivals,
    conversations,
    sending,
    sessions,
    templates,
    variables,
)
from trunkline.domain.inbox.account_models import AccountState, ChatAccount
from trunkline.domain.inbox.contents import LONGEST_TEXT, Button, Content, FilledTemplate
from trunkline.domain.inbox.models import (
    ChatSession,
    Conversation,
    Message,
    MessageState,
    SourceKind,
)

__all__ = [
    "LONGEST_TEXT", "AccountState", "Button", "ChatAccount", "ChatSession", "Content", "Conversation",
    "FilledTemplate", "Message", "MessageState", "Source", "SourceKind", "conversation_with",
    "fill_template", "get_account", "get_conversation", "list_accounts", "queue_message",
    "register_arrivals", "register_closings", "register_source", "take_back", "variables",
]  # fmt: skip

Source = sending.Source
conversation_with = conversations.conversation_with
fill_template = templates.filled
get_account = accounts.get_account
get_conversation = conversations.get_conversation
list_accounts = accounts.list_accounts
queue_message = sending.queue_message
register_arrivals = arrivals.register_listener
register_closings = sessions.register_listener
register_source = sending.register_source
take_back = sending.take_back
