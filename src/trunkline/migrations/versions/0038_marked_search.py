"""Look words up by themselves: in the index each bears a mark of its business and kind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trunkline.migrations import finding

revision = "0038"
down_revision = "0037"

# An inverted index over business, kind and words has two lists of all rows, by business and by kind, which a
# look-up walks through beside those of its words: most of what it read. Marks of two businesses may be
# alike; whose a row is, is asked of the row.
_MARK = "to_hex(hashtext({business}::text || {kind})) || ':'"
_MARKED = f"""
create function search_marked(business uuid, kind text, words tsvector) returns tsvector
    language plpgsql immutable parallel safe as $$
declare
    mark constant text := {_MARK.format(business="business", kind="kind")};
begin
    return array_to_tsvector(
        string_to_array(mark || array_to_string(tsvector_to_array(words), ' ' || mark), ' '));
end $$
"""

_ROW = "t.at, t.id, t.part"
# Of a word that many have said, the newest two thousand rows tell a page.
_NEWEST = f"""
    select {_ROW}, t.words from search_texts t
    where t.business_id = here and t.kind = wanted
      and ({_ROW}) < (behind_at, behind_id, behind_part)
    order by t.at desc, t.id desc, t.part desc
"""
# What they do not tell is rare enough to be looked up. Whose a row is, is asked of what was found (`offset 0`
# keeps the order): else the planner brings all rows of the business beside it, by the primary key.
_LOOKED_UP = f"""
    select {_ROW}, t.words from (
        select s.* from search_texts s where search_marked(s.business_id, s.kind, s.words) @@ {{query}}
        offset 0) t
    where t.business_id = here and t.kind = wanted and ({_ROW}) < (behind_at, behind_id, behind_part)
    limit 5000
"""
_WITH_MARKS = "regexp_replace({query}::text, $re$'([^']+)'$re$, '''' || mark || '\\1''', 'g')::tsquery"
# Rows that bear the words themselves come first, then those with words that begin so, which `near` asks
# for in a row at hand and `begun` of the index. Each step reads a bounded number of rows. Plans are made
# once, for any words, and perhaps while rows are few: the planner is told neither to read nor to sort all.
_FIND = f"""
create or replace function find_texts(
    wanted text, exact tsquery, near tsquery, begun tsquery, only_begun boolean, behind_at timestamptz,
    behind_id uuid, behind_part integer, most integer
) returns table (is_begun boolean, at timestamptz, id uuid, part integer)
    language plpgsql stable security definer rows 20 set search_path = pg_catalog, public, pg_temp
    set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_sort = off as $$
declare
    here constant uuid := nullif(current_setting('app.business_id', true), '')::uuid;
    mark constant text := {_MARK.format(business="here", kind="wanted")};
    looked_up tsquery;
    found_exact integer := 0;
    found_all integer := 0;
    many bigint := 0;
begin
    for is_begun, at, id, part in
        select not n.words @@ exact, n.at, n.id, n.part from ({_NEWEST} limit 2000) n
        where n.words @@ near and (not only_begun or not n.words @@ exact)
        order by n.at desc, n.id desc, n.part desc
    loop
        found_all := found_all + 1;
        if not is_begun then
            found_exact := found_exact + 1;
        end if;
        if not is_begun or found_all - found_exact <= most then
            return next;
        end if;
        if found_exact >= most or (only_begun and found_all >= most) then
            return;
        end if;
    end loop;
    select n.at, n.id, n.part into behind_at, behind_id, behind_part from ({_NEWEST} offset 1999 limit 1) n;
    if not found then
        return;
    end if;
    if begun is not null and found_all < most then
        looked_up := {_WITH_MARKS.format(query="begun")};
        for is_begun, at, id, part, many in
            select not c.words @@ exact as later, c.at, c.id, c.part, count(*) over ()
            from ({_LOOKED_UP.format(query="looked_up")}) c where not only_begun or not c.words @@ exact
            order by later, c.at desc, c.id desc, c.part desc limit most
        loop
            -- Of more than are looked at, those with the words themselves are looked up by themselves.
            if is_begun or many < 5000 then
                return next;
            end if;
        end loop;
        if only_begun or many < 5000 then
            return;
        end if;
    end if;
    looked_up := {_WITH_MARKS.format(query="exact")};
    return query select false, c.at, c.id, c.part from ({_LOOKED_UP.format(query="looked_up")}) c
        order by c.at desc, c.id desc, c.part desc limit most;
end $$
"""


def upgrade() -> None:
    op.execute(_MARKED)
    op.create_index(
        "ix_search_texts_marked", "search_texts", [sa.text("search_marked(business_id, kind, words)")],
        postgresql_using="gin", postgresql_with={"gin_pending_list_limit": "256"},
    )  # fmt: skip
    op.drop_index("ix_search_texts_said", "search_texts")
    op.drop_index("ix_search_texts_written", "search_texts")
    finding.as_lookup(_FIND)
