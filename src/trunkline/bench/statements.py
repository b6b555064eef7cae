"""The SQL that makes a day's calls and what they leave behind, out of their numbers alone.

Every value is a hash of a row's number and the seed: PostgreSQL makes the rows itself, in the scope of
the business and under its row-level security, and making them again makes the same ones.
"""

from __future__ import annotations

import json

from sqlalchemy import TextClause, text

_MILLIS = "lpad(to_hex((extract(epoch from {at}) * 1000)::bigint), 12, '0')"


def _hash(number: str, salt: int) -> str:
    return f"hashint8extended({number}, cast(:seed as bigint) + {salt})"


def _share(number: str, salt: int) -> str:
    """SQL of a number from 0 to less than 1."""
    return f"(({_hash(number, salt)} & 1048575) / 1048576.0)"


def _id(number: str, at: str, salt: int) -> str:
    """SQL of a time-ordered id, in the shape of `kit.ids`."""
    return (
        f"({_MILLIS.format(at=at)} || '7' || substr(lpad(to_hex({_hash(number, salt)}), 16, '0'), 1, 3)"
        f" || '8' || substr(lpad(to_hex({_hash(number, salt + 1)}), 16, '0'), 2, 15))::uuid"
    )


_LEAD_AT = "(cast(:began as timestamptz) + {n} * cast(:lead_every as interval))"
_NAMES = "array['Ada','Ben','Carmel','Dana','Eli','Fay','Gil','Hila','Ido','Jon','Keren','Lior','Maya','Noa']"
_FAMILIES = "array['Adler','Barak','Cohen','Dayan','Eden','Fox','Gold','Hadad','Katz','Levi','Mor','Peretz']"


def _picked(array: str, number: str, salt: int, size: int) -> str:
    return f"({array})[1 + floor({_share(number, salt)} * {size})::int]"


def _lead_id(number: str) -> str:
    return _id(number, _LEAD_AT.format(n=number), 20)


def _phone(number: str) -> str:
    """SQL of a number that no telephone has: nobody has the area code 555, and no zone is known of it."""
    return f"('+1555' || (2000000 + {number}))"


LEADS = text(
    f"""
    insert into leads (id, business_id, phone, name, email, source, created_at)
    select {_lead_id("n")}, :business, {_phone("n")},
           {_picked(_NAMES, "n", 22, 14)} || ' ' || {_picked(_FAMILIES, "n", 23, 12)},
           case when n % 3 = 0 then 'lead' || n || '@bench.example' end, 'list:bench',
           {_LEAD_AT.format(n="n")}
    from generate_series(cast(:first as bigint), cast(:last as bigint)) n
    """
)
ENTRIES = text(
    f"""
    insert into lead_list_entries (business_id, list_id, lead_id, position)
    select :business, :list, {_lead_id("n")}, n
    from generate_series(cast(:first as bigint), cast(:last as bigint)) n
    """
)
LEAD_IS_THERE = text(
    f"select exists (select from leads where business_id = :business and id = "
    f"(select {_lead_id('n')} from (select cast(:number as bigint) n) one))"
)

_DRAWN = f"""
    select n, n - :first < :items as of_run, n - :first + 1 as position,
           cast(:starts as timestamptz) + make_interval(secs =>
               3600.0 * (cast(:hours as int[]))[1 + floor({_share("n", 1)} * :hours_size)::int]
               + 3599.0 * {_share("n", 2)}) as at,
           {_share("n", 3)} as toss, {_share("n", 4)} as luck, {_share("n", 5)} as lasted,
           case when n - :first < :items
                then 1 + (cast(:offset as bigint) + n - :first) % :leads
                else 1 + floor({_share("n", 6)} * :leads)::bigint end as lead
    from generate_series(cast(:first as bigint), cast(:last as bigint)) n
"""
_DIRECTED = f"select *, of_run or toss < 0.65 as is_outbound from ({_DRAWN}) drawn"
_CAME_TO = f"""
    select *, case
        when is_outbound then case
            when luck < 0.30 then 'no_answer' when luck < 0.38 then 'busy' when luck < 0.40 then 'failed'
            when luck < 0.54 then 'voicemail' when luck < 0.62 then 'no_response'
            when luck < 0.72 then 'booked' when luck < 0.88 then 'declined'
            when luck < 0.95 then 'callback_requested' when luck < 0.97 then 'opted_out'
            when luck < 0.995 then 'not_understood' else 'our_fault' end
        else case
            when luck < 0.02 then 'rejected_capacity' when luck < 0.05 then 'no_conversation'
            when luck < 0.40 then 'booked' when luck < 0.62 then 'callback_requested'
            when luck < 0.80 then 'declined' when luck < 0.90 then 'transferred'
            when luck < 0.96 then 'no_response' else 'not_understood' end
        end as disposition
    from ({_DIRECTED}) directed
"""
_ANSWERED = f"""
    select *, disposition not in
        ('no_answer', 'busy', 'failed', 'rejected_capacity', 'no_conversation') as is_answered,
        at + make_interval(secs => 2 + 14 * lasted) as picked_up,
        at + make_interval(secs => case
            when disposition in ('no_answer', 'busy', 'failed', 'rejected_capacity', 'no_conversation')
            then 3 + 25 * lasted else 24 + 240 * lasted * lasted end) as ended
    from ({_CAME_TO}) came_to
"""
_CALLS = f"""
    select *, {_id("n", "at", 30)} as id, 'CA' || lpad(to_hex({_hash("n", 32)}), 32, 'be') as sid,
           {_lead_id("lead")} as lead_id, {_phone("lead")} as phone
    from ({_ANSWERED}) answered
"""

CALLS = text(
    f"""
    insert into calls (id, business_id, carrier_sid, direction, ours, theirs, agent_id, lead_id, state,
        disposition, end_reason, answered_by, media_opened_at, media_spent, steps, created_at, answered_at,
        ended_at, finalized_at, booked_at)
    select id, :business, sid, case when is_outbound then 'outbound' else 'inbound' end, :ours, phone,
           :agent, lead_id, 'ended', disposition,
           case when is_answered then 'agent_hung_up' else disposition end,
           case when is_answered and is_outbound then
               case when disposition = 'voicemail' then 'machine' else 'human' end end,
           case when is_answered then picked_up end, is_answered::int, is_answered::int, at,
           case when is_answered then picked_up end, ended, ended,
           case when disposition = 'booked' then ended end
    from ({_CALLS}) made
    """
)
DAY_IS_THERE = text(
    f"select exists (select from calls where business_id = :business and id in (select id from ({_CALLS}) m))"
)

_SAID = (
    "Hello, this is Rivka from the clinic. Is this a good moment?",
    "I am calling about the check-up that is due.",
    "On Tuesday at half past ten, or on Wednesday at four?",
    "Is there another number at which you are reached more easily?",
)
_HEARD = (
    "Yes, go on.", "What is it about?", "Wednesday at four would suit me.", "No, thank you, not this year.",
)  # fmt: skip
_AGENT_DATA = [
    json.dumps({"turn": turn, "text": said, "heard_text": said, "interrupted": False, "resumed": False})
    for turn, said in enumerate(_SAID, 1)
]
_CALLER_DATA = [json.dumps({"text": said, "confidence": 0.94, "kind": "speech"}) for said in _HEARD]

CALL_EVENTS = text(
    f"""
    insert into call_events (business_id, call_id, sequence, kind, at, data)
    select :business, id, k,
           case when k = 1 then 'started' when k = cast(:turns as int) + 2 then 'ended'
                when k % 2 = 0 then 'agent_said' else 'caller_said' end,
           picked_up + (ended - picked_up) * (k - 1) / (cast(:turns as int) + 1),
           case when k = 1 then cast(:started as jsonb) when k = cast(:turns as int) + 2
                then cast(:ended as jsonb)
                when k % 2 = 0 then (cast(:said as jsonb[]))[1 + (n + k / 2) % {len(_SAID)}]
                else (cast(:heard as jsonb[]))[1 + (n + k / 2) % {len(_HEARD)}] end
    from ({_CALLS}) made cross join generate_series(1, cast(:turns as int) + 2) k
    where is_answered and disposition <> 'voicemail'
    """
)
SPOKEN = {
    "started": json.dumps({"direction": "outbound", "language": "en"}),
    "ended": json.dumps({"reason": "agent_hung_up", "turns": 4, "interruptions": 0}),
    "said": _AGENT_DATA,
    "heard": _CALLER_DATA,
}
"""What `CALL_EVENTS` is given beside the day."""

FEED = text(
    f"""
    insert into events (business_id, kind, subject_id, actor, data, at)
    select :business, 'call.finalized', id, 'media', jsonb_build_object('disposition', disposition), ended
    from ({_CALLS}) made
    """
)

ITEMS = text(
    f"""
    insert into outbound_items (id, business_id, run_id, lead_id, phone, position, state, attempts_used,
        disposition, updated_at)
    select {_id("n", "at", 40)}, :business, :run, lead_id, phone, position,
           case when is_answered then 'completed' else 'failed' end, 1, disposition, ended
    from ({_CALLS}) made where of_run
    """
)
ATTEMPTS = text(
    f"""
    insert into outbound_attempts (id, business_id, run_id, item_id, phone, from_number, account, state,
        disposition, job_id, lease_epoch, carrier_sid, call_id, created_at, resolved_at)
    select {_id("n", "at", 42)}, :business, :run, {_id("n", "at", 40)}, phone, :ours, 'bench', 'ended',
           case when is_answered then 'answered' else disposition end, {_id("n", "at", 44)}, 1, sid, id, at,
           ended
    from ({_CALLS}) made where of_run
    """
)

APPOINTMENTS_A_DAY = 16
"""As many as a working day has half hours."""

# A day's calls book more than its one calendar holds: what is beyond that was called off again.
APPOINTMENTS = text(
    f"""
    insert into appointments (id, business_id, calendar_id, lead_id, call_id, starts_at, ends_at, held_from,
                              held_until, state, created_at)
    select md5(id::text)::uuid, :business,
           (select c.id from calendars c where c.business_id = :business and c.is_default), lead_id, id,
           starts, starts + interval '30 minutes', starts, starts + interval '30 minutes',
           case when place < {APPOINTMENTS_A_DAY} then 'booked' else 'cancelled' end, booked_at
    from (select *, cast(:starts as timestamptz) + interval '3 days 8 hours'
                 + place % {APPOINTMENTS_A_DAY} * interval '30 minutes' as starts
          from (select id, lead_id, booked_at, row_number() over (order by created_at, id) - 1 as place
                from calls where business_id = :business and created_at >= :starts and created_at < :ends
                and booked_at is not null) placed) booked
    """
)


def given(statement: TextClause, values: dict[str, object]) -> dict[str, object]:
    """Return those of the values that a statement has a place for."""
    return {name: values[name] for name in statement.compile().params}
