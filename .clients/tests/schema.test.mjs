// The schema as tools read it: from schema.graphql, and by introspection.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import {
  buildClientSchema, buildSchema, getIntrospectionQuery, getNamedType, isObjectType, lexicographicSortSchema, printSchema,
} from "graphql";
import { ask, test } from "./gateway.mjs";

const schema = buildSchema(await readFile(new URL("../../schema.graphql", import.meta.url), "utf8"));

test("what introspection tells code generators is schema.graphql", async () => {
  const query = getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true, oneOf: true });
  const lines = (schema) => printSchema(lexicographicSortSchema(schema)).split("\n");
  const [told, written] = [lines(buildClientSchema(await ask(query))), lines(schema)];
  // Line by line: the difference of two texts that are this long is not found in time.
  const place = told.findIndex((line, index) => line !== written[index]);
  assert.equal(told[place], written[place], "from here on schema.graphql is not the gateway's");
  assert.equal(told.length, written.length);
});

test("every field that gives a page of a list takes Relay's arguments", () => {
  let seen = 0;
  for (const type of Object.values(schema.getTypeMap()).filter(isObjectType)) {
    for (const field of Object.values(type.getFields())) {
      const given = getNamedType(field.type);
      if (!isObjectType(given) || !given.getFields().pageInfo) continue;
      seen += 1;
      const types = Object.fromEntries(field.args.map((arg) => [arg.name, String(arg.type)]));
      const { first, after, last, before } = types;
      const expected = { first: "Int", after: "String", last: "Int", before: "String" };
      assert.deepEqual({ first, after, last, before }, expected, `${type.name}.${field.name}`);
    }
  }
  assert.ok(seen > 20, `${seen} such fields`);
});
