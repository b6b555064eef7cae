import { JobList } from "./JobList";
import { OF_BUSINESS } from "./place";

export default function JobsPage() {
  return <JobList place={OF_BUSINESS} />;
}
