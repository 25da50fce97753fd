package product

import (
	"context"
	"log/slog"

	"github.com/clientele/clientele/internal/telemetry"
	"github.com/clientele/clientele/internal/tenancy"
	"github.com/clientele/clientele/policy"
)

// shadowEvery is how many decisions are taken for one that casbin judges, too.
const shadowEvery = 1000

// Shadow has casbin judge one of every decisions (0: none; acts that change rights are always judged), and tells logs and metrics
// where it differs from the compiled policy. Called before anything is served; without it one of 1,000 is judged and logged.
func (s *Services) Shadow(every uint32, tel *telemetry.Telemetry) {
	said := disagreement(tel.Log)
	s.Rights.Shadowed(every, func(tenant tenancy.TenantID, d policy.Disagreement) {
		tel.Disagreement(string(d.Object), string(d.Action))
		said(tenant, d)
	})
}

// disagreement logs what an operator has to look into: nothing of the row, only the question and both answers.
func disagreement(log *slog.Logger) func(tenancy.TenantID, policy.Disagreement) {
	return func(tenant tenancy.TenantID, d policy.Disagreement) {
		log.ErrorContext(context.Background(), "the compiled policy and casbin disagree: refused, and casbin alone decides for the tenant",
			slog.String("tenant", tenant.UUID().String()), slog.Int64("policyVersion", d.Version), slog.String("object", string(d.Object)),
			slog.String("action", string(d.Action)), slog.Bool("compiled", d.Compiled), slog.Bool("casbin", d.Judged), slog.Any("error", d.Err))
	}
}
