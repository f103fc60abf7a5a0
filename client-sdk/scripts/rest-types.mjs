// Writes src/generated/rest.ts from the server's own document; with `--check` it only says whether that is what it has.
// BELFRY_BIN names the server: `npm run rest-types` after `cargo build`.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const lines = (text) => (text ? text.split("\n") : []);
const comment = (text, indent = "") => {
  const [first, ...more] = lines(text);
  if (!first) return "";
  if (!more.length) return `${indent}/** ${first} */\n`;
  return `${indent}/**\n${[first, ...more].map((line) => `${indent} * ${line}`.trimEnd()).join("\n")}\n${indent} */\n`;
};
const name = (reference) => reference.split("/").pop();
const grouped = (type) => (type.includes(" | ") || type.includes(" & ") ? `(${type})` : type);

function fields(schema, indent) {
  const required = new Set(schema.required);
  return Object.entries(schema.properties).map(([field, value]) => {
    const described = comment(value.description ?? value.oneOf?.[0].description, indent);
    return `${described}${indent}${field}${required.has(field) ? "" : "?"}: ${type(value, indent)};\n`;
  });
}

function plain(kind, schema, indent) {
  switch (kind) {
    case "integer":
    case "number":
      return "number";
    case "array":
      return `${grouped(type(schema.items, indent))}[]`;
    case "object":
      if (schema.properties) return `{\n${fields(schema, `${indent}  `).join("")}${indent}}`;
      return `Record<string, ${schema.additionalProperties ? type(schema.additionalProperties, indent) : "unknown"}>`;
    case "string":
    case "boolean":
    case "null":
      return kind;
    default:
      throw new Error(`no TypeScript for ${JSON.stringify(schema)}`);
  }
}

/** A schema as TypeScript. What the document does not use is not known here. */
function type(schema, indent = "") {
  if (schema.$ref) return name(schema.$ref);
  const either = schema.oneOf ?? schema.anyOf;
  if (either) return either.map((one) => type(one, indent)).join(" | ");
  if (schema.allOf) return schema.allOf.map((one) => grouped(type(one, indent))).join(" & ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (!schema.type) return "unknown";
  return [schema.type]
    .flat()
    .map((kind) => plain(kind, schema, indent))
    .join(" | ");
}

/** The types of a document, by name. */
function restTypes(document) {
  const schemas = Object.entries(document.components.schemas).sort(([a], [b]) => (a < b ? -1 : 1));
  const types = schemas.map(([schema, value]) => {
    const described = comment(value.description);
    if (value.properties) return `${described}export interface ${schema} {\n${fields(value, "  ").join("")}}\n`;
    return `${described}export type ${schema} = ${type(value)};\n`;
  });
  return `// Made from the server's document by scripts/rest-types.mjs: change it there.\n\n${types.join("\n")}`;
}

const file = "src/generated/rest.ts";
const binary = process.env.BELFRY_BIN ?? "../target/debug/belfry";
const types = restTypes(JSON.parse(execFileSync(binary, ["openapi"], { encoding: "utf8" })));
if (!process.argv.includes("--check")) {
  writeFileSync(file, types);
} else if (readFileSync(file, "utf8") !== types) {
  console.error(`${file} is not what the server's document says: run \`npm run rest-types\``);
  process.exit(1);
}
