/** What every page stands in: theme, direction, server state, dialogs, notices, and a fence against errors. */

import { DirectionProvider, MantineProvider, useDirection } from "@mantine/core";
import { ModalsProvider } from "@mantine/modals";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { queryClient } from "../api/queries";
import { ErrorBoundary } from "./ErrorBoundary";
import { usePrefs } from "./prefs";
import { cssVariables, theme } from "./theme";

function Direction({ children }: { children: ReactNode }) {
  const language = usePrefs((prefs) => prefs.language);
  const { setDirection } = useDirection();
  useEffect(() => setDirection(language === "ar" ? "rtl" : "ltr"), [language, setDirection]);
  return children;
}

export function Providers({ children }: { children: ReactNode }) {
  return (
    <DirectionProvider initialDirection={usePrefs.getState().language === "ar" ? "rtl" : "ltr"}>
      <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
        <QueryClientProvider client={queryClient}>
          <ModalsProvider>
            <Notifications position="bottom-center" />
            <Direction>
              <ErrorBoundary>{children}</ErrorBoundary>
            </Direction>
          </ModalsProvider>
        </QueryClientProvider>
      </MantineProvider>
    </DirectionProvider>
  );
}
