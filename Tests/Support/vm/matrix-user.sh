#!/bin/bash
# Run as an ordinary user by matrix-guest.sh, in a unit of the user's own manager (or in a container in one).
#
#   matrix-user.sh CODEX-SANDBOX [crash-control|crash]
#
# MATRIX_POLICY=container: that weaker profile is asked for in place of the default policies.
set -u
sandbox=$1 out=$VMTEST_RESULTS
mkdir -p ~/ws && cd ~/ws || exit 2

case ${2-} in
crash-control) # the same crash without the sandbox
    mkdir -p ~/crash && cd ~/crash || exit 2
    bash -c 'kill -SEGV $$' 2>/dev/null
    exit 0
    ;;
crash)
    mkdir -p ~/crash && cd ~/crash || exit 2
    "$sandbox" run -- bash -c 'kill -SEGV $$' >/dev/null 2>"$out/crash.err"
    echo $? >"$out/crash.status"
    # Where that was refused: doctor has to know why.
    [ "$(cat "$out/crash.status")" != 125 ] || "$sandbox" doctor >"$out/crash.doctor" 2>&1
    exit 0
    ;;
esac

capture() { # NAME COMMAND…: output in NAME, status in NAME.status
    local name=$1
    shift
    timeout 400 "$@" >"$out/$name" 2>"$out/$name.err"
    echo $? >"$out/$name.status"
}
options=() passed=() jobs=() under=''
if [ -n "${MATRIX_POLICY-}" ]; then
    # A file that extends a weaker profile has to say so itself; a server's has to let its worker answer besides.
    says="[danger]"$'\n'"$MATRIX_POLICY = true"$'\n'
    printf 'version = 1\nextends = "codex-worker"\n%s' "$says" >~/jobs.toml
    options=(--policy "$MATRIX_POLICY") passed=(-- --policy "$MATRIX_POLICY") jobs=(--policy ~/jobs.toml)
    under="extends = \"$MATRIX_POLICY\""$'\n'"$says"
fi
id -u >"$out/id"
cat /proc/self/cgroup >"$out/cgroup"
# Under which profile a job runs, where there are any: "NAME (MODE)".
"$sandbox" run "${options[@]}" -- cat /proc/self/attr/current >"$out/apparmor" 2>/dev/null
capture doctor "$sandbox" doctor
capture doctor.json "$sandbox" doctor --json
capture run "$sandbox" run "${options[@]}" --result ~/result.json -- /bin/sh -c 'echo ran >ran; echo inside'
cp ~/result.json "$out/run.json" 2>/dev/null
[ ! -e ran ] || echo yes >"$out/ran"
capture evidence "$sandbox" evidence show --last
capture explain "$sandbox" explain "${options[@]}" -- /bin/true
# The weaker profile: runs without user namespaces, never without Landlock. In a workspace of its own, for its records.
mkdir -p ~/weaker && cd ~/weaker || exit 2
capture weaker "$sandbox" run --policy landlock-only --result ~/weaker.json -- /bin/sh -c 'echo ran >ran; echo inside'
cp ~/weaker.json "$out/weaker.json" 2>/dev/null
[ ! -e ran ] || echo yes >"$out/weaker-ran"
capture weaker-evidence "$sandbox" evidence show --last
cd ~/ws || exit 2
capture evidence-verify "$sandbox" evidence verify
capture verify "$sandbox" verify --json "${passed[@]}"
printf 'version = 1\n%s[limits]\nrequired = "kernel"\n' "$under" >~/kernel.toml
capture required "$sandbox" run --policy ~/kernel.toml --result ~/required.json -- /bin/true
cp ~/required.json "$out/required.json" 2>/dev/null

# One job of the API, by the worker that needs no model.
mkdir -p ~/server
(cd ~/server && exec "$sandbox" serve "${jobs[@]}" --listen "unix:$HOME/server/api.sock" >"$out/serve" 2>&1) &
server=$!
python3 - "$HOME/server/api.sock" >"$out/job" 2>"$out/job.err" <<'P'
import http.client, json, socket, sys, time

def ask(method, path, body=None):
    client = http.client.HTTPConnection("localhost", timeout=120)
    client.sock = socket.socket(socket.AF_UNIX)
    client.sock.settimeout(120)
    client.sock.connect(sys.argv[1])
    client.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    answer = client.getresponse()
    return answer.status, json.loads(answer.read() or b"null")

begun = time.monotonic()
while True:
    try:
        ready, why = ask("GET", "/readyz")
        break
    except OSError:
        if time.monotonic() - begun > 120:
            raise
        time.sleep(0.2)
_, policies = ask("GET", "/api/v1/policies")
status, made = ask("POST", "/api/v1/projects/", json.dumps({"instruction": "Print the first 10 Fibonacci numbers."}))
project = made
while status in (200, 201, 202) and str(project.get("status")).lower() in ("pending", "queued", "running", "new") and time.monotonic() - begun < 300:
    time.sleep(0.3)
    _, project = ask("GET", f"/api/v1/projects/{made['id']}")
print(json.dumps({"ready": ready, "why": why, "policies": policies, "created": status, "project": project}))
P
echo $? >"$out/job.status"
kill "$server" 2>/dev/null
wait "$server"
echo $? >"$out/serve.status"
capture evidence-list "$sandbox" evidence list --json
exit 0
