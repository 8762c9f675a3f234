import { catalogue } from "../../src/errors.ts";
import { code, type Document, NOTICE, table } from "./document.ts";

export const errors: Document = { path: "docs/errors.md", render };

function render(): string {
  const rows = Object.entries(catalogue).map(([name, { status, title, mend }]) => [
    code(name),
    String(status),
    title,
    mend,
  ]);
  return [
    "# Errors",
    NOTICE,
    "Every error is `application/problem+json` (RFC 9457). `code` is stable: programs may rely on it; `type` is " +
      "`urn:entente:error:` and the code. `detail` says what was wrong this time, and `pointer` (RFC 6901) names the " +
      "wrong member of the body; of what stands in no body, `parameter` says `in` which part it is (`path`, `query`, " +
      "`header`) and its `name`. `mend` is what to do, as in the table. The bundle endpoint's problems are the same bytes " +
      "for everybody: they have no `requestId`, and `detail` repeats the title.",
    table(["code", "status", "title", "what to do"], rows),
    "",
  ]
    .join("\n\n")
    .replace(/\n+$/, "\n");
}
