/** Addresses and their pages. Everything behind the sign-in is fetched when it is opened. */

import { Box } from "@mantine/core";
import { createRouter } from "@tanstack/react-router";
import { Unreachable } from "../api/errors";
import { Failed } from "../ui/ErrorBoundary";
import { Problem, Waiting } from "../ui/feedback";
import { consoleRoutes } from "./consoleRoutes";
import { NotFound } from "./NotFound";
import { home, invite, login, reset, root, session, setup, shell, work } from "./routes";

export const router = createRouter({
  routeTree: root.addChildren([
    login,
    setup,
    invite,
    reset,
    session.addChildren([work, shell.addChildren([home, ...consoleRoutes])]),
  ]),
  defaultPendingComponent: Waiting,
  defaultErrorComponent: ({ error, reset }) =>
    error instanceof Unreachable ? (
      <Box p="lg" maw={1280}>
        <Problem error={error} onRetry={() => void router.invalidate()} />
      </Box>
    ) : (
      <Failed error={error} onRetry={reset} />
    ),
  defaultNotFoundComponent: NotFound,
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
