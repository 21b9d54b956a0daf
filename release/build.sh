#!/usr/bin/env bash
# Builds everything of a release into one folder: make release calls it. The same commit
# gives the same files, byte by byte, on every machine with the same Go.
#
#   release/build.sh FOLDER
#
# MINISIGN_KEY names the secret key that signs; without it nothing is signed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out="$1"
mkdir -p "$out"
out="$(cd "$out" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
bin="$PWD/.tmp/bin"

version="${VERSION:-$(git describe --tags --match 'v*' --always --dirty)}"
commit="$(git rev-parse HEAD)"
# Everything is as old as the commit.
SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)"
created="$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)"
export SOURCE_DATE_EPOCH CGO_ENABLED=0
module=github.com/staffetta-io/staffetta
# What dpkg and rpm take for a version begins with a digit.
case "$version" in v[0-9]*) number="${version#v}" ;; *) number="0.0.0~$version" ;; esac
say() { echo "== $*"; }

say "licences"
go run ./release licenses >"$out/LICENSES.txt"
go run ./release notes "$version" >"$out/CHANGES.md"

for arch in ${ARCHS:-amd64 arm64}; do
	say "linux/$arch"
	files="$work/$arch/staffetta-$version-linux-$arch"
	mkdir -p "$files/completions" "$files/man"
	# What Go would write of the commit by itself differs between a clone and a worktree.
	GOOS=linux GOARCH="$arch" go build -trimpath -buildvcs=false -tags production \
		-ldflags "-s -w -buildid= -X $module/internal/cli.stamped=$version -X $module/internal/cli.stampedAt=$created -X $module/internal/ops.stamped=$commit" \
		-o "$files/staffetta" ./cmd/staffetta
	# Pages and completions are the same for every machine; only one of them can run here.
	run="$work/run"
	if [ ! -x "$run" ]; then
		go build -trimpath -buildvcs=false -tags production -ldflags "-X $module/internal/cli.stamped=$version -X $module/internal/cli.stampedAt=$created" -o "$run" ./cmd/staffetta
		"$run" man "$work/man" >/dev/null
		gzip -9n "$work"/man/*
		"$run" completion bash >"$work/staffetta.bash"
		"$run" completion zsh >"$work/_staffetta"
		"$run" completion fish >"$work/staffetta.fish"
	fi
	cp "$work"/man/* "$files/man/"
	cp "$work/staffetta.bash" "$work/_staffetta" "$work/staffetta.fish" "$files/completions/"
	cp LICENSE "$out/LICENSES.txt" "$out/CHANGES.md" "$files/"
	cp -r deploy/systemd "$files/systemd"
	tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=go-w -C "$work/$arch" -cf - "staffetta-$version-linux-$arch" | gzip -9n >"$out/staffetta-$version-linux-$arch.tar.gz"

	sed -e "s|@ARCH@|$arch|g" -e "s|@VERSION@|$number|g" -e "s|@FILES@|$files|g" -e "s|@CREATED@|$created|g" deploy/nfpm.yaml >"$work/nfpm-$arch.yaml"
	for packager in deb rpm; do
		"$bin/nfpm" package --config "$work/nfpm-$arch.yaml" --packager "$packager" --target "$out/" >/dev/null
	done

	"$bin/image" -dockerfile deploy/Dockerfile -binary "$files/staffetta" -name "staffetta:$version" -arch "$arch" -created "$created" \
		-label org.opencontainers.image.title=staffetta -label org.opencontainers.image.version="$version" \
		-label org.opencontainers.image.revision="$commit" -label org.opencontainers.image.created="$created" \
		-label org.opencontainers.image.source="https://$module" -label org.opencontainers.image.licenses=Apache-2.0 \
		-label org.opencontainers.image.description="Bulk SMS campaigns as events" \
		-o "$out/staffetta-$version-image-$arch.tar" >"$out/staffetta-$version-image-$arch.digest"
done

say "what it is built from"
# Of the binary itself: what is in it, and nothing that only tests use.
"$bin/cyclonedx-gomod" bin -json -licenses -noserial -version "$version" -output "$work/sbom.json" "$files/staffetta" 2>"$work/sbom.log" || { cat "$work/sbom.log"; exit 1; }
# When it was written is no part of what it says.
sed -i -E "s|\"timestamp\": \"[^\"]*\"|\"timestamp\": \"$created\"|" "$work/sbom.json"
cp "$work/sbom.json" "$out/staffetta-$version.cdx.json"

say "checksums"
cd "$out"
find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS
if [ -n "${MINISIGN_KEY:-}" ]; then
	minisign -S -s "$MINISIGN_KEY" -t "staffetta $version" -m SHA256SUMS </dev/null >/dev/null
	say "signed: SHA256SUMS.minisig"
else
	say "not signed: MINISIGN_KEY names no key"
fi
