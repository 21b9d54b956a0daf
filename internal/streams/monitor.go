package streams

import (
	"maps"
	"strconv"
)

// `nats server check stream` and `nats server check consumer` take their thresholds from
// the metadata of what they look at. An operator's own are kept.
const monitorEnabled = "io.nats.monitor.enabled"

// MonitorOfStream is what such a check should know of a stream; nothing: no figure of it
// says that something is wrong.
func MonitorOfStream(name string) map[string]string {
	if name != DeadLetters {
		return nil
	}
	return map[string]string{
		monitorEnabled: "true",
		// One is for a person to look at. A hundred are a sender that went wrong.
		"io.nats.monitor.msgs-warn":     "1",
		"io.nats.monitor.msgs-critical": "100",
	}
}

// monitorOfConsumer is what it should know of a consumer of the service. After an outage
// thousands wait for the gateway's rate, and that is no fault; ten thousand are ten minutes
// of an account's calls.
func monitorOfConsumer() map[string]string {
	return map[string]string{
		monitorEnabled:                             "true",
		"io.nats.monitor.unprocessed-critical":     "10000",
		"io.nats.monitor.outstanding-ack-critical": strconv.Itoa(maxAckPending * 9 / 10),
	}
}

// monitored adds to metadata what is not there.
func monitored(meta, monitor map[string]string) map[string]string {
	if _, its := meta[monitorEnabled]; its || len(monitor) == 0 {
		return meta
	}
	both := maps.Clone(monitor)
	maps.Copy(both, meta)
	return both
}
