#!/bin/sh
# After a removal. Debian says purge when the settings are to go as well: the key goes
# with them. Nothing else was written.
set -e
if [ "$1" = purge ]; then
	rm -f /etc/staffetta/gateway-key
	rmdir /etc/staffetta 2>/dev/null || true
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
