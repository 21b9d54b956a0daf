// Package audience knows recipients: it reads them from the files that people have, one
// after the other, and prepares what is uploaded to the gateway.
//
// It refuses to know campaigns, streams and gateways, and it keeps no recipient: a contact
// is there until the next one is read, and what is left of a million of them are figures, a
// digest, and the set of numbers that were met. It reads no clock and no network.
//
// No error of this package holds a phone number or the value of a field. What it found in a
// file is in [Fault.Found], apart, for whoever has that file.
package audience
