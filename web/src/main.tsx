import "@mantine/core/styles.css";
import { MantineProvider } from "@mantine/core";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { startMessages } from "./i18n";

await startMessages("en");
const root = document.getElementById("root");
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <MantineProvider defaultColorScheme="auto">Steelyard</MantineProvider>
    </StrictMode>,
  );
