import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "@/app/style.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "@/app/App";
import { startI18n } from "@/lib/i18n";

const root = document.getElementById("root");
if (!root) throw new Error("The page has no place to draw in.");

// Parts that add styles of their own (the scroll lock of dialogs) take the page's nonce from here.
Object.assign(globalThis, { __webpack_nonce__: pagesNonce() });

await startI18n();
createRoot(root).render(
  <StrictMode>
    <App nonce={pagesNonce()} />
  </StrictMode>,
);

function pagesNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
}
