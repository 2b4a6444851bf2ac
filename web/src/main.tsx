import "@mantine/core/styles.css";
import "./ui/ui.css";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { router } from "./app/router";
import { startMessages } from "./i18n";
import { Providers } from "./ui/Providers";
import { usePrefs } from "./ui/prefs";

await startMessages(usePrefs.getState().language);
const root = document.getElementById("root");
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <Providers>
        <RouterProvider router={router} />
      </Providers>
    </StrictMode>,
  );
