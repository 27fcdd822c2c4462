// Package proc tells one process from another that later gets its id.
package proc

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Started says when a process began and among whose processes, as
// "TICKS.NAMESPACE". It is an error if the process has ended.
func Started(pid int) (string, error) {
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "", err
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", err
	}
	// The program's name comes second, in parentheses, and may hold anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const state, startTime = 0, 19
	if len(fields) <= startTime {
		return "", errors.New("/proc holds something else than processes")
	}
	if fields[state] == "Z" || fields[state] == "X" {
		return "", &fs.PathError{Op: "look for", Path: strconv.Itoa(pid), Err: syscall.ESRCH}
	}
	return fields[startTime] + "." + number(space), nil
}

// number returns the digits of "pid:[4026531836]".
func number(space string) string {
	return strings.Trim(space, "pid:[]")
}

// Visible reports whether what Started returned, here or elsewhere, is of a
// process that could be seen here: a container may share a directory and not
// the processes.
func Visible(started string) bool {
	space, err := os.Readlink("/proc/self/ns/pid")
	_, named, ok := strings.Cut(started, ".")
	return err == nil && ok && named == number(space)
}
