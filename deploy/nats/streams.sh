#!/bin/sh
# Makes the streams of Staffetta by hand, for those whose service may not make streams.
# Written by: make generate. What each is for, and what you may choose: docs/deploy.md.
#
#   REPLICAS=3 NATS_CONTEXT=operator sh streams.sh
#
# A stream that is there stays as it is. INSTALLATION is the id that the streams bear, so
# that those of another backup are noticed: a word of your own, or left out. Streams that
# are added later need that of the others: nats stream info KV_campaigns shows it.
set -eu
replicas="${REPLICAS:-1}"
installation="${INSTALLATION:-$(od -An -N13 -tx1 /dev/urandom | tr -d ' \n')}"

add() {
	stream="$1"
	shift
	if nats stream info "$stream" >/dev/null 2>&1; then
		echo "$stream is there"
		return
	fi
	nats stream add "$stream" "$@" --defaults --replicas="$replicas" \
		--metadata="staffetta.installation=$installation" --metadata=staffetta.layout=2 >/dev/null
	echo "$stream is made"
}

add KV_campaigns \
	--subjects='$KV.campaigns.>' \
	--description='Staffetta: the record of every campaign, for ever' \
	--storage=file \
	--retention=limits \
	--discard=new \
	--max-msgs-per-subject=1 \
	--allow-rollup \
	--deny-delete \
	--no-deny-purge \
	--no-allow-direct

add CAMPAIGN_REQUESTS \
	--subjects='campaign.v1.request.*.*' \
	--description='Staffetta: campaigns that were asked for' \
	--storage=file \
	--retention=limits \
	--discard=old \
	--max-msg-size=262144 \
	--max-age=720h0m0s \
	--dupe-window=100ms \
	--no-allow-rollup \
	--no-deny-delete \
	--deny-purge \
	--allow-direct

add CAMPAIGN_COMMANDS \
	--subjects='campaign.v1.command.>' \
	--description='Staffetta: what people tell campaigns' \
	--storage=file \
	--retention=limits \
	--discard=old \
	--max-msg-size=262144 \
	--max-age=168h0m0s \
	--dupe-window=100ms \
	--no-allow-rollup \
	--no-deny-delete \
	--deny-purge \
	--allow-direct

add CAMPAIGN_EVENTS \
	--subjects='campaign.v1.event.>' \
	--description='Staffetta: what happened to campaigns, for everybody' \
	--storage=file \
	--retention=limits \
	--discard=old \
	--max-age=720h0m0s \
	--no-allow-rollup \
	--no-deny-delete \
	--no-deny-purge \
	--allow-direct

add CAMPAIGN_WAKEUPS \
	--subjects='campaign.v1.timer.>' \
	--subjects='campaign.v1.wakeup.>' \
	--description='Staffetta: timers of campaigns' \
	--storage=file \
	--retention=limits \
	--discard=old \
	--allow-rollup \
	--no-deny-delete \
	--no-deny-purge \
	--allow-direct \
	--allow-msg-ttl \
	--allow-schedules

add CAMPAIGN_DEAD_LETTERS \
	--subjects='campaign.v1.dead.>' \
	--description='Staffetta: messages nobody could act on, whole, with the reason' \
	--storage=file \
	--retention=limits \
	--discard=old \
	--max-age=2160h0m0s \
	--dupe-window=10m0s \
	--no-allow-rollup \
	--no-deny-delete \
	--no-deny-purge \
	--allow-direct \
	--metadata=io.nats.monitor.enabled=true \
	--metadata=io.nats.monitor.msgs-critical=100 \
	--metadata=io.nats.monitor.msgs-warn=1

add KV_schedules \
	--subjects='$KV.schedules.>' \
	--description='Staffetta: the record of every recurring campaign' \
	--storage=file \
	--retention=limits \
	--discard=new \
	--max-msgs-per-subject=1 \
	--allow-rollup \
	--deny-delete \
	--no-deny-purge \
	--no-allow-direct

add SCHEDULE_WAKEUPS \
	--subjects='campaign.v1.schedule.timer.>' \
	--subjects='campaign.v1.schedule.wakeup.>' \
	--description='Staffetta: timers of recurring campaigns' \
	--storage=file \
	--retention=limits \
	--discard=old \
	--allow-rollup \
	--no-deny-delete \
	--no-deny-purge \
	--allow-direct \
	--allow-msg-ttl \
	--allow-schedules

add KV_budgets \
	--subjects='$KV.budgets.>' \
	--description='Staffetta: what may be spent, and what is' \
	--storage=file \
	--retention=limits \
	--discard=new \
	--max-msgs-per-subject=1 \
	--allow-rollup \
	--deny-delete \
	--no-deny-purge \
	--no-allow-direct

add CAMPAIGN_AUDIENCES \
	--subjects='campaign.v1.audience.*.*.*' \
	--description='Staffetta: recipients that come with requests, in chunks' \
	--storage=file \
	--retention=limits \
	--discard=new \
	--max-msgs-per-subject=1 \
	--max-msg-size=266240 \
	--max-age=720h0m0s \
	--dupe-window=100ms \
	--discard-per-subject \
	--no-allow-rollup \
	--no-deny-delete \
	--deny-purge \
	--no-allow-direct

add KV_people \
	--subjects='$KV.people.>' \
	--description='Staffetta: the secret of the hashes of people, and which campaigns hold whom' \
	--storage=file \
	--retention=limits \
	--discard=new \
	--max-msgs-per-subject=1 \
	--max-msg-size=524288 \
	--no-allow-rollup \
	--deny-delete \
	--no-deny-purge \
	--no-allow-direct \
	--allow-msg-ttl

add KV_rate \
	--subjects='$KV.rate.*' \
	--description='Staffetta: the calls to the gateway that are not made yet, shared by all services' \
	--storage=file \
	--retention=limits \
	--discard=old \
	--max-msgs-per-subject=1 \
	--max-msg-size=262144 \
	--no-allow-rollup \
	--deny-delete \
	--no-deny-purge \
	--no-allow-direct \
	--first-sequence="$(date +%s)000000"
