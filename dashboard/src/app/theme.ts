// Colours, sizes and habits of all parts. The only file that names colours by their values.

import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const trunk: MantineColorsTuple = [
  "#e9f7f7", "#d3ecec", "#a5d8d9", "#72c3c5", "#4ab2b4", "#30a6a9", "#1c9499", "#0f7d83", "#0b6b74", "#075158",
];

export const theme = createTheme({
  colors: { trunk },
  primaryColor: "trunk",
  primaryShade: { light: 8, dark: 7 },
  // Text on a filled colour is black or white, whichever can be read: 4.5 to 1 at the least.
  autoContrast: true,
  luminanceThreshold: 0.179,
  defaultRadius: "md",
  cursorType: "pointer",
  fontFamily:
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans Hebrew', 'DejaVu Sans', Arial, sans-serif",
  headings: {
    fontWeight: "650",
    sizes: { h1: { fontSize: "1.5rem" }, h2: { fontSize: "1.15rem" }, h3: { fontSize: "1rem" } },
  },
  components: {
    Tooltip: { defaultProps: { withArrow: true, openDelay: 300, events: { hover: true, focus: true, touch: false } } },
    Modal: { defaultProps: { centered: true } },
    // On a phone tabs are moved sideways, as the settings' are, instead of standing in two rows.
    Tabs: { styles: { list: { flexWrap: "nowrap", overflowX: "auto", overflowY: "hidden" }, tab: { flex: "none" } } },
    Table: { defaultProps: { verticalSpacing: "xs", highlightOnHover: true } },
    Badge: { defaultProps: { variant: "light", radius: "sm" }, styles: { label: { textTransform: "none" } } },
  },
});

const NAMES = [
  "gray", "red", "pink", "grape", "violet", "indigo", "blue", "cyan", "teal", "green", "lime", "yellow", "orange", "trunk",
];

/** Mantine's quiet texts and light badges are too pale to be read; these are not (WCAG AA). */
export const variables: CSSVariablesResolver = () => {
  const light: Record<string, string> = {
    "--mantine-color-dimmed": "var(--mantine-color-gray-7)",
    "--mantine-color-placeholder": "var(--mantine-color-gray-7)",
    "--mantine-color-error": "var(--mantine-color-red-9)",
    "--mantine-color-anchor": "var(--mantine-color-trunk-8)",
    "--tl-page": "var(--mantine-color-gray-0)",
    "--tl-panel": "var(--mantine-color-white)",
    "--tl-line": "var(--mantine-color-gray-3)",
  };
  const dark: Record<string, string> = {
    "--mantine-color-dimmed": "var(--mantine-color-dark-1)",
    "--mantine-color-placeholder": "var(--mantine-color-dark-2)",
    "--mantine-color-error": "var(--mantine-color-red-4)",
    "--mantine-color-anchor": "var(--mantine-color-trunk-3)",
    "--tl-page": "var(--mantine-color-dark-8)",
    "--tl-panel": "var(--mantine-color-dark-7)",
    "--tl-line": "var(--mantine-color-dark-4)",
  };
  for (const name of NAMES) {
    light[`--mantine-color-${name}-light-color`] = `color-mix(in srgb, var(--mantine-color-${name}-9) 72%, black)`;
    dark[`--mantine-color-${name}-light-color`] = `var(--mantine-color-${name}-2)`;
    light[`--mantine-color-${name}-text`] = `color-mix(in srgb, var(--mantine-color-${name}-9) 80%, black)`;
    dark[`--mantine-color-${name}-text`] = `var(--mantine-color-${name}-3)`;
    light[`--mantine-color-${name}-outline`] = `color-mix(in srgb, var(--mantine-color-${name}-9) 80%, black)`;
    dark[`--mantine-color-${name}-outline`] = `var(--mantine-color-${name}-3)`;
  }
  return { variables: {}, light, dark };
};
