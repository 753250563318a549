// A provider of log-ins for tests: whoever gives a name is logged in by it. Its own pages ask for name and consent.
//
//   node provider.js PORT REDIRECT   with client "twim" and the secret of `SECRET`; "ready" is written when it listens

import Provider from "oidc-provider";

const [port, redirect] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [{ client_id: "twim", client_secret: process.env.SECRET, redirect_uris: redirect.split(",") }],
  pkce: { required: () => true },
  claims: { openid: ["sub"], profile: ["name", "picture"] },
  cookies: { keys: ["only for tests"] },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, name: `${sub} of the provider`, picture: "https://shop.example/picture.png" }),
  }),
});

provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
