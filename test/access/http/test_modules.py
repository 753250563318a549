"""Modules joined into one script: the same program, run by Node.js where it is there."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from unittest import SkipTest

from twisted.trial.unittest import TestCase

from twim.access.http.modules import CannotJoin, join_modules

JS = Path(__file__).resolve().parents[3] / "asset" / "js"

PROGRAM = {
    "m/main.js": """
import { said, say as tell } from "./deep/say.js";
import * as all from "./all.js";
import "./effect.js";
import {
  one,
  Two,
} from "./all.js";
tell(`main ${one} ${new Two().n} ${all.renamed} ${all.later()}`);
console.log(JSON.stringify(said));
""",
    "m/deep/say.js": "export const said = [];\nexport function say(what) { said.push(what); }\nsay('say');\n",
    "m/all.js": """
import { say } from "./deep/say.js";
export const one = 1;
export class Two { n = 2; }
const hidden = 3;
export { hidden as renamed };
export { said as passed } from "./deep/say.js";
export async function wait() {}
export function later() { return typeof wait; }
say("all");
""",
    "m/effect.js": 'import { say } from "./deep/say.js";\nconst one = "mine";\nsay(`effect ${one}`);\n',
}


class JoinTests(TestCase):
    """`join_modules`."""

    def test_same_program(self) -> None:
        """Joined, the modules run once each, in the order of their imports, with names of their own."""
        script = join_modules("m/main.js", PROGRAM.__getitem__)
        self.assertNotIn("import", script)
        node = shutil.which("node")
        if node is None:
            raise SkipTest("no node")
        ran = subprocess.run([node, "--input-type=module"], input=script, capture_output=True, text=True, check=False)
        self.assertEqual(ran.stderr, "")
        self.assertEqual(json.loads(ran.stdout), ["say", "all", "effect mine", "main 1 2 3 function"])

    def test_our_scripts_can_be_joined(self) -> None:
        """Every script of a page, and the client that others embed."""
        for path in [*(JS / "page").glob("*.js"), JS / "im" / "index.js"]:
            name = path.relative_to(JS).as_posix()
            self.assertTrue(join_modules(name, lambda one: (JS / one).read_text("utf-8")))

    def test_circles(self) -> None:
        """Modules that import each other can't be joined, and are named."""
        circle = {"a.js": 'import "./b.js";\n', "b.js": 'import "./a.js";\n'}
        error = self.assertRaises(CannotJoin, join_modules, "a.js", circle.__getitem__)
        self.assertEqual(str(error), "a.js and b.js import each other")

    def test_other_ways_of_writing(self) -> None:
        """What would come out as another program is refused."""
        for text in (
            "export default 1;",
            'export * from "./a.js";',
            "export let a = 1;",
            'import a from "./a.js";',
            'import { a } from "twim";',
            "await 1;",
            "const a = await 1;",
        ):
            self.assertRaises(CannotJoin, join_modules, "m.js", {"m.js": text, "a.js": ""}.__getitem__)
