import { client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import type { Appointment } from "./grid";

export type Mark = "booked" | "arrived" | "no_show";

/** Says whether somebody came. */
export function useMark(): (appointment: Appointment, state: Mark) => Promise<boolean> {
  const t = useT("appointments");
  const act = useAct();
  return ({ id, version }, state) =>
    act(
      () =>
        client.POST("/api/appointments/{appointment_id}/mark", {
          params: { path: { appointment_id: id } },
          body: { state, version },
        }),
      t("mark.done"),
    );
}
