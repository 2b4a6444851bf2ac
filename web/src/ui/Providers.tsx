/** What every page stands in: theme, direction, server state, dialogs, notices, and a fence against errors. */

import { DirectionProvider, MantineProvider, useDirection } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { queryClient } from "../api/queries";
import { useQuestion } from "./confirm";
import { ErrorBoundary } from "./ErrorBoundary";
import { Notices } from "./Notices";
import { usePrefs } from "./prefs";
import { cssVariables, theme } from "./theme";

function Direction({ children }: { children: ReactNode }) {
  const language = usePrefs((prefs) => prefs.language);
  const { setDirection } = useDirection();
  useEffect(() => setDirection(language === "ar" ? "rtl" : "ltr"), [language, setDirection]);
  return children;
}

const ConfirmDialog = lazy(() => import("./ConfirmDialog"));

function Questions() {
  const asked = useQuestion((state) => state.asked !== null);
  const [ever, setEver] = useState(false);
  if (asked && !ever) setEver(true);
  return ever ? (
    <Suspense>
      <ConfirmDialog />
    </Suspense>
  ) : null;
}

export function Providers({ children }: { children: ReactNode }) {
  return (
    <DirectionProvider initialDirection={usePrefs.getState().language === "ar" ? "rtl" : "ltr"}>
      <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
        <QueryClientProvider client={queryClient}>
          <Direction>
            <ErrorBoundary>{children}</ErrorBoundary>
          </Direction>
          <Questions />
          <Notices />
        </QueryClientProvider>
      </MantineProvider>
    </DirectionProvider>
  );
}
