#!/bin/sh
# After an installation or an upgrade. A new installation is not started: it has no
# gateway yet.
set -e
if [ ! -e /etc/staffetta/gateway-key ]; then
	(umask 077 && : >/etc/staffetta/gateway-key)
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart staffetta.service
fi
