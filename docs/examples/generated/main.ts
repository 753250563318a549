// Two users and a message between them, by the generated TypeScript client.

import { ApiMessagesApi, ApiUsersApi, Configuration } from "./client/index.js";

const [basePath = "", accessToken = ""] = process.argv.slice(2);
const configuration = new Configuration({ basePath, accessToken });
const users = new ApiUsersApi(configuration);
await users.apiUsersPut({ name: "ts-ann", userBody: { nickname: "Ann" } });
await users.apiUsersPut({ name: "ts-ben", userBody: { nickname: "Ben" } });

const messages = new ApiMessagesApi(configuration);
const message = { from: "ts-ann", to: { user: "ts-ben" }, content: "hello from TypeScript" };
const { data } = await messages.apiMessagesPost({ apiMessagesPostRequest: message });
const { rows = [] } = await messages.apiMessagesGet({ users: "ts-ann,ts-ben" });
const found = rows.find((one) => one.seq === data?.seq);
console.log(`TypeScript: ${found?.content}`);
