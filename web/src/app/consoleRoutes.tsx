/** Pages of the console. What a table shows is in its address, so that it can be sent to somebody else. */

import { createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { type AuditFilters, auditFilters } from "../console/audits/filters";
import { type TaskFilters, taskFilters } from "../console/tasks/filters";
import { withMessages } from "../i18n";
import NotFoundHere from "./NotFound";
import { reached } from "./reached";
import { shell } from "./routes";

const at = <const Path extends string>(path: Path, page: () => Promise<{ default: React.ComponentType }>) =>
  createRoute({ getParentRoute: () => shell, path, component: lazyRouteComponent(reached(page)) });

const projects = at("/console/projects", () => import("../console/projects/ProjectsPage"));
const newProject = at(
  "/console/projects/new",
  withMessages(() => import("../console/projects/NewProjectPage")),
);
const project = createRoute({
  getParentRoute: () => shell,
  path: "/console/projects/$name",
  validateSearch: (search): { tab?: string } => (typeof search.tab === "string" ? { tab: search.tab } : {}),
  component: lazyRouteComponent(reached(withMessages(() => import("../console/projects/ProjectPage")))),
});
const batches = at("/console/batches", () => import("../console/batches/BatchesPage"));
const tasks = createRoute({
  getParentRoute: () => shell,
  path: "/console/tasks",
  validateSearch: (search): TaskFilters => taskFilters(search),
  component: lazyRouteComponent(reached(() => import("../console/tasks/TasksPage"))),
});
const task = at("/console/tasks/$taskId", () => import("../console/tasks/TaskPage"));

const people = at("/console/people", () => import("../console/people/PeoplePage"));
const figures = at("/console/figures", () => import("../console/figures/FiguresPage"));
const quality = at("/console/quality", () => import("../console/quality/QualityPage"));
const inHand = at("/console/in-hand", () => import("../console/work/WorkInHandPage"));
const audits = createRoute({
  getParentRoute: () => shell,
  path: "/console/audits",
  validateSearch: (search): AuditFilters => auditFilters(search),
  component: lazyRouteComponent(reached(() => import("../console/audits/AuditsPage"))),
});
const auditTask = createRoute({
  getParentRoute: () => shell,
  path: "/console/audits/$taskId",
  validateSearch: (search): AuditFilters => auditFilters(search),
  component: lazyRouteComponent(reached(withMessages(() => import("../console/audits/AuditTaskPage")))),
});
const callbacks = at("/console/callbacks", () => import("../console/callbacks/CallbacksPage"));
const transfers = at("/console/transfers", () => import("../console/transfers/TransfersPage"));
const keys = at("/console/keys", () => import("../console/settings/KeysPage"));
const log = at(
  "/console/log",
  withMessages(() => import("../console/settings/LogPage")),
);
const health = at("/console/health", () => import("../console/settings/HealthPage"));
const settings = at("/console/settings", () => import("../console/settings/SettingsPage"));
const start = at("/console/start", () => import("../console/StartPage"));

const nowhere = createRoute({
  getParentRoute: () => shell,
  path: "/console/$",
  beforeLoad: ({ params }) => {
    if (!params._splat) throw redirect({ to: "/" });
  },
  component: NotFoundHere,
});

export const consoleRoutes = [
  projects,
  newProject,
  project,
  batches,
  tasks,
  task,
  people,
  figures,
  quality,
  inHand,
  audits,
  auditTask,
  callbacks,
  transfers,
  keys,
  log,
  health,
  settings,
  start,
  nowhere,
] as const;
