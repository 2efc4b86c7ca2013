// From src/ and static/ to dist/: one script, two style sheets, one page. Nothing is loaded from anywhere else later.
// The design tokens and the icon are the privacy panel's own files, copied and never forked.
import { copyFile, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const panel = join(here, "..", "..", "agent", "panel", "static");
const common = { absWorkingDir: here, bundle: true, format: "esm", target: "es2022", logLevel: "warning" };

if (process.argv.includes("--tests")) {
  await build({ ...common, entryPoints: ["tests/all.ts"], outfile: "build/tests.js", platform: "node" });
} else {
  const dist = join(here, "dist");
  await rm(dist, { recursive: true, force: true });
  await mkdir(dist, { recursive: true });
  await build({
    ...common,
    entryPoints: { app: "src/main.ts", dashboard: "static/dashboard.css" },
    outdir: "dist",
    minify: true,
    legalComments: "eof",
  });
  for (const [from, name] of [
    [join(here, "static"), "index.html"],
    [panel, "tokens.css"],
    [panel, "icon.svg"],
  ]) {
    await copyFile(join(from, name), join(dist, name));
  }
}
