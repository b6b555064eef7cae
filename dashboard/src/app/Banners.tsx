// What a person must know whatever page they are on: in whose name they act, and that the server is away.

import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { BusinessSwitcher } from "@/app/BusinessSwitcher";
import { useT } from "@/lib/i18n";
import { useServerAway } from "@/lib/live";
import { useSession } from "@/lib/session";
import classes from "./Shell.module.css";

export function Banners() {
  const t = useT("shell");
  const { me, business } = useSession();
  const away = useServerAway();
  const [choosing, { open, close }] = useDisclosure(false);
  return (
    <>
      {away && (
        <div className={`${classes.banner} ${classes.away}`} role="alert" data-banner="away">
          {t("away")}
        </div>
      )}
      {me.is_system_admin && business && (
        <div className={`${classes.banner} ${classes.inside}`} role="note" data-banner="inside">
          <span>{t("inside", { name: business.name })}</span>
          <Button size="compact-sm" variant="default" onClick={open}>
            {t("businesses.other")}
          </Button>
        </div>
      )}
      <BusinessSwitcher opened={choosing} onClose={close} />
    </>
  );
}
