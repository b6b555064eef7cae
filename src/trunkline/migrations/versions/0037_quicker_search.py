"""Look for words and for words that begin so in one walk, by plans that a session makes once."""

from __future__ import annotations

from alembic import op

from trunkline.migrations import finding
from trunkline.migrations.policies import APP, LOOKUP

revision = "0037"
down_revision = "0036"

_ROW = "t.at, t.id, t.part"
# Of a word that many have said, the newest two thousand rows tell a page.
_NEWEST = f"""
    select {_ROW}, t.words from search_texts t
    where t.business_id = here and t.kind = wanted
      and ({_ROW}) < (behind_at, behind_id, behind_part)
    order by t.at desc, t.id desc, t.part desc
"""
# What they do not tell is rare enough to be looked up. The kinds are named as in the index, for a plan that
# serves every kind knows none.
_LOOKED_UP = f"""
    select {_ROW}, t.words from search_texts t
    where t.business_id = here and t.kind = wanted and t.kind {{kinds}} ('turn', 'message')
      and t.words @@ {{query}} and ({_ROW}) < (behind_at, behind_id, behind_part) limit 5000
"""
_LOOK_UP = """
    if {both} then
        for is_begun, at, id, part, many in
            select not c.words @@ exact as later, c.at, c.id, c.part, count(*) over ()
            from ({begun}) c where not only_begun or not c.words @@ exact
            order by later, c.at desc, c.id desc, c.part desc limit most
        loop
            -- Of more than are looked at, those with the words themselves are looked up by themselves.
            if is_begun or many < 5000 then
                return next;
            end if;
        end loop;
    end if;
    if not only_begun and (not {both} or many >= 5000) then
        return query select false, c.at, c.id, c.part from ({exact}) c
            order by c.at desc, c.id desc, c.part desc limit most;
    end if;
"""


def _look_up(kinds: str) -> str:
    begun, exact = (_LOOKED_UP.format(kinds=kinds, query=query) for query in ("begun", "exact"))
    return _LOOK_UP.format(both="begun is not null and found_all < most", begun=begun, exact=exact)


# Rows that bear the words themselves come first, then those with words that begin so, which `near` asks
# for in a row at hand and `begun` of the index. Each step reads a bounded number of rows. That no plan is
# made for each kind and search is half of what it costs: it is made for any words, so the planner is told
# not to read all rows, as it would where it has not yet heard of many.
_FIND = f"""
create function find_texts(
    wanted text, exact tsquery, near tsquery, begun tsquery, only_begun boolean, behind_at timestamptz,
    behind_id uuid, behind_part integer, most integer
) returns table (is_begun boolean, at timestamptz, id uuid, part integer)
    language plpgsql stable security definer rows 20 set search_path = pg_catalog, public, pg_temp
    set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
    here constant uuid := nullif(current_setting('app.business_id', true), '')::uuid;
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
    if wanted in ('turn', 'message') then
        {_look_up("in")}
    else
        {_look_up("not in")}
    end if;
end $$
"""


def upgrade() -> None:
    op.execute(f"set local role {LOOKUP}")
    op.execute("drop function find_texts(text,tsquery,tsquery,tsquery,timestamptz,uuid,integer,integer)")
    for setting in ("plan_cache_mode = force_generic_plan", "enable_seqscan = off"):
        op.execute(f"alter function words_like(text[],integer) set {setting}")
    op.execute("reset role")
    finding.as_lookup(_FIND)
    name = "find_texts(text,tsquery,tsquery,tsquery,boolean,timestamptz,uuid,integer,integer)"
    op.execute(f"set local role {LOOKUP}")
    op.execute(f"revoke all on function {name} from public")
    op.execute(f"grant execute on function {name} to {APP}")
    op.execute("reset role")
