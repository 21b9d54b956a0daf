#!/bin/sh
# Before a removal, and before an upgrade, which goes on with the service: Debian says
# upgrade then, and RPM 1.
set -e
case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now staffetta.service
	fi
	;;
esac
