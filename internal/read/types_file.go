package read

import (
	"github.com/clientele/clientele/internal/id"
	"github.com/clientele/clientele/policy"
)

// fileTypes: a file is seen through the original that it belongs to; one that belongs to nothing is seen by nobody.
func fileTypes() []*Type {
	reg, content := policy.OriginalRegister, policy.OriginalContent
	return []*Type{{
		Name: "File", Prefix: id.File, Table: "files", Twin: true, Anchor: "Original", AnchorKey: "original_id", Cover: reg,
		Fields: []Field{
			idField(id.File, "id"),
			one(reg, "original", "original_id", "Original"), col(reg, KindText, "name", "name"), col(reg, KindText, "mediaType", "media_type"), col(reg, KindBigInt, "size", "size"),
			col(content, KindHex, "sha256", "sha256"), col(reg, KindEnum, "state", "state"), col(reg, KindText, "scanNote", "scan_note"),
			col(reg, KindTime, "uploadedAt", "received_at"), col(reg, KindTime, "scannedAt", "scanned_at"), version(), createdAt(),
		},
	}}
}
