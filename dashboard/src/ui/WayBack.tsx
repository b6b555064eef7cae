import { useLocation, useRouter } from "@tanstack/react-router";
import { useT } from "@/lib/i18n";
import { ButtonLink } from "@/ui/LinkTo";

/** Leads from a page of one thing to the list that it would stand in, and from elsewhere to where the day begins. */
export function WayBack() {
  const t = useT("errors");
  const shell = useT("shell");
  const { routesByPath } = useRouter();
  const parts = useLocation().pathname.split("/").filter(Boolean);
  const above = parts.map((_, index) => `/${parts.slice(0, index).join("/")}`).reverse();
  const list = above.find((path) => path !== "/" && path in routesByPath);
  return (
    <ButtonLink to={list ?? "/"} size="compact-sm" variant="default" mt="xs">
      {list ? t("back") : shell("not_found.home")}
    </ButtonLink>
  );
}
