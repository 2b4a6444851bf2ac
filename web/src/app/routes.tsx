/** The routes that pages hang on: public ones, those behind the sign-in, and those inside the shell. */

import { createRootRoute, createRoute, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import { refreshSession } from "../api/client";
import { useSession } from "../api/session";
import { LoginPage } from "./LoginPage";
import { ownPath } from "./lastPage";
import { SessionDialog } from "./SessionDialog";
import { Shell } from "./Shell";

export const root = createRootRoute({
  component: () => (
    <>
      <SessionDialog />
      <Outlet />
    </>
  ),
});

export const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  validateSearch: (search): { next?: string } => {
    const next = ownPath(search.next);
    return next === undefined ? {} : { next };
  },
  component: LoginPage,
});

export const setup = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  component: lazyRouteComponent(() => import("./SetupPage")),
});

export const invite = createRoute({
  getParentRoute: () => root,
  path: "/invite/$token",
  component: lazyRouteComponent(() => import("./LinkPage")),
});

export const reset = createRoute({
  getParentRoute: () => root,
  path: "/reset/$token",
  component: lazyRouteComponent(() => import("./LinkPage")),
});

export const session = createRoute({
  getParentRoute: () => root,
  id: "session",
  beforeLoad: async ({ location }) => {
    const info = useSession.getState().info ?? (await refreshSession());
    if (info === null) throw redirect({ to: "/login", search: { next: location.href } });
  },
  component: Outlet,
});

export const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

export const work = createRoute({
  getParentRoute: () => session,
  path: "/work",
  validateSearch: (search): { project?: string; type?: string; task_id?: string } => {
    const [project, type, task_id] = [text(search.project), text(search.type), text(search.task_id)];
    return { ...(project && { project }), ...(type && { type }), ...(task_id && { task_id }) };
  },
  component: lazyRouteComponent(() => import("./WorkPage")),
});

export const shell = createRoute({ getParentRoute: () => session, id: "shell", component: Shell });

export const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  component: lazyRouteComponent(() => import("./HomePage")),
});
