//go:build !linux

package projection_test

import "strconv"

func fallback(uid int) string { return "/tmp/escenv-" + strconv.Itoa(uid) + "/files" }
