/** The navigation rail: which pages there are, for whom, in which order. */

import {
  IconBell,
  IconBriefcase,
  IconChecklist,
  IconClipboardCheck,
  IconHandStop,
  IconHeartbeat,
  IconHistory,
  IconHome,
  IconKey,
  IconLayoutList,
  IconPlayerPlay,
  IconSchool,
  IconSettings,
  IconStack2,
  IconTransfer,
  IconUsers,
} from "@tabler/icons-react";
import type { Role } from "../api/session";

export interface NavItem {
  readonly to: string;
  readonly key: string;
  readonly icon: typeof IconHome;
  readonly group: "work" | "data" | "people" | "system";
  readonly roles: readonly Role[];
  readonly exact?: boolean;
}

const EVERYBODY: readonly Role[] = ["admin", "manager", "member", "labeler"];
const LEADS: readonly Role[] = ["admin", "manager"];

export const NAV: readonly NavItem[] = [
  { to: "/", key: "app.nav.home", icon: IconHome, group: "work", roles: EVERYBODY, exact: true },
  { to: "/work", key: "app.nav.work", icon: IconPlayerPlay, group: "work", roles: EVERYBODY },
  { to: "/console/projects", key: "app.nav.projects", icon: IconBriefcase, group: "data", roles: LEADS },
  { to: "/console/batches", key: "app.nav.batches", icon: IconStack2, group: "data", roles: LEADS },
  { to: "/console/tasks", key: "app.nav.tasks", icon: IconLayoutList, group: "data", roles: LEADS },
  { to: "/console/in-hand", key: "app.nav.inHand", icon: IconHandStop, group: "people", roles: LEADS },
  { to: "/console/audits", key: "app.nav.audits", icon: IconClipboardCheck, group: "data", roles: LEADS },
  { to: "/console/transfers", key: "app.nav.transfers", icon: IconTransfer, group: "data", roles: LEADS },
  { to: "/console/people", key: "app.nav.people", icon: IconUsers, group: "people", roles: LEADS },
  { to: "/console/figures", key: "app.nav.figures", icon: IconChecklist, group: "people", roles: LEADS },
  { to: "/console/quality", key: "app.nav.quality", icon: IconSchool, group: "people", roles: LEADS },
  { to: "/console/callbacks", key: "app.nav.callbacks", icon: IconBell, group: "system", roles: LEADS },
  { to: "/console/keys", key: "app.nav.keys", icon: IconKey, group: "system", roles: LEADS },
  { to: "/console/log", key: "app.nav.log", icon: IconHistory, group: "system", roles: LEADS },
  { to: "/console/health", key: "app.nav.health", icon: IconHeartbeat, group: "system", roles: LEADS },
  { to: "/console/settings", key: "app.nav.settings", icon: IconSettings, group: "system", roles: EVERYBODY },
];

/** Whether somebody who only labels finds nothing but refusals at an address. */
export const isForLeads = (path: string): boolean =>
  path.startsWith("/console/") && !NAV.some((item) => item.roles === EVERYBODY && item.to === path);

export const GROUPS = ["work", "data", "people", "system"] as const;
