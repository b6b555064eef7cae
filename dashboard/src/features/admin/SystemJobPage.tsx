import { OneJob } from "@/features/jobs/OneJob";
import { OF_SYSTEM } from "@/features/jobs/place";
import { usePath } from "@/lib/address";

export default function SystemJobPage() {
  return <OneJob place={OF_SYSTEM} id={usePath("jobId")} />;
}
