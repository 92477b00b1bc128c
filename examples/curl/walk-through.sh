#!/usr/bin/env bash
# An account and its session, with curl alone: bash walk-through.sh [url]
# Each step shows the request and checks the answer; the first wrong one ends it.
set -euo pipefail

api=${1:-http://127.0.0.1:8000}
username="visitor-$RANDOM$RANDOM"
password='correct horse battery'

# call <expected status> <curl's arguments…>; the answer is in $body.
call() {
  local expected=$1 status
  shift
  body=$(curl --silent --show-error --write-out '\n%{http_code}' "$@")
  status=${body##*$'\n'}
  body=${body%$'\n'*}
  if [ "$status" != "$expected" ]; then
    echo "expected $expected, got $status: $body" >&2
    exit 1
  fi
}

# The text of a member of the answer. A program would parse the JSON.
member() {
  sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" <<<"$body"
}

# expect <what has to be in the answer>
expect() {
  case $body in
    *"$1"*) ;;
    *)
      echo "expected $1 in: $body" >&2
      exit 1
      ;;
  esac
}

echo "1. Register $username"
call 200 "$api/user" --json "{\"username\":\"$username\",\"password\":\"$password\",\"birthday\":\"1815-12-10\"}"

echo '2. A second account of that name is refused, by a code'
call 400 "$api/user" --json "{\"username\":\"$username\",\"password\":\"$password\"}"
expect '"code":"user_exists"'

echo '3. Sign in: a form, as OAuth 2.0 has it'
call 200 "$api/login" --data-urlencode "username=$username" --data-urlencode "password=$password"
access=$(member access_token)
refresh=$(member refresh_token)

echo '4. Who am I?'
call 200 "$api/users/me" --header "Authorization: Bearer $access"
expect "\"username\":\"$username\""

echo '5. Exchange the refresh token for the next pair'
call 200 "$api/token" --data-urlencode 'grant_type=refresh_token' --data-urlencode "refresh_token=$refresh"
access=$(member access_token)
newest=$(member refresh_token)
[ "$newest" != "$refresh" ] || { echo 'the refresh token did not change' >&2; exit 1; }

echo '6. Where am I signed in?'
call 200 "$api/sessions" --header "Authorization: Bearer $access"
expect '"current":true'

echo '7. Sign out'
call 200 --request POST "$api/logout" --header "Authorization: Bearer $access"

echo '8. Both tokens are over'
call 401 "$api/users/me" --header "Authorization: Bearer $access"
expect '"code":"invalid_token"'
call 400 "$api/token" --data-urlencode 'grant_type=refresh_token' --data-urlencode "refresh_token=$newest"
expect '"error":"invalid_grant"'

echo 'All as expected.'
