package gpconnect

import "sync"

// pool is the memory that all calls together may hold back.
type pool struct {
	mu   sync.Mutex
	free int64 // guarded by mu
}

// take reserves n bytes if they are free.
func (p *pool) take(n int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n > p.free {
		return false
	}
	p.free -= n
	return true
}

func (p *pool) give(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free += n
}
