package archive

import (
	"slices"
	"strings"
	"testing"
)

// Every stage × every stage, said out loud.
func TestStageTable(t *testing.T) {
	t.Parallel()
	allowed := strings.Fields(`
		prospect>developing prospect>terminated prospect>dissolved
		developing>applied developing>prospect developing>terminated developing>dissolved
		applied>recognised applied>developing applied>terminated applied>dissolved
		recognised>trading recognised>terminated recognised>dissolved
		trading>recognised trading>terminated trading>dissolved
		terminated>dissolved`)
	special := strings.Fields(`
		prospect>applied prospect>recognised prospect>trading developing>recognised developing>trading applied>trading`)
	for _, from := range Stages() {
		for _, to := range Stages() {
			step := from + ">" + to
			if got, want := mayMove(from, to, []string{"KEY"}), slices.Contains(allowed, step); got != want {
				t.Errorf("%s: %v", step, got)
			}
			if got, want := mayMove(from, to, []string{"SPECIAL"}), slices.Contains(allowed, step) || slices.Contains(special, step); got != want {
				t.Errorf("special %s: %v", step, got)
			}
			if got, want := mayMove(from, to, []string{"KEY", "SPECIAL"}), slices.Contains(allowed, step); got != want {
				t.Errorf("key and special %s: %v", step, got)
			}
		}
	}
	if len(stageTable()) != len(Stages()) {
		t.Error("the table does not speak of every stage")
	}
}
