// An agent as it is being written: what differs from the version it was begun on, and saving on top of that.

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { client, type Schema } from "@/lib/api";
import { ApiError, NoAnswer } from "@/lib/errors";

export type Content = Schema<"AgentContent">;
export type Agent = Schema<"AgentOut">;
export type Fault = Schema<"AgentFault">;

const FIELDS = [
  "name", "language", "greeting", "instructions", "script", "brain", "voice", "tools", "transfer_to",
] as const satisfies (keyof Content)[];
const REST_MS = 500;

export function contentOf(agent: Agent): Content {
  return Object.fromEntries(FIELDS.map((field) => [field, agent[field]])) as unknown as Content;
}

/** `below`, but with those fields of `content` that are being written. */
function onTopOf(below: Content, content: Content, isWritten: (field: keyof Content) => boolean): Content {
  return { ...below, ...Object.fromEntries(FIELDS.filter(isWritten).map((field) => [field, content[field]])) };
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

export interface Draft {
  content: Content;
  /** The version that it was begun on. */
  version: number;
  changed: (keyof Content)[];
  faults: Fault[];
  warnings: Schema<"AgentWarning">[];
  /** Somebody else's save that this draft does not have. */
  newer: Agent | null;
  change: (part: Partial<Content>) => void;
  /** The script as JSON, where somebody writes that and has not applied it, and over what they began to write. */
  json: { text: string; over: string } | null;
  writeJson: (json: { text: string; over: string } | null) => void;
  discard: () => void;
  /** Go on with these changes on top of what somebody else has saved. */
  keepMine: () => void;
  save: (note: string) => Promise<void>;
}

/** The draft of an agent's page. `agent` is what stands, as it is known now. */
export function useDraft(agent: Agent, mayWrite: boolean): Draft {
  const queries = useQueryClient();
  const [base, setBase] = useState(agent);
  const [content, setContent] = useState(() => contentOf(agent));
  const [json, writeJson] = useState<Draft["json"]>(null);
  const changed = useMemo(
    () => FIELDS.filter((field) => !same(content[field], base[field])),
    [content, base],
  );
  // What others have saved is shown at once, unless that would take away what is being written.
  if (agent.version > base.version && changed.length === 0) {
    setBase(agent);
    setContent(contentOf(agent));
  }
  const examined = useExamination(content, mayWrite && changed.length > 0);
  const change = useCallback((part: Partial<Content>) => setContent((now) => ({ ...now, ...part })), []);

  async function save(note: string): Promise<void> {
    const sent = content;
    const body = { ...Object.fromEntries(changed.map((field) => [field, sent[field]])), version: base.version, note };
    const { data } = await client.PATCH("/api/agents/{agent_id}", {
      params: { path: { agent_id: agent.id } },
      body,
    });
    if (!data) throw new NoAnswer("The agent was not told of.");
    // What the page shows is this version from now on, not the one before until it is asked for again.
    queries.setQueriesData<Agent>(
      { queryKey: ["get", "/api/agents/{agent_id}"], predicate: ({ state }) => (state.data as Agent | undefined)?.id === agent.id },
      data,
    );
    setBase(data);
    // What was typed while the save was on its way is still being written.
    setContent((now) => onTopOf(contentOf(data), now, (field) => !same(now[field], sent[field])));
    await queries.invalidateQueries({ queryKey: ["get", "/api/agents/{agent_id}"] });
  }

  return {
    content,
    version: base.version,
    changed,
    faults: examined?.faults ?? [],
    warnings: examined && changed.length > 0 ? examined.warnings : agent.warnings,
    newer: agent.version > base.version && changed.length > 0 ? agent : null,
    change,
    json,
    writeJson,
    discard() {
      writeJson(null);
      setBase(agent);
      setContent(contentOf(agent));
    },
    keepMine() {
      setBase(agent);
      setContent(onTopOf(contentOf(agent), content, (field) => changed.includes(field)));
    },
    save,
  };
}

/** What the server says of a draft, once the typing rests. */
function useExamination(content: Content, wanted: boolean): Schema<"Examination"> | null {
  const [told, setTold] = useState<{ of: Content; answer: Schema<"Examination"> } | null>(null);
  useEffect(() => {
    if (!wanted) return undefined;
    const asking = new AbortController();
    const rest = setTimeout(() => {
      client
        .POST("/api/agents/check", { body: content, signal: asking.signal })
        .then(({ data }) => data && setTold({ of: content, answer: data }))
        .catch((error: unknown) => {
          // It is asked again with the next change, and by saving.
          const known = error instanceof ApiError || error instanceof NoAnswer;
          if (!known && !asking.signal.aborted) throw error;
        });
    }, REST_MS);
    return () => {
      clearTimeout(rest);
      asking.abort();
    };
  }, [content, wanted]);
  return wanted ? (told?.answer ?? null) : null;
}
