import { isLead, useSession } from "../api/session";
import { ContributorHome } from "./ContributorHome";
import { LeadHome } from "./LeadHome";

/** What there is to do: for those who label, their work; for those who lead, their projects. */
export default function HomePage() {
  const role = useSession((s) => s.info?.member.role);
  return isLead(role) ? <LeadHome /> : <ContributorHome />;
}
