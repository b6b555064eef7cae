// Who is who: names of agents and leads by id, kept for as long as the business is the same.

import { ApiError, get } from "/page/api.js";

const NEWEST = 200;
const FRESH_MS = 15_000;

let agents = null;
let leads = new Map();
let leadsReadAt = 0;

/** Forget everybody; another business has its own people. */
export function clear() {
  agents = null;
  leads = new Map();
  leadsReadAt = 0;
}

/** An agent's name, or nothing. */
export async function agentName(id) {
  if (!id) return "";
  if (!agents?.has(id)) agents = new Map((await get("/agents")).map((agent) => [agent.id, agent.name]));
  return agents.get(id) ?? "";
}

/** Leads by id, as far as they are among the newest or known already; never one request a lead. */
export async function knownLeads(ids) {
  const isStale = performance.now() - leadsReadAt > FRESH_MS || leadsReadAt === 0;
  if (isStale && ids.some((id) => id && !leads.has(id))) {
    for (const lead of (await get("/leads", { limit: NEWEST })).leads) leads.set(lead.id, lead);
    leadsReadAt = performance.now();
  }
  return leads;
}

/** All these leads by id, asking for each that is not among the newest. One that is gone is left out. */
export async function everyLead(ids) {
  await knownLeads(ids);
  for (const id of new Set(ids)) {
    if (!id || leads.has(id)) continue;
    try {
      leads.set(id, await get(`/leads/${id}`));
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }
  return leads;
}
