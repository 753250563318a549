#!/usr/bin/env bash
# Two people register, become friends, make a group and upload a picture, with curl alone.
#   docs/examples/curl.sh [http://127.0.0.1:8080]
set -euo pipefail
site=${1:-http://127.0.0.1:8080}
picture=$(dirname "$0")/hello.png

ask() { # ask PATH [curl's arguments]: shows the question and the answer
  echo "$1"
  answer=$(curl --silent --show-error "$site$1" "${@:2}")
  echo "  $answer"
}
field() { # field NAME: that field of the last answer
  sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" <<<"$answer"
}

# Two new users. The last digits differ from run to run, since a mobile can be registered once.
digits=$(date +%s%N | tail -c 13)
ask /user/register -d mobile=186$digits -d passwd=123456 -d nickname=Ann
ann=$(field id)
ask /user/register -d mobile=187$digits -d passwd=123456 -d nickname=Ben
ben=$(field id)
ask /user/register -d mobile=187$digits -d passwd=123456

# The token says who asks. A client that sends userid too, as clients of the original Go server do, must send its own.
ask /user/login -d mobile=186$digits -d passwd=wrong-one
ask /user/login -d mobile=186$digits -d passwd=123456
token=$(field token)
me=(-H "Authorization: Bearer $token")
ask "/user/find?id=$ben" "${me[@]}"

# Friends.
ask /contact/addfriend "${me[@]}" -d userid=$ann -d dstid=$ben
ask /contact/addfriend "${me[@]}" -d userid=$ann -d dstid=$ben
ask /contact/loadfriend "${me[@]}" -d userid=$ann

# Groups.
ask /contact/createcommunity "${me[@]}" -d ownerid=$ann -d name=Chess -d memo='every Monday'
group=$(field id)
ask /user/login -d mobile=187$digits -d passwd=123456
ask /contact/joincommunity -d token="$(field token)" -d dstid=$group
ask /contact/loadcommunity "${me[@]}"

# A picture. What it is, is seen from its bytes; the name is the server's.
ask /attach/upload "${me[@]}" -F file=@"$picture" -F filetype=.png
url=$(field data)
curl --silent --show-error --fail --output /dev/null --write-out '%{content_type}, %{size_download} bytes\n' "$site$url"

# What was said. The group's first message is the server's own: who made it.
ask /message/conversations "${me[@]}" -d ''
ask "/message/history?scope=11&dstid=$group&limit=10" "${me[@]}"

# The chat itself is a WebSocket, which any client of one can speak:
#   {"id":1,"userid":2,"dstid":3,"cmd":10,"media":1,"content":"hello"}
echo "/chat?id=$ann&token=…"
upgrade=(-H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13')
key='Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
# curl only knocks: it is let in, and goes after a second.
{ curl --silent --include --no-buffer --max-time 1 "$site/chat?id=$ann&token=$token" "${upgrade[@]}" -H "$key" || true; } |
  head -1
