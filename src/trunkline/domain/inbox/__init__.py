"""Written conversations: what people and a business write to each other by WhatsApp and SMS.

`service` is what the rest of Trunkline calls. `accounts` are the numbers that a business writes from,
`sending` has a message go out once at most, `intake` takes what comes in, `sessions` divides a conversation
where it rests.
"""
