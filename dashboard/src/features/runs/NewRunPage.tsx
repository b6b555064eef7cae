// The page of a new run: its form, or what must be there before anybody can be called.

import { Alert, Stack } from "@mantine/core";
import { useFilters } from "@/lib/address";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { ErrorNote } from "@/ui/ErrorNote";
import { ButtonLink } from "@/ui/LinkTo";
import { Loading } from "@/ui/Loading";
import { PageHeader } from "@/ui/PageHeader";
import type { Given } from "./draft";
import { NewRunForm } from "./NewRunForm";

export default function NewRunPage() {
  const t = useT("runs");
  const lists = api.useQuery("get", "/api/lead-lists");
  const agents = api.useQuery("get", "/api/agents");
  const numbers = api.useQuery("get", "/api/business/numbers");
  const failed = [lists, agents, numbers].find((one) => one.isError && one.data === undefined);
  return (
    <>
      <PageHeader title={t("new")} about={t("new_about")} back={{ to: "/runs", label: t("title") }} />
      {failed && <ErrorNote error={failed.error} retry={() => void failed.refetch()} />}
      {!failed && lists.data && agents.data && numbers.data && (
        <Needs lists={lists.data} agents={agents.data} numbers={numbers.data} />
      )}
      {!failed && !(lists.data && agents.data && numbers.data) && <Loading />}
    </>
  );
}

/** What must be there before anybody can be called, and where it is made; or the form. */
function Needs(given: Given) {
  const t = useT("runs");
  const { may } = useSession();
  const [{ leads }] = useFilters({ leads: "" });
  const missing: [string, string, string][] = [];
  if (given.agents.length === 0) missing.push([t("needs.agent"), "/agents", t("needs.to_agents")]);
  if (given.numbers.length === 0) missing.push([t("needs.number"), "/settings/numbers", t("needs.to_numbers")]);
  if (given.lists.length === 0 && !leads) missing.push([t("needs.list"), "/lists/import", t("needs.to_import")]);
  const [first] = missing;
  if (first && (given.agents.length === 0 || given.numbers.length === 0)) {
    return (
      <Stack>
        {missing.map(([sentence, to, label]) => (
          <Alert key={to} color="yellow" title={sentence}>
            {/* Whoever may not add numbers has nothing to do there. */}
            {(to !== "/settings/numbers" || may("admin")) && (
              <ButtonLink to={to} size="compact-sm" variant="default">
                {label}
              </ButtonLink>
            )}
          </Alert>
        ))}
      </Stack>
    );
  }
  return <NewRunForm {...given} lists={given.lists.filter((list) => list.leads > 0)} />;
}
