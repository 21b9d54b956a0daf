package chart_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

const (
	root  = "../.."
	chart = root + "/deploy/helm"
)

// helm runs the pinned helm, which make test/chart has built.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	program, err := filepath.Abs(root + "/.tmp/bin/helm")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+t.TempDir(), "HELM_CONFIG_HOME="+t.TempDir(), "HELM_DATA_HOME="+t.TempDir())
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return said.String(), err
	}
	return string(out), nil
}

// render are the objects of the chart with the values of a file in ci, and with others.
func render(t *testing.T, values string, more ...string) objects {
	t.Helper()
	out, err := helm(t, append([]string{"template", "release", chart, "--namespace", "sms", "--kube-version", "1.34.0", "--values", filepath.Join(chart, "ci", values)}, more...)...)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var all objects
	for doc := range strings.SplitSeq("\n"+out, "\n---\n") {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		all = append(all, decode(t, doc))
	}
	return all
}

type objects []any

// decode reads an object into its type. A field that the type has not is an error, and so
// is a kind that nobody expects.
func decode(t *testing.T, doc string) any {
	t.Helper()
	var is struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal([]byte(doc), &is); err != nil {
		t.Fatalf("%v:\n%s", err, doc)
	}
	into := map[string]any{
		"v1/ConfigMap": new(core.ConfigMap), "v1/Service": new(core.Service), "v1/ServiceAccount": new(core.ServiceAccount), "v1/Pod": new(core.Pod),
		"apps/v1/Deployment": new(apps.Deployment), "policy/v1/PodDisruptionBudget": new(policy.PodDisruptionBudget),
		"networking.k8s.io/v1/NetworkPolicy":      new(networking.NetworkPolicy),
		"monitoring.coreos.com/v1/ServiceMonitor": new(monitoring.ServiceMonitor), "monitoring.coreos.com/v1/PrometheusRule": new(monitoring.PrometheusRule),
		"keda.sh/v1alpha1/ScaledObject": new(keda.ScaledObject),
	}[is.APIVersion+"/"+is.Kind]
	if into == nil {
		t.Fatalf("nobody expects a %s/%s", is.APIVersion, is.Kind)
	}
	if err := yaml.UnmarshalStrict([]byte(doc), into); err != nil {
		t.Errorf("%s: %v\n%s", is.Kind, err, doc)
	}
	return into
}

// one is the object of a type.
func one[T any](t *testing.T, all objects) *T {
	t.Helper()
	for _, o := range all {
		if is, ok := o.(*T); ok {
			return is
		}
	}
	t.Fatalf("there is no %T", *new(T))
	return nil
}

func has[T any](all objects) bool {
	return slices.ContainsFunc(all, func(o any) bool { _, is := o.(*T); return is })
}

func TestLint(t *testing.T) {
	t.Parallel()
	for _, values := range []string{"least-values.yaml", "most-values.yaml"} {
		if said, err := helm(t, "lint", "--strict", "--kube-version", "1.34.0", "--values", filepath.Join(chart, "ci", values), chart); err != nil {
			t.Errorf("%s: %v: %s", values, err, said)
		}
	}
}

// What the least values give runs without any operator in the cluster.
func TestLeast(t *testing.T) {
	t.Parallel()
	all := render(t, "least-values.yaml")
	if has[monitoring.ServiceMonitor](all) || has[monitoring.PrometheusRule](all) || has[keda.ScaledObject](all) {
		t.Error("it needs an operator that nobody asked for")
	}
	if n := *one[apps.Deployment](t, all).Spec.Replicas; n != 2 {
		t.Errorf("%d replicas", n)
	}
}

func TestEveryPodMayDoNothingButRun(t *testing.T) {
	t.Parallel()
	for _, values := range []string{"least-values.yaml", "most-values.yaml"} {
		all := render(t, values)
		for what, pod := range map[string]core.PodSpec{"the service": one[apps.Deployment](t, all).Spec.Template.Spec, "the test": one[core.Pod](t, all).Spec} {
			if s := pod.SecurityContext; s == nil || !*s.RunAsNonRoot || *s.RunAsUser == 0 || s.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
				t.Errorf("%s, %s: the pod may %+v", values, what, s)
			}
			if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken || pod.HostNetwork || pod.HostPID {
				t.Errorf("%s, %s: it reaches more than it needs", values, what)
			}
			for _, c := range pod.Containers {
				s := c.SecurityContext
				if *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !*s.RunAsNonRoot || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) || len(s.Capabilities.Add) > 0 {
					t.Errorf("%s, %s: %s may %+v", values, what, c.Name, s)
				}
				if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
					t.Errorf("%s, %s: %s is not bounded", values, what, c.Name)
				}
				for _, env := range c.Env {
					if env.Value != "" && strings.Contains(strings.ToLower(env.Name), "key") {
						t.Errorf("%s, %s: %s is a secret in the open", values, what, env.Name)
					}
				}
				for _, m := range c.VolumeMounts {
					if !m.ReadOnly || !slices.ContainsFunc(pod.Volumes, func(v core.Volume) bool { return v.Name == m.Name }) {
						t.Errorf("%s, %s: mount %s", values, what, m.Name)
					}
				}
			}
		}
	}
}

// A new version goes out one replica after the other, and is given the time to end.
func TestRollout(t *testing.T) {
	t.Parallel()
	all := render(t, "most-values.yaml", "--set", "keda.enabled=false")
	d := one[apps.Deployment](t, all)
	if u := d.Spec.Strategy.RollingUpdate; u.MaxUnavailable.IntValue() != 0 || u.MaxSurge.IntValue() != 1 {
		t.Errorf("rolled out by %+v", u)
	}
	pod := d.Spec.Template.Spec
	if *pod.TerminationGracePeriodSeconds < 30 || len(pod.TopologySpreadConstraints) != 2 {
		t.Errorf("it gets %d s, and is spread by %v", *pod.TerminationGracePeriodSeconds, pod.TopologySpreadConstraints)
	}
	c := pod.Containers[0]
	for what, p := range map[string]*core.Probe{"/livez": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
		if p == nil || p.HTTPGet.Path != what || p.HTTPGet.Port.StrVal != "http" {
			t.Errorf("%s is not asked: %+v", what, p)
		}
	}
	budget := one[policy.PodDisruptionBudget](t, all)
	for key, value := range budget.Spec.Selector.MatchLabels {
		if d.Spec.Template.Labels[key] != value || d.Spec.Selector.MatchLabels[key] != value {
			t.Errorf("the budget is of %s=%s, and the pods are not", key, value)
		}
	}
	if p := one[networking.NetworkPolicy](t, all); len(p.Spec.PolicyTypes) != 2 || len(p.Spec.Egress) != 3 || len(p.Spec.Ingress) != 1 {
		t.Errorf("the network is open: %+v", p.Spec)
	}
	other := render(t, "most-values.yaml", "--set", "settings.approval.above=*=400 EUR")
	if a, b := d.Spec.Template.Annotations["staffetta.io/settings"], one[apps.Deployment](t, other).Spec.Template.Annotations["staffetta.io/settings"]; a == b {
		t.Error("other settings are no other pods")
	}
}

// The service takes what the chart writes for it.
func TestTheSettingsAreInOrder(t *testing.T) {
	t.Parallel()
	for _, values := range []string{"least-values.yaml", "most-values.yaml"} {
		data := one[core.ConfigMap](t, render(t, values, "--show-only", "templates/configmap.yaml")).Data
		folder := t.TempDir()
		for name, content := range data {
			content = strings.NewReplacer("/etc/staffetta", folder, "/run/secrets", folder+"/secrets").Replace(content)
			if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, secret := range []string{"gateway/gateway-key", "nats/nats.creds", "nats-ca/ca.crt", "accounts/bianchi/gateway-key", "accounts/Acqua_Luce/gateway-key"} {
			file := filepath.Join(folder, "secrets", secret)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		said, err := exec.Command(root+"/bin/staffetta", "serve", "--check", "--config", filepath.Join(folder, "staffetta.yaml")).CombinedOutput()
		if err != nil || !strings.Contains(string(said), "the settings are in order") {
			t.Errorf("%s: %v\n%s\n%s", values, err, said, data["accounts.yaml"])
		}
	}
}

// Everything that is watched is what deploy has.
func TestMonitoring(t *testing.T) {
	t.Parallel()
	all := render(t, "most-values.yaml")
	rules, err := os.ReadFile(root + "/deploy/prometheus/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range one[monitoring.PrometheusRule](t, all).Spec.Groups {
		n += len(g.Rules)
	}
	if want := strings.Count(string(rules), "- alert:"); n != want || n == 0 {
		t.Errorf("%d alarms, want %d", n, want)
	}
	if e := one[monitoring.ServiceMonitor](t, all).Spec.Endpoints; len(e) != 1 || e[0].Path != "/metrics" || e[0].Port != one[core.Service](t, all).Spec.Ports[0].Name {
		t.Errorf("%+v is scraped", e)
	}
	if s := one[keda.ScaledObject](t, all).Spec; *s.MinReplicaCount != 3 || s.Fallback == nil || s.ScaleTargetRef.Name != one[apps.Deployment](t, all).Name {
		t.Errorf("scaled by %+v", s)
	}
	if one[apps.Deployment](t, all).Spec.Replicas != nil {
		t.Error("the chart and KEDA both say how many replicas there are")
	}
}

// What cannot work is refused with the field, before anything is changed.
func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ set, says string }{
		"NoKey":            {"gateway.existingSecret=", "existingSecret"},
		"AKeyInTheOpen":    {"gateway.key=secret", "key"},
		"TooLittleTime":    {"terminationGracePeriodSeconds=10", "terminationGracePeriodSeconds"},
		"AMisspeltValue":   {"replica=3", "replica"},
		"TheURLTwice":      {"settings.gateway.url=https://other.example", "url"},
		"TwoOfAStream":     {"nats.streamReplicas=2", "streamReplicas"},
		"NoReplica":        {"replicas=0", "replicas"},
		"ADigestThatIsNot": {"image.digest=latest", "digest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said, err := helm(t, "template", "release", chart, "--kube-version", "1.34.0", "--values", filepath.Join(chart, "ci", "least-values.yaml"), "--set", test.set)
			if err == nil || !strings.Contains(said, test.says) {
				t.Errorf("%v: %s", err, said)
			}
		})
	}
}
