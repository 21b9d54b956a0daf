// Package chart holds the Helm chart in deploy/helm to what Kubernetes takes: every object
// that it renders is decoded strictly into its Go type, and judged. It is a module of its
// own, so that Kubernetes is no part of anything else.
package chart
