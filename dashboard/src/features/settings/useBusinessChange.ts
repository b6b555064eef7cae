import { useQueryClient } from "@tanstack/react-query";
import { client, type Schema } from "@/lib/api";
import { useBusiness, type Business } from "@/lib/session";

/** Returns what changes the business's settings that are named, and has every page read them again. */
export function useBusinessChange(): (body: Schema<"BusinessChange">) => Promise<Business> {
  const queries = useQueryClient();
  const business = useBusiness();
  return async (body) => {
    if (Object.keys(body).length === 0) return business;
    const { data } = await client.PATCH("/api/business", { body });
    await queries.invalidateQueries({ queryKey: ["get", "/api/business"] });
    return data ?? business;
  };
}
