// SPDX-FileCopyrightText: The Service Connector for Kubernetes authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKilledParent(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), helperVariable+"="+t.TempDir())
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	children := readPIDs(t, bufio.NewScanner(stdout))
	t.Cleanup(func() {
		for _, pid := range alive(children) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	if len(children) != 3 {
		t.Errorf("%d children, want 3", len(children))
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, "end of all children", func() bool { return len(alive(children)) == 0 })
}

// The kernel's death signal follows the thread that forked. The runtime ends the
// thread of a goroutine that ends while it is locked to it.
func TestChildOutlivesThread(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	thread := onEndingThread(func() error { return startChild(cmd) }, t.Error)
	eventually(t, "end of the thread", func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", thread))
		return errors.Is(err, fs.ErrNotExist)
	})
	if _, ok := identity(cmd.Process.Pid); !ok {
		t.Error("the child ended with the thread")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if _, ok := identity(cmd.Process.Pid); ok {
		t.Error("an ended process has an identity")
	}
}

// onEndingThread calls a function on a thread that then ends, and returns the
// thread's number.
func onEndingThread(call func() error, report func(...any)) int {
	threads := make(chan int)
	for {
		go func() {
			runtime.LockOSThread()
			// The first thread never ends, it is put aside; the next try gets another.
			if syscall.Gettid() != os.Getpid() {
				if err := call(); err != nil {
					report(err)
				}
			}
			threads <- syscall.Gettid()
		}()
		if thread := <-threads; thread != os.Getpid() {
			return thread
		}
	}
}

func TestForeignProcessIsNotRunning(t *testing.T) {
	id, ok := identity(os.Getpid())
	if !ok {
		t.Fatal("this process has no identity")
	}
	tests := map[string]struct {
		identity string
		want     bool
	}{
		"the same process":            {id, true},
		"another with its number":     {id + "0", false},
		"one that never got to start": {"", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := find(record{PID: os.Getpid(), Identity: tt.identity})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, p.running()); diff != "" {
				t.Errorf("running (-want +got):\n%s", diff)
			}
		})
	}
}
