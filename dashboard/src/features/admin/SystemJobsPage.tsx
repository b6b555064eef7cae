import { JobList } from "@/features/jobs/JobList";
import { OF_SYSTEM } from "@/features/jobs/place";

export default function SystemJobsPage() {
  return <JobList place={OF_SYSTEM} />;
}
