// Types of the document. A file that is sent is a Blob here, where the document says bytes; what has a default may be
// left out.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";

const [document, target] = process.argv.slice(2);
const BLOB = ts.factory.createTypeReferenceNode("Blob");
const made = await openapiTS(JSON.parse(await readFile(document, "utf8")), {
  defaultNonNullable: false,
  transform: (schema) => (schema.contentMediaType === "application/octet-stream" ? BLOB : undefined),
});
await writeFile(target, astToString(made));
