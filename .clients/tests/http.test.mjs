// GraphQL over HTTP, by the audits of the specification's reference implementation.
import assert from "node:assert/strict";
import { serverAudits } from "graphql-http";
import { fetchAs, gateway, test, url } from "./gateway.mjs";

const audits = serverAudits({ url, fetchFn: fetchAs(gateway.token) });

test("there are 61 audits", () => assert.equal(audits.length, 61));

for (const audit of audits) {
  test(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn();
    assert.equal(result.status, "ok", result.reason);
  });
}
