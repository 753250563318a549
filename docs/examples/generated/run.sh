#!/bin/sh
# Makes a TypeScript and a Go client of a server's /openapi.json, and sends a message by each of them:
#
#   docs/examples/generated/run.sh http://127.0.0.1:8080 twk_… [FOLDER]
#
# with an API key (twim key create NAME). It needs openapi-generator-cli (pip install openapi-generator-cli, which has
# the program and needs a Java), tsc (npm install typescript @types/node), Node.js 20 and Go 1.19. What it makes goes into
# FOLDER, else into a folder that is removed.
set -eu

url=$1
key=$2
here=$(cd "$(dirname "$0")" && pwd)
work=${3:-$(mktemp -d)}
[ -n "${3:-}" ] || trap 'rm -rf "$work"' EXIT
mkdir -p "$work/ts" "$work/go"
curl -sSf "$url/openapi.json" -o "$work/openapi.json"

generate() {
  openapi-generator-cli generate --input-spec "$work/openapi.json" --skip-validate-spec "$@" > "$work/generator.log" 2>&1 \
    || { cat "$work/generator.log"; exit 1; }
}

generate --generator-name typescript-fetch --output "$work/ts/client" --additional-properties importFileExtension=.js
cp "$here/main.ts" "$work/ts/main.ts"
echo '{"type": "module"}' > "$work/ts/package.json"
(cd "$work/ts" && tsc --target es2022 --module nodenext --strict --skipLibCheck --types "${NODE_TYPES:-node}" main.ts)
node "$work/ts/main.js" "$url" "$key"

generate --generator-name go --output "$work/go/twim" --additional-properties packageName=twim,withGoMod=false \
  --global-property apis,models,supportingFiles,apiTests=false,modelTests=false,apiDocs=false,modelDocs=false
cp "$here/main.go" "$work/go/main.go"
printf 'module example\n\ngo 1.19\n' > "$work/go/go.mod"
(cd "$work/go" && GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local go build -o main . && ./main "$url" "$key")
