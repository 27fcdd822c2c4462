package activation

import (
	"syscall"
	"time"
)

// changed is when a file was made or its times were set.
func changed(st *syscall.Stat_t) time.Time { return time.Unix(st.Ctim.Unix()) }
