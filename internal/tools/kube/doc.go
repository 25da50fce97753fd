// Package kube holds the deployment descriptions of deploy/ to the types of those who read them: Kubernetes, compose and
// Prometheus. It is a module of its own, so that the product depends on none of them; it owns no description.
package kube
