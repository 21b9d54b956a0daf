#!/usr/bin/env bash
# What make release writes is what people get: two clones of the last commit give the same
# bytes, the signature holds, the packages install, run, upgrade and go. make test/release
# calls it. It needs root, for a Debian root of its own, and Debian's packages mmdebstrap,
# minisign and rpm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for tool in mmdebstrap minisign rpm curl; do
	command -v "$tool" >/dev/null || { echo "== $tool is not here: apt-get install mmdebstrap minisign rpm curl"; exit 1; }
done
here="$PWD"
work="$(mktemp -d)"
pids=()
end() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	rm -rf "$work"
}
trap end EXIT
fail() { echo "FAIL: $*"; exit 1; }
say() { echo "== $*"; }

minisign -G -W -p "$work/release.pub" -s "$work/release.key" >/dev/null
# release FOLDER VERSION: of the last commit, from a clone of its own.
release() {
	git clone -q "$here" "$work/clone-$1"
	mkdir -p "$work/clone-$1/.tmp" && ln -s "$here/.tmp/bin" "$work/clone-$1/.tmp/bin"
	VERSION="$2" ARCHS=amd64 MINISIGN_KEY="$work/release.key" "$work/clone-$1/release/build.sh" "$work/$1" >"$work/$1.log" 2>&1 || { cat "$work/$1.log"; fail "release $1"; }
	rm -rf "$work/clone-$1"
}
say "build v0.0.1 in two clones, and v0.0.2"
release one v0.0.1
release two v0.0.1
release next v0.0.2
diff "$work/one/SHA256SUMS" "$work/two/SHA256SUMS" || fail "two builds of one commit differ"

say "verify"
(cd "$work/one" && minisign -Vqm SHA256SUMS -p "$work/release.pub" && sha256sum --quiet -c SHA256SUMS) || fail "what was signed does not verify"
echo x >>"$work/two/SHA256SUMS"
(cd "$work/two" && minisign -Vqm SHA256SUMS -p "$work/release.pub" 2>/dev/null) && fail "what was changed verifies"

say "install in a Debian root"
root="$work/root"
mmdebstrap --quiet --variant=essential --mode=root bookworm "$root"
dpkg_in() { cp "$work"/one/*.deb "$work"/next/*.deb "$root/tmp/"; chroot "$root" dpkg "$@" >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; fail "dpkg $*"; }; }
dpkg_in -i /tmp/staffetta_0.0.1_amd64.deb
[ "$(chroot "$root" staffetta version | cut -d' ' -f2)" = v0.0.1 ] || fail "the installed version is $(chroot "$root" staffetta version)"
[ "$(stat -c '%a %U' "$root/etc/staffetta/gateway-key")" = "600 root" ] || fail "the key is not root's alone"
for file in usr/lib/systemd/system/staffetta.service usr/share/man/man1/staffetta-serve.1.gz usr/share/bash-completion/completions/staffetta usr/share/doc/staffetta/copyright; do
	[ -e "$root/$file" ] || fail "no $file in the package"
done
chroot "$root" staffetta dev 2>/dev/null && fail "the package has a sandbox"

say "run what the unit says"
port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
nats=$(port) gateway=$(port) http=$(port)
"$here/.tmp/bin/nats-server" -a 127.0.0.1 -p "$nats" -js -sd "$work/nats" >/dev/null 2>&1 & pids+=($!)
"$here/bin/staffetta" sandbox --listen "127.0.0.1:$gateway" --key secret >/dev/null 2>&1 & pids+=($!)
printf 'nats: {url: "nats://127.0.0.1:%s"}\ngateway: {url: "http://127.0.0.1:%s/api/partner-gateway/v1"}\nhttp: {listen: "127.0.0.1:%s"}\n' "$nats" "$gateway" "$http" >"$root/etc/staffetta/staffetta.yaml"
echo secret >"$root/etc/staffetta/gateway-key"
mkdir -p "$root/run/credentials" && cp "$root/etc/staffetta/gateway-key" "$root/run/credentials/"
start="$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/staffetta.service" | sed 's|%d|/run/credentials|')"
up() { curl -sf --retry 60 --retry-delay 1 --retry-all-errors "http://127.0.0.1:$1" >/dev/null; }
up "$gateway/sandbox/seen" || fail "the sandbox does not answer"
# shellcheck disable=SC2086 # it is a command line
chroot "$root" $start >"$work/service.log" 2>&1 & service=$!; pids+=("$service")
up "$http/readyz" || { cat "$work/service.log"; fail "it is not ready"; }
curl -s "http://127.0.0.1:$http/metrics" | grep -q 'staffetta_build_info{.*version="v0.0.1"' || fail "the metric does not know the version"
kill "$service"; wait "$service" || fail "it did not end well: $(cat "$work/service.log")"

say "upgrade, remove, purge"
dpkg_in --force-confold -i /tmp/staffetta_0.0.2_amd64.deb
[ "$(chroot "$root" staffetta version | cut -d' ' -f2)" = v0.0.2 ] || fail "it was not upgraded"
grep -q "$gateway" "$root/etc/staffetta/staffetta.yaml" || fail "an upgrade took the settings away"
grep -q secret "$root/etc/staffetta/gateway-key" || fail "an upgrade took the key away"
dpkg_in -r staffetta
grep -q secret "$root/etc/staffetta/gateway-key" || fail "a removal took the key away"
dpkg_in -P staffetta
[ ! -e "$root/etc/staffetta" ] || fail "a purge leaves $(ls "$root/etc/staffetta")"
[ -z "$(find "$root/usr" -iname '*staffetta*')" ] || fail "a purge leaves $(find "$root/usr" -iname '*staffetta*')"

say "look into the RPM"
rpm="$(ls "$work"/one/*.rpm)"
rpm -qlp "$rpm" 2>/dev/null | sort >"$work/rpm.files"
dpkg-deb -c "$work/one/staffetta_0.0.1_amd64.deb" | awk '$1 !~ /^d/ {sub(/^\./, "", $6); print $6}' | sort >"$work/deb.files"
diff "$work/deb.files" "$work/rpm.files" || fail "the two packages hold other files"
scripts="$(rpm -qp --scripts "$rpm" 2>/dev/null)"
for what in 'postinstall scriptlet' 'preuninstall scriptlet' 'postuninstall scriptlet' daemon-reload; do
	grep -q "$what" <<<"$scripts" || fail "the RPM has no $what"
done
[ "$(rpm -qp --qf '%{VERSION} %{LICENSE}' "$rpm" 2>/dev/null)" = "0.0.1 Apache-2.0" ] || fail "the RPM says $(rpm -qpi "$rpm")"

say "the unit"
mkdir -p "$work/unit" && sed 's|^ExecStart=/usr/bin/staffetta|ExecStart=/bin/true|' deploy/systemd/staffetta.service >"$work/unit/staffetta.service"
systemd-analyze verify --man=no "$work/unit/staffetta.service" || fail "systemd does not take the unit"
systemd-analyze security --offline=true --threshold=15 deploy/systemd/staffetta.service >"$work/security" || { tail -1 "$work/security"; fail "the unit is not shut tightly enough"; }

if docker info >/dev/null 2>&1; then
	say "the image"
	docker load -q -i "$work/one/staffetta-v0.0.1-image-amd64.tar" >/dev/null
	said="$(docker run --rm --read-only --cap-drop ALL staffetta:v0.0.1 version)"
	label="$(docker inspect -f '{{index .Config.Labels "org.opencontainers.image.revision"}} {{.Config.User}}' staffetta:v0.0.1)"
	docker rmi -f staffetta:v0.0.1 >/dev/null
	[ "$(cut -d' ' -f2 <<<"$said")" = v0.0.1 ] || fail "the image says $said"
	[ "$label" = "$(git rev-parse HEAD) 65532" ] || fail "the image is of $label"
fi
grep -c '"bom-ref"' "$work/one/staffetta-v0.0.1.cdx.json" | xargs echo "== in order; components in the SBOM:"
