/** The routes that pages hang on: public ones, those behind the sign-in, and those inside the shell. */

import { createRootRoute, createRoute, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { refreshSession } from "../api/client";
import { useSession } from "../api/session";
import { withMessages } from "../i18n";
import { ownPath } from "./lastPage";
import { reached } from "./reached";

const SessionDialog = lazy(() => import("./SessionDialog"));

/** The dialog is fetched when a session has ended: the server still gives what the pages are made of. */
function Root() {
  const ended = useSession((s) => s.ended);
  return (
    <>
      {ended && (
        <Suspense>
          <SessionDialog />
        </Suspense>
      )}
      <Outlet />
    </>
  );
}

export const root = createRootRoute({ component: Root });

/** Why the identity provider could not sign somebody in, as the server tells it in the address. */
const OIDC_ERRORS = ["provider", "state", "token", "denied", "not-invited"] as const;
type OidcError = (typeof OIDC_ERRORS)[number];

export const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  validateSearch: (search): { next?: string; error?: OidcError } => {
    const next = ownPath(search.next);
    const error = OIDC_ERRORS.find((code) => code === search.error);
    return { ...(next !== undefined && { next }), ...(error !== undefined && { error }) };
  },
  component: lazyRouteComponent(reached(() => import("./LoginPage"))),
});

export const setup = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  component: lazyRouteComponent(reached(() => import("./SetupPage"))),
});

export const invite = createRoute({
  getParentRoute: () => root,
  path: "/invite/$token",
  component: lazyRouteComponent(reached(() => import("./LinkPage"))),
});

export const reset = createRoute({
  getParentRoute: () => root,
  path: "/reset/$token",
  component: lazyRouteComponent(reached(() => import("./LinkPage"))),
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
  component: lazyRouteComponent(reached(withMessages(() => import("./WorkPage")))),
});

export const shell = createRoute({
  getParentRoute: () => session,
  id: "shell",
  component: lazyRouteComponent(reached(() => import("./Shell"))),
});

export const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  component: lazyRouteComponent(reached(() => import("./HomePage"))),
});
