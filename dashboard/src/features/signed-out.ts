// What the sign-in form leads to beside the door: forgotten passwords and the like. Their routes are `of: "anybody"`.

import { msg } from "@/lib/i18n";

export const SIGN_IN_LINKS: { to: string; label: string }[] = [{ to: "/forgotten", label: msg("shell:sign_in.forgotten") }];
