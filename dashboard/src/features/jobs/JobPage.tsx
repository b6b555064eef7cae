import { usePath } from "@/lib/address";
import { OneJob } from "./OneJob";
import { OF_BUSINESS } from "./place";

export default function JobPage() {
  return <OneJob place={OF_BUSINESS} id={usePath("jobId")} />;
}
