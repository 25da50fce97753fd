package archive

import (
	"slices"

	"github.com/clientele/clientele/internal/fault"
)

// Stages of a client, in the order of its life.
const (
	StageProspect   = "prospect"
	StageDeveloping = "developing"
	StageApplied    = "applied"
	StageRecognised = "recognised"
	StageTrading    = "trading"
	StageTerminated = "terminated"
	StageDissolved  = "dissolved"
	StageDisposed   = "disposed"
)

// Stages lists them all.
func Stages() []string {
	return []string{StageProspect, StageDeveloping, StageApplied, StageRecognised, StageTrading, StageTerminated, StageDissolved, StageDisposed}
}

// stageTable is where a client may go from each stage by client.changeList: one step forward; one step back where nothing
// was decided yet or trade merely rests; an end from any living stage. Nothing leads to disposed: disposal is an act of its own.
func stageTable() map[string][]string {
	return map[string][]string{
		StageProspect:   {StageDeveloping, StageTerminated, StageDissolved},
		StageDeveloping: {StageApplied, StageProspect, StageTerminated, StageDissolved},
		StageApplied:    {StageRecognised, StageDeveloping, StageTerminated, StageDissolved},
		StageRecognised: {StageTrading, StageTerminated, StageDissolved},
		StageTrading:    {StageRecognised, StageTerminated, StageDissolved},
		StageTerminated: {StageDissolved},
		StageDissolved:  {},
		StageDisposed:   {},
	}
}

// living stages are those in which the tenant deals with the client.
func living(stage string) bool {
	return slices.Contains([]string{StageProspect, StageDeveloping, StageApplied, StageRecognised, StageTrading}, stage)
}

// mayMove tells whether the stage may change. A client that is special and nothing else skips the steps of development
// and recognition (F02): it may go forward to any living stage.
func mayMove(from, to string, kinds []string) bool {
	if slices.Contains(stageTable()[from], to) {
		return true
	}
	onlySpecial := len(kinds) == 1 && kinds[0] == "SPECIAL"
	return onlySpecial && living(from) && living(to) && slices.Index(Stages(), from) < slices.Index(Stages(), to)
}

func stageRefused(from, to string) error {
	return fault.State("STAGE_TRANSITION",
		fault.Text{ZH: "客户阶段不能由 " + from + " 变为 " + to, EN: "a client's stage does not change from " + from + " to " + to},
		fault.Text{ZH: "请逐级推进客户阶段", EN: "go step by step"}).At("input.stage")
}
