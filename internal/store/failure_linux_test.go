package store_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/spinegate/spinegate/internal/store"
)

// The failures here are the kernel's own: they need a process of their own, which is this test binary again.
const childVariable = "SPINEGATE_STORE_TEST"

// inChild runs body in a process of its own, in virtual time, where it reports by panicking or printing. It gives back
// what was printed.
func inChild(t *testing.T, body func(*testing.T, store.Config)) string {
	t.Helper()
	if path := os.Getenv(childVariable); path != "" {
		synctest.Test(t, func(t *testing.T) {
			c := config(t)
			c.Path, c.KeyFile = path, path+".key"
			body(t, c)
			os.Exit(0)
		})
	}
	c := config(t)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = childEnvironment(c)
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("the process with the failure: %v\n%s", err, out)
	}
	return string(out)
}

// childEnvironment tells a child where the store is. Its temporary directories are made beside that: it ends without
// removing them, and ours goes with everything in it.
func childEnvironment(c store.Config) []string {
	return append(os.Environ(), childVariable+"="+c.Path, "TMPDIR="+filepath.Dir(c.Path))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// TestAFullDiskFailsClosedAndHeals limits how large files may become: a write that the kernel refuses.
func TestAFullDiskFailsClosedAndHeals(t *testing.T) {
	out := inChild(t, func(t *testing.T, c store.Config) {
		ctx := t.Context()
		db, err := store.Open(ctx, c)
		must(err)
		must(db.Write(ctx, line("before")))
		signal.Ignore(unix.SIGXFSZ)
		var was unix.Rlimit
		must(unix.Getrlimit(unix.RLIMIT_FSIZE, &was))
		must(unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 8192, Max: was.Max}))
		refused := 0
		for range 50 {
			if err := db.Write(ctx, line(strings.Repeat("x", 4000))); err != nil {
				refused++
			}
		}
		fmt.Println("refused", refused, "unhealthy", db.Healthy() != nil)
		must(unix.Setrlimit(unix.RLIMIT_FSIZE, &was))
		for db.Healthy() != nil { // as a health check would
			time.Sleep(300 * time.Millisecond)
		}
		must(db.Write(ctx, line("after")))
		got := lines(t, db)
		fmt.Println("kept", len(got), got[0], got[len(got)-1])
		must(db.Close())
	})
	for _, want := range []string{"refused 50 unhealthy true", "kept 2 before after"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

// TestAFailedFsyncIsNeverAcknowledged makes fsync and fdatasync fail, from some moment on, in the kernel.
func TestAFailedFsyncIsNeverAcknowledged(t *testing.T) {
	out := inChild(t, func(t *testing.T, c store.Config) {
		ctx := t.Context()
		db, err := store.Open(ctx, c)
		must(err)
		must(db.Write(ctx, line("before")))
		if err := failFsync(); err != nil {
			fmt.Println("no seccomp:", err)
			return
		}
		for range 3 {
			if err := db.Write(ctx, line("lost")); err == nil {
				fmt.Println("ACKNOWLEDGED")
			}
			time.Sleep(1100 * time.Millisecond) // let it try to heal
		}
		fmt.Println("healthy:", db.Healthy())
	})
	if strings.Contains(out, "no seccomp") {
		t.Skip(out)
	}
	if strings.Contains(out, "ACKNOWLEDGED") || !strings.Contains(out, "healthy: ") || strings.Contains(out, "healthy: <nil>") {
		t.Errorf("a write whose fsync failed was acknowledged, or the store calls itself healthy:\n%s", out)
	}
}

// failFsync installs a filter on every thread under which fsync and fdatasync return EIO. It cannot be undone.
func failFsync() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const eio = unix.SECCOMP_RET_ERRNO | uint32(unix.EIO)
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the system call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 2, K: unix.SYS_FSYNC},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: unix.SYS_FDATASYNC},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		{Code: unix.BPF_RET | unix.BPF_K, K: eio},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	return nil
}

// TestWhatWasAcknowledgedSurvivesKill kills a writing process with SIGKILL, again and again, on the same file.
func TestWhatWasAcknowledgedSurvivesKill(t *testing.T) {
	if path := os.Getenv(childVariable); path != "" {
		c := config(t)
		c.Path, c.KeyFile = path, path+".key"
		db, err := store.Open(t.Context(), c)
		must(err)
		for writer := range 8 {
			go func() {
				for i := 0; ; i++ {
					text := fmt.Sprintf("%d-%d-%d", os.Getpid(), writer, i)
					must(db.Write(t.Context(), line(text)))
					_, err := os.Stdout.WriteString("ack " + text + "\n")
					must(err)
				}
			}()
		}
		select {}
	}
	c := config(t)
	c.KeyFile = c.Path + ".key"
	acknowledged := make(map[string]bool)
	for round := range 5 {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		child.Env = childEnvironment(c)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		scanner := bufio.NewScanner(out)
		for n := 0; scanner.Scan(); n++ {
			if text, ok := strings.CutPrefix(scanner.Text(), "ack "); ok {
				acknowledged[text] = true
			}
			if n == 100+137*round {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		var exit *exec.ExitError
		if err := child.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the child was not killed: %v", err)
		}
	}
	db := open(t, c)
	kept := make(map[string]bool)
	for _, text := range lines(t, db) {
		kept[text] = true
	}
	for text := range acknowledged {
		if !kept[text] {
			t.Errorf("%s was acknowledged and is gone", text)
		}
	}
	t.Logf("%d acknowledged, %d kept", len(acknowledged), len(kept))
}
