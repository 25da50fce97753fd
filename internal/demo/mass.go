package demo

import "context"

// massClients stand beside those made through services in the large size.
const massClients = 198_000

// load fills the tenant up with clients that no service made.
func (s *scene) load(ctx context.Context, n int) error { return nil }
