import js from "@eslint/js";
import globals from "globals";

const rules = {
  eqeqeq: "error",
  "no-var": "error",
  "prefer-const": "error",
  "no-implicit-globals": "error",
  "no-shadow": ["error", { builtinGlobals: false }],
  "no-unused-vars": ["error", { ignoreRestSiblings: true }],
};

export default [
  js.configs.recommended,
  { files: ["asset/js/**/*.js"], languageOptions: { globals: globals.browser }, rules },
  // The client that others embed runs wherever there is a WebSocket: it takes nothing else of a browser for granted.
  { files: ["asset/js/im/**/*.js"], languageOptions: { globals: globals["shared-node-browser"] }, rules },
  { files: ["test/js/**/*.js", "docs/examples/**/*.js"], languageOptions: { globals: globals.node }, rules },
  { files: ["asset/js/worker/*.js"], languageOptions: { globals: globals.serviceworker }, rules },
];
