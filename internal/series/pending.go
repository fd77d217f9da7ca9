package series

// pending is what the next merge has to do. It is guarded by the table's mutex.
type pending struct {
	epoch   uint32 // counts the times that there was something to do
	added   list   // created in this epoch, so not in a page yet
	stale   int    // how many died of added, or of what was swept since
	removed list   // dead, and nearly all of them still in a page
}

func (p *pending) empty() bool { return p.added.n == 0 && p.removed.n == 0 }

// remove marks a series as removed, and notes that. The notes stay bounded, so that
// series may come and go for ever without a scrape.
func (p *pending) remove(s *Series) {
	if created := s.remove(p.epoch); created != p.epoch {
		p.removed.add(s)
		return
	}
	if p.stale++; p.stale >= chunkSeries/2 {
		p.stale = 0
		p.sweep()
	}
}

// sweep rids the oldest of the added of the dead, a chunk at a time: sweeping all
// would take the longer the more there are. While half a chunk dies for each that
// is swept, no more than twice the living are kept.
func (p *pending) sweep() {
	for _, s := range p.added.takeFirst() {
		if !s.Dead() {
			p.added.add(s)
		}
	}
}
