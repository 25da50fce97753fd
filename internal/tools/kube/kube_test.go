package kube

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const deploy = "../../../deploy/"

// kinds are the types that the manifests may use.
func kinds() map[string]func() any {
	return map[string]func() any{
		"v1/ServiceAccount":                      func() any { return new(corev1.ServiceAccount) },
		"v1/ConfigMap":                           func() any { return new(corev1.ConfigMap) },
		"v1/Secret":                              func() any { return new(corev1.Secret) },
		"v1/Service":                             func() any { return new(corev1.Service) },
		"apps/v1/Deployment":                     func() any { return new(appsv1.Deployment) },
		"batch/v1/Job":                           func() any { return new(batchv1.Job) },
		"policy/v1/PodDisruptionBudget":          func() any { return new(policyv1.PodDisruptionBudget) },
		"autoscaling/v2/HorizontalPodAutoscaler": func() any { return new(autoscalingv2.HorizontalPodAutoscaler) },
		"networking.k8s.io/v1/NetworkPolicy":     func() any { return new(networkingv1.NetworkPolicy) },
		"networking.k8s.io/v1/Ingress":           func() any { return new(networkingv1.Ingress) },
	}
}

// built is what kustomize makes of a folder, decoded.
type built struct{ objects map[string]any } // by kind/name

func build(folder string) (built, error) {
	out := built{map[string]any{}}
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), deploy+"kubernetes/"+folder)
	if err != nil {
		return out, err
	}
	for _, r := range made.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			return out, err
		}
		object, err := decode(r.GetApiVersion()+"/"+r.GetKind(), text)
		if err != nil {
			return out, fmt.Errorf("%s %s: %w", r.GetKind(), r.GetName(), err)
		}
		out.objects[r.GetKind()+"/"+r.GetName()] = object
	}
	return out, nil
}

// decode refuses kinds that are not listed, unknown fields and fields given twice.
func decode(kind string, text []byte) (any, error) {
	make, ok := kinds()[kind]
	if !ok {
		return nil, fmt.Errorf("%s is not among the kinds", kind)
	}
	object := make()
	return object, yaml.UnmarshalStrict(text, object)
}

func TestDecodeIsStrict(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"unknown": "apiVersion: apps/v1\nkind: Deployment\nspec: {replica: 1}\n",
		"twice":   "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: 1, replicas: 2}\n",
		"type":    "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: many}\n",
	} {
		if _, err := decode("apps/v1/Deployment", []byte(text)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := decode("apps/v1/DaemonSet", nil); err == nil {
		t.Error("a kind that is not listed is accepted")
	}
}

// pod finds what a pod of ours lacks.
func pod(spec *corev1.PodSpec) []string {
	var lacks []string
	lack := func(ok bool, what string) {
		if !ok {
			lacks = append(lacks, what)
		}
	}
	sc := spec.SecurityContext
	lack(sc != nil && sc.RunAsNonRoot != nil && *sc.RunAsNonRoot && sc.RunAsUser != nil && *sc.RunAsUser == 65532, "runAsNonRoot as 65532, the image's user")
	lack(sc != nil && sc.SeccompProfile != nil && sc.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault, "seccomp profile")
	lack(spec.AutomountServiceAccountToken != nil && !*spec.AutomountServiceAccountToken, "no token of the cluster")
	for _, c := range spec.Containers {
		cs := c.SecurityContext
		lack(cs != nil && cs.ReadOnlyRootFilesystem != nil && *cs.ReadOnlyRootFilesystem, "read-only root")
		lack(cs != nil && cs.AllowPrivilegeEscalation != nil && !*cs.AllowPrivilegeEscalation, "no escalation")
		lack(cs != nil && cs.Capabilities != nil && slices.Equal(cs.Capabilities.Drop, []corev1.Capability{"ALL"}) && len(cs.Capabilities.Add) == 0, "no capabilities")
		lack(!c.Resources.Requests.Cpu().IsZero() && !c.Resources.Requests.Memory().IsZero() && !c.Resources.Limits.Memory().IsZero(), "requests and a memory limit")
		lack(!strings.HasSuffix(c.Image, ":latest"), "a version of the image")
	}
	return lacks
}

func TestPodCheckSeesWhatIsMissing(t *testing.T) {
	t.Parallel()
	if lacks := pod(&corev1.PodSpec{Containers: []corev1.Container{{Image: "x:latest"}}}); len(lacks) != 8 {
		t.Errorf("a bare pod lacks only %q", lacks)
	}
}

func TestManifests(t *testing.T) {
	t.Parallel()
	finish, settings := program(t)
	all := []string{"ServiceAccount/clientele", "ConfigMap/clientele", "Deployment/clientele", "Deployment/clientele-worker", "Service/clientele", "PodDisruptionBudget/clientele", "HorizontalPodAutoscaler/clientele", "NetworkPolicy/clientele"}
	for folder, want := range map[string][]string{
		"base":                all,
		"migrate":             {"Job/clientele-migrate"},
		"overlays/production": all,
		"overlays/example":    append([]string{"Job/clientele-migrate", "Ingress/clientele", "Secret/clientele", "Secret/clientele-owner"}, all...),
	} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			b, err := build(folder)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range want {
				if b.objects[name] == nil {
					t.Errorf("%s is missing", name)
				}
			}
			if len(b.objects) != len(want) {
				t.Errorf("%d objects, want %d", len(b.objects), len(want))
			}
			if job, ok := b.objects["Job/clientele-migrate"].(*batchv1.Job); ok {
				for _, what := range pod(&job.Spec.Template.Spec) {
					t.Errorf("migrate: %s", what)
				}
				for _, e := range job.Spec.Template.Spec.Containers[0].Env {
					if !settings[e.Name] {
						t.Errorf("migrate: %s is no setting of the program", e.Name)
					}
				}
			}
			if d, ok := b.objects["Deployment/clientele"].(*appsv1.Deployment); ok {
				serving(t, b, d, finish, settings)
			}
			if d, ok := b.objects["Deployment/clientele-worker"].(*appsv1.Deployment); ok {
				working(t, b, d)
			}
		})
	}
}

// working holds the workers: as closed as the API's pods, in no Service, and reached by nobody but monitoring.
func working(t *testing.T, b built, d *appsv1.Deployment) {
	t.Helper()
	spec := &d.Spec.Template.Spec
	for _, what := range pod(spec) {
		t.Errorf("worker: %s", what)
	}
	c := spec.Containers[0]
	if !slices.Equal(c.Args, []string{"serve", "--role", "worker"}) || d.Spec.Replicas == nil || *d.Spec.Replicas < 1 {
		t.Errorf("worker: runs %q", c.Args)
	}
	if c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.LivenessProbe.HTTPGet.Path != "/healthz" || len(c.Ports) != 1 || c.Ports[0].Name != "telemetry" {
		t.Error("worker: probes or ports")
	}
	for k, v := range d.Spec.Selector.MatchLabels {
		if d.Spec.Template.Labels[k] != v {
			t.Errorf("worker: selects %s=%s", k, v)
		}
	}
	matches := true
	for k, v := range b.objects["Service/clientele"].(*corev1.Service).Spec.Selector {
		matches = matches && d.Spec.Template.Labels[k] == v
	}
	if matches {
		t.Error("the Service sends requests to workers")
	}
	api := b.objects["Deployment/clientele"].(*appsv1.Deployment)
	if args := api.Spec.Template.Spec.Containers[0].Args; !slices.Equal(args, []string{"serve", "--role", "api"}) {
		t.Errorf("the API runs %q", args)
	}
}

func serving(t *testing.T, b built, d *appsv1.Deployment, finish time.Duration, settings map[string]bool) {
	t.Helper()
	spec := &d.Spec.Template.Spec
	for _, what := range pod(spec) {
		t.Error(what)
	}
	config := b.objects["ConfigMap/clientele"].(*corev1.ConfigMap).Data
	for name := range config {
		if !settings[name] && name != "GOMEMLIMIT" {
			t.Errorf("%s is no setting of the program", name)
		}
	}
	if secret, ok := b.objects["Secret/clientele"].(*corev1.Secret); ok {
		for name := range secret.StringData {
			if !settings[name] || config[name] != "" {
				t.Errorf("%s is no setting of the program, or is set twice", name)
			}
			if name == "CLIENTELE_OWNER_URL" {
				t.Error("serving processes have the owner's URL")
			}
		}
	}

	// The stop: drain, finish, send telemetry, and then some.
	drain, err := time.ParseDuration(config["CLIENTELE_DRAIN"])
	if err != nil {
		t.Fatal(err)
	}
	const telemetry, margin = 5 * time.Second, 5 * time.Second
	if grace := time.Duration(*spec.TerminationGracePeriodSeconds) * time.Second; grace < drain+finish+telemetry+margin {
		t.Errorf("grace of %s, the program needs %s to drain and %s to finish", grace, drain, finish)
	}
	c := spec.Containers[0]
	ready := c.ReadinessProbe
	if notices := time.Duration(ready.PeriodSeconds*ready.FailureThreshold) * time.Second; drain <= notices {
		t.Errorf("drains for %s, load balancers notice after %s", drain, notices)
	}
	if ready.HTTPGet.Path != "/readyz" || c.LivenessProbe.HTTPGet.Path != "/healthz" || c.StartupProbe.HTTPGet.Path != "/healthz" {
		t.Error("probes ask the wrong paths")
	}
	for _, p := range c.Ports {
		listen := map[string]string{"http": "CLIENTELE_LISTEN", "telemetry": "CLIENTELE_TELEMETRY_LISTEN"}[p.Name]
		if _, port, _ := strings.Cut(config[listen], ":"); port != strconv.Itoa(int(p.ContainerPort)) {
			t.Errorf("port %s is %d, the program listens on %q", p.Name, p.ContainerPort, config[listen])
		}
	}
	if u := d.Spec.Strategy.RollingUpdate; u.MaxUnavailable.IntValue() != 0 || u.MaxSurge.IntValue() != 1 || d.Spec.Replicas != nil {
		t.Error("a roll-out takes a process away before there is another, or fights the autoscaler")
	}

	// Labels select the pods.
	for what, selector := range map[string]map[string]string{
		"Deployment": d.Spec.Selector.MatchLabels,
		"Service":    b.objects["Service/clientele"].(*corev1.Service).Spec.Selector,
		"Disruption": b.objects["PodDisruptionBudget/clientele"].(*policyv1.PodDisruptionBudget).Spec.Selector.MatchLabels,
		"Network":    b.objects["NetworkPolicy/clientele"].(*networkingv1.NetworkPolicy).Spec.PodSelector.MatchLabels,
	} {
		for k, v := range selector {
			if d.Spec.Template.Labels[k] != v {
				t.Errorf("%s selects %s=%s", what, k, v)
			}
		}
	}

	// Connections of all replicas fit a server as it comes; behind a pooler they are its clients.
	most, err := strconv.Atoi(config["CLIENTELE_MAX_CONNS"])
	if err != nil {
		t.Fatal(err)
	}
	replicas := int(b.objects["HorizontalPodAutoscaler/clientele"].(*autoscalingv2.HorizontalPodAutoscaler).Spec.MaxReplicas) + 1
	room := 97 // of max_connections = 100
	if config["CLIENTELE_POOLER"] == "true" {
		room = pooled(t)
	}
	worker := b.objects["Deployment/clientele-worker"].(*appsv1.Deployment)
	workers := int(*worker.Spec.Replicas) + worker.Spec.Strategy.RollingUpdate.MaxSurge.IntValue()
	few, err := strconv.Atoi(worker.Spec.Template.Spec.Containers[0].Env[0].Value)
	if err != nil || worker.Spec.Template.Spec.Containers[0].Env[0].Name != "CLIENTELE_MAX_CONNS" {
		t.Fatal("workers have no number of connections of their own", err)
	}
	if n := replicas*(most+4+4) + workers*(few+4+4); n > room {
		t.Errorf("%d processes and %d workers take %d connections, there are %d", replicas, workers, n, room)
	}
}

// pooled is how many clients the shipped PgBouncer takes.
func pooled(t *testing.T) int {
	t.Helper()
	ini, err := os.ReadFile(deploy + "pgbouncer/pgbouncer.ini")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(regexp.MustCompile(`(?m)^max_client_conn = (\d+)$`).FindStringSubmatch(string(ini))[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// program reads, from the program's source, how long it finishes requests, and the names of its settings.
func program(t *testing.T) (finish time.Duration, settings map[string]bool) {
	t.Helper()
	settings = map[string]bool{}
	packages, err := parser.ParseDir(token.NewFileSet(), "../../../cmd/clientele", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	setting := regexp.MustCompile(`setting:"([A-Z0-9_]+)"`)
	ast.Inspect(packages["main"], func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			if n.Tag != nil {
				if m := setting.FindStringSubmatch(n.Tag.Value); m != nil {
					settings[m[1]] = true
				}
			}
		case *ast.ValueSpec:
			if n.Names[0].Name == "finishTime" {
				seconds, err := strconv.Atoi(n.Values[0].(*ast.BinaryExpr).X.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				finish = time.Duration(seconds) * time.Second
			}
		}
		return true
	})
	if finish == 0 || !settings["CLIENTELE_DATABASE_URL"] {
		t.Fatal("the program's source was not understood")
	}
	return finish, settings
}
