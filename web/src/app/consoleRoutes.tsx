/** Pages of the console. What a table shows is in its address, so that it can be sent to somebody else. */

import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { type TaskFilters, taskFilters } from "../console/tasks/filters";
import { shell } from "./routes";

const at = <const Path extends string>(path: Path, page: () => Promise<{ default: React.ComponentType }>) =>
  createRoute({ getParentRoute: () => shell, path, component: lazyRouteComponent(page) });

const projects = at("/console/projects", () => import("../console/projects/ProjectsPage"));
const newProject = at("/console/projects/new", () => import("../console/projects/NewProjectPage"));
const project = createRoute({
  getParentRoute: () => shell,
  path: "/console/projects/$name",
  validateSearch: (search): { tab?: string } => (typeof search.tab === "string" ? { tab: search.tab } : {}),
  component: lazyRouteComponent(() => import("../console/projects/ProjectPage")),
});
const batches = at("/console/batches", () => import("../console/batches/BatchesPage"));
const tasks = createRoute({
  getParentRoute: () => shell,
  path: "/console/tasks",
  validateSearch: (search): TaskFilters => taskFilters(search),
  component: lazyRouteComponent(() => import("../console/tasks/TasksPage")),
});
const task = at("/console/tasks/$taskId", () => import("../console/tasks/TaskPage"));

export const consoleRoutes = [projects, newProject, project, batches, tasks, task] as const;
