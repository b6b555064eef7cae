import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const OUT = "../src/trunkline/web/dashboard";

/** Lay compressed twins beside each file of text, so that the server need not compress anything itself. */
function packed(): Plugin {
  return {
    name: "packed",
    apply: "build",
    closeBundle() {
      const folder = join(import.meta.dirname, OUT, "assets");
      for (const name of readdirSync(folder)) {
        const path = join(folder, name);
        if (!/\.(js|css|svg)$/.test(name) || statSync(path).size < 1024) continue;
        const content = readFileSync(path);
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        writeFileSync(
          `${path}.br`,
          brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
        );
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), packed()],
  // The server replaces the mark by a nonce of each page's own (web/dashboard_files.py).
  html: { cspNonce: "%NONCE%" },
  resolve: { alias: { "@": join(import.meta.dirname, "src") } },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    manifest: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      output: {
        // Else each part and each icon that two pages share is a file of its own: seventy before the first page.
        codeSplitting: {
          groups: [
            { name: "base", tags: ["$initial"], test: /(?<!\/src\/main)\.(m?js|tsx?)$/, priority: 2 },
            { name: "icons", test: /@tabler/, priority: 1 },
          ],
        },
      },
    },
  },
  server: {
    proxy: { "^/(api|page|docs|openapi.json|old|media|hooks|admin/rq)": { target: "http://127.0.0.1:8000", ws: true } },
  },
});
