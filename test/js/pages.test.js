import assert from "node:assert/strict";
import { test } from "node:test";

import { adminPage } from "../../asset/js/page/pages.js";

test("the log-in leads back to an administrators' page, and to nothing else", () => {
  assert.equal(adminPage("?to=/admin/people.shtml"), "/admin/people.shtml");
  const others = ["", "?to=", "?to=//evil.example/admin/x.shtml", "?to=https://evil.example", "?to=/admin/../x.shtml",
    "?to=javascript:alert(1)", "?to=/admin/people.shtml%23", "?to=/admin/people.shtml%0a", "?to=/user/logout"];
  for (const query of others) assert.equal(adminPage(query), "", query);
});
