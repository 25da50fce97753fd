module github.com/clientele/clientele/internal/tools/kube

go 1.26

require (
	github.com/blang/semver/v4 v4.0.0 // indirect
	github.com/compose-spec/compose-go/v2 v2.9.0 // indirect
	github.com/prometheus/prometheus v0.305.0 // indirect
	k8s.io/api v0.34.1 // indirect
	sigs.k8s.io/kustomize/api v0.20.1 // indirect
)
