#!/usr/bin/env bash
# A product makes two users, logs one in, makes a group, and posts and reads in it, with curl alone.
#   docs/examples/api.sh KEY [http://127.0.0.1:8080]
set -euo pipefail
key=$1
site=${2:-http://127.0.0.1:8080}

ask() { # ask METHOD PATH [curl's arguments]: shows the question and the answer
  echo "$1 $2"
  echo "  $(curl --silent --show-error --globoff -X "$1" -H "Authorization: Bearer $key" "$site/api/v1$2" "${@:3}")"
}
json=(-H "Content-Type: application/json")

# Two users, by the ids that the product knows them by. Doing it again changes them.
ask PUT /users/customer-17 "${json[@]}" -d '{"nickname":"Ann"}'
ask PUT /users/seller-4 "${json[@]}" -d '{"nickname":"Ben"}'

# What a page or an app of the product connects with.
ask POST /users/customer-17/token

# A group, and a message from the product's own server. Sent again under the same name it is posted once.
ask PUT /groups/order-1001 "${json[@]}" -d '{"name":"Order 1001","owner":"seller-4","members":["customer-17"]}'
for _ in 1 2; do
  ask POST /messages "${json[@]}" -H "Idempotency-Key: order-1001-sent" \
    -d '{"from":"seller-4","to":{"group":"order-1001"},"content":"It is on its way"}'
done

# Two messages at once between two people; one to somebody who isn't there.
ask POST /messages "${json[@]}" -d '[
  {"from":"seller-4","to":{"user":"customer-17"},"content":"Good morning"},
  {"from":"seller-4","to":{"user":"customer-18"},"content":"Good morning"}]'

ask GET "/messages?users=seller-4,customer-17&after=0"
ask GET /users/customer-17/unread
ask DELETE "/messages/1?users=seller-4,customer-17"
