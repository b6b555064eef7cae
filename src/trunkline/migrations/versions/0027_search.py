"""Find leads, notes, lists, calls, what was said in them, appointments, agents and texts by their words."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from trunkline.migrations import finding, policies
from trunkline.migrations.policies import APP, LOOKUP

revision = "0027"
down_revision = "0026"

_LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_GREEK = "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ"
_CYRILLIC = "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ"
_SPELT = _LATIN + _GREEK + _CYRILLIC + "םןץףךς"
_MEANT = _LATIN.lower() + "αβγδεζηθικλμνξοπρστυφχψω" + _CYRILLIC.lower() + "מנצפכσ"
_DROPPED = (
    r"\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u05f3\u05f4\u064b-\u065f"
    r"\u0027\u0022\u0060\u00b4\u2018\u2019\u201c\u201d\u2032\u2033"
)
_WORD = (
    r"0-9a-z\u00df-\u02ff\u0370-\u0590\u05d0-\u060b\u0620-\u0669\u066e-\u1fff\u2c00-\u2dff"
    r"\u3040-\ud7ff\uf900-\ufdff"
)

# The same as `kit.words.words_of`, in no order and none twice.
_WORDS_OF = f"""
create function search_words_of(given text) returns text[] language sql immutable parallel safe as $$
    select coalesce(array_agg(distinct left(found[1], 40)), '{{}}') from regexp_matches(
        translate(regexp_replace(normalize(given, NFKD), '[{_DROPPED}]', '', 'g'), '{_SPELT}', '{_MEANT}'),
        '[{_WORD}]+', 'g') found
$$
"""
# The same as `kit.words.stubs`.
_STUBS = """
create function search_stubs(word text) returns text[] language sql immutable parallel safe as $$
    select array_agg(distinct stub) from (
        select overlay(word placing '' from greatest(cut, 1) for least(cut, 1)) as stub
        from generate_series(0, char_length(word)) cut
        union all
        select '~' || left(word, 1)
            || regexp_replace(translate(substr(word, 2), 'aeiouyוי', ''), '(.)\\1+', '\\1', 'g')
        where char_length(word) > 4) stubs
$$
"""
# Words with digits are numbers and codes: nobody is asked whether they meant another one.
_LEARNS = """
    insert into search_news (business_id, words, counts)
    select business_id, array_agg(word), array_agg({sign} many) from (
        select business_id, word, count(*)::int as many from {touched}, unnest(tsvector_to_array(words)) word
        where word !~ '[0-9]' and char_length(word) > 1 group by business_id, word order by word) counted
    group by business_id
"""
_TAKE = f"""
create function search_take(
    kind text, businesses uuid[], ats timestamptz[], ids uuid[], parts integer[], texts text[]
) returns void language sql volatile as $$
    with given as (
        select business_id, at, id, part, array_to_tsvector(search_words_of(said)) as words
        from unnest(businesses, ats, ids, parts, texts) g (business_id, at, id, part, said)
    ), taken as (
        insert into search_texts (business_id, kind, at, id, part, words)
        select business_id, search_take.kind, at, id, part, words from given where words <> ''
        on conflict on constraint pk_search_texts do update set words = excluded.words
        returning business_id, words
    )
    {_LEARNS.format(sign="", touched="taken")}
$$
"""
_DROP = f"""
create function search_drop(
    kind text, businesses uuid[], ats timestamptz[], ids uuid[], parts integer[]
) returns void language sql volatile as $$
    with dropped as (
        delete from search_texts t
        using unnest(businesses, ats, ids, parts) g (business_id, at, id, part)
        where t.business_id = g.business_id and t.kind = search_drop.kind and t.at = g.at and t.id = g.id
          and t.part = g.part
        returning t.business_id, t.words
    )
    {_LEARNS.format(sign="-", touched="dropped")}
$$
"""
# Of a word that many have said, the newest two thousand rows tell a page; what they do not tell is rare
# enough to be looked up. Each step reads a bounded number of rows, whatever is asked for.
_NEWEST = """
    select t.at, t.id, t.part, t.words from search_texts t
    where t.business_id = here and t.kind = wanted
      and (t.at, t.id, t.part) < (behind_at, behind_id, behind_part)
    order by t.at desc, t.id desc, t.part desc
"""
_FIND = f"""
create function find_texts(
    wanted text, near tsquery, meant tsquery, besides tsquery, behind_at timestamptz, behind_id uuid,
    behind_part integer, most integer
) returns table (at timestamptz, id uuid, part integer) language plpgsql stable security definer
    set search_path = pg_catalog, public, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
    here constant uuid := nullif(current_setting('app.business_id', true), '')::uuid;
    enough integer;
    seen record;
begin
    return query select n.at, n.id, n.part from ({_NEWEST} limit 2000) n
        where n.words @@ near and (besides is null or not n.words @@ besides)
        order by n.at desc, n.id desc, n.part desc limit most;
    get diagnostics enough = row_count;
    if enough >= most then
        return;
    end if;
    select n.at, n.id, n.part into seen from ({_NEWEST} offset 1999 limit 1) n;
    if not found then
        return;
    end if;
    return query select c.at, c.id, c.part from (
            select t.at, t.id, t.part, t.words from search_texts t
            where t.business_id = here and t.kind = wanted and t.words @@ meant
              and (t.at, t.id, t.part) < (seen.at, seen.id, seen.part) limit 5000) c
        where besides is null or not c.words @@ besides
        order by c.at desc, c.id desc, c.part desc limit most - enough;
end $$
"""
_LIKE = """
create function words_like(parts text[], most integer) returns table (word text, many integer)
    language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select w.word, w.many from search_words w
    where w.business_id = (select nullif(current_setting('app.business_id', true), ''))::uuid
      and w.stubs && parts limit words_like.most
$$
"""

_LEAD = (
    "{row}.name || ' ' || coalesce({row}.email, '') || ' ' || coalesce({row}.notes, '')"
    " || ' ' || array_to_string({row}.tags, ' ')"
)
_SAID = (
    "case {row}.kind when 'agent_said' then coalesce({row}.data ->> 'heard_text', {row}.data ->> 'text', '')"
    " else coalesce({row}.data ->> 'text', '') end"
)


def upgrade() -> None:
    _create_tables()
    _create_functions()
    finding.keep("leads", kind="lead", words=_LEAD)
    finding.keep("lead_notes", kind="note", words="{row}.text")
    finding.keep("lead_lists", kind="list", words="{row}.name")
    finding.keep("calls", kind="call", words="{row}.notes")
    finding.keep(
        "call_events", kind="turn", words=_SAID, id="{row}.call_id", part="{row}.sequence", at="{row}.at",
        only="{row}.kind in ('agent_said', 'caller_said')", key=("call_id", "sequence"),
    )  # fmt: skip
    finding.keep("appointments", kind="appointment", words="{row}.note")
    finding.keep("agents", kind="agent", words="{row}.name")
    finding.keep(
        "knowledge_texts", kind="knowledge", words="{row}.title || ' ' || {row}.text", at="{row}.saved_at"
    )


def _business() -> sa.Column[UUID]:
    return sa.Column("business_id", sa.UUID(), nullable=False)


def _create_tables() -> None:
    op.create_table(
        "search_texts",
        _business(),
        sa.Column("kind", sa.String(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("words", TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_search_texts_business_id")),
        sa.PrimaryKeyConstraint("business_id", "kind", "at", "id", "part", name=op.f("pk_search_texts")),
    )
    # What is said is a hundred times what is written: in one index its words would be read for each kind.
    for name, kinds in (("said", "in"), ("written", "not in")):
        op.create_index(
            f"ix_search_texts_{name}", "search_texts", ["business_id", "kind", "words"],
            postgresql_using="gin", postgresql_with={"gin_pending_list_limit": "256"},
            postgresql_where=sa.text(f"kind {kinds} ('turn', 'message')"),
        )  # fmt: skip
    op.create_table(
        "search_news",
        _business(),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("words", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("counts", sa.ARRAY(sa.Integer()), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_search_news_business_id")),
        sa.PrimaryKeyConstraint("business_id", "id", name=op.f("pk_search_news")),
    )
    op.execute(_WORDS_OF)
    op.execute(_STUBS)
    op.create_table(
        "search_words",
        _business(),
        sa.Column("word", sa.String(collation="C"), nullable=False),
        sa.Column("many", sa.Integer(), nullable=False),
        sa.Column("stubs", sa.ARRAY(sa.Text()), sa.Computed("search_stubs(word)", persisted=True)),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_search_words_business_id")),
        sa.PrimaryKeyConstraint("business_id", "word", name=op.f("pk_search_words")),
    )
    op.create_index(
        "ix_search_words_stubs", "search_words", ["business_id", "stubs"],
        postgresql_using="gin", postgresql_with={"gin_pending_list_limit": "256"},
    )  # fmt: skip
    op.create_table(
        "search_fills",
        _business(),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("behind", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_search_fills_business_id")),
        sa.PrimaryKeyConstraint("business_id", "kind", name=op.f("pk_search_fills")),
    )
    with policies.across_tenants("businesses"):
        op.execute(
            "insert into search_fills (business_id, kind, behind)"
            " select b.id, k.kind, '00000000-0000-0000-0000-000000000000' from businesses b cross join"
            " unnest('{lead,note,list,call,turn,appointment,agent,knowledge}'::text[]) k (kind)"
        )
    for table in ("search_texts", "search_news", "search_words", "search_fills"):
        policies.protect(table)


def _create_functions() -> None:
    for table in ("search_texts", "search_news"):
        op.execute(f"create policy lookup on {table} to {LOOKUP} using (true) with check (true)")
        op.execute(f"grant select, insert, update, delete on {table} to {LOOKUP}")
    policies.admit_lookup("search_words", columns="business_id, word, many, stubs")
    op.execute(_TAKE)
    op.execute(_DROP)
    for statement, name in (
        (_FIND, "find_texts(text,tsquery,tsquery,tsquery,timestamptz,uuid,integer,integer)"),
        (_LIKE, "words_like(text[],integer)"),
    ):
        finding.as_lookup(statement)
        op.execute(f"set local role {LOOKUP}")
        op.execute(f"revoke all on function {name} from public")
        op.execute(f"grant execute on function {name} to {APP}")
        op.execute("reset role")
