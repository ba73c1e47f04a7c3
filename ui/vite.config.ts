import { defineConfig } from "vite";

export default defineConfig({
  base: "/",
  build: {
    target: "es2022",
    sourcemap: false,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    // Nothing inlined as data: URIs: the content security policy names 'self' only.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
});
